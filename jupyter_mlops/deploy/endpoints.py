"""What the server of a deployment answers besides inferences: true labels that came later, and its own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_mlops.deploy.serving.problems import Problem
from jupyter_mlops.deploy.serving.reading import read_body
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.deploy.following import DeploymentServer

__all__ = ["routes"]

_FORM = 'Send {"id": "REQUEST", "labels": [...]}, or {"feedback": [...]} of several.'


def routes(server: DeploymentServer) -> list[BaseRoute]:
    """Return the routes of a deployment's server."""

    async def feedback(request: Request) -> Response:
        """Join true labels with what was answered."""
        receive: Any = request.receive
        body = await read_body(receive, dict(request.headers.raw), server.settings.max_body)
        try:
            items = list(_items(orjson.loads(body)))
        except orjson.JSONDecodeError as error:
            raise Problem(400, f"The body is no JSON: {error}. {_FORM}") from None
        return _json(await run_in_threadpool(_joined, server, items))

    async def deployment(request: Request) -> Response:
        """Return the deployment and its numbers."""
        live = await run_in_threadpool(server.live)
        found = server.deployment
        return _json(
            {"name": found.name, "model": found.model, "versions": found.traffic.to_json(), "live": live.to_json()}
        )

    return [
        Route("/feedback", feedback, methods=["POST"]),
        Route("/deployment", deployment, methods=["GET"]),
    ]


def _joined(server: DeploymentServer, items: Sequence[tuple[str, Sequence[Any]]]) -> Mapping[str, Any]:
    joined, unknown, wrong = 0, [], []
    for name, labels in items:
        try:
            found = server.watcher.label(name, labels)
        except UsageError as error:
            wrong.append({"id": name, "error": error.message})
            continue
        joined += found is not None
        if found is None:
            unknown.append(name)
    if wrong and len(items) == 1:
        raise Problem(400, wrong[0]["error"], field="labels")
    return {"joined": joined, "unknown": unknown, "wrong": wrong}


def _items(data: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    given = data.get("feedback", [data]) if isinstance(data, Mapping) else data
    if not isinstance(given, list) or not given:
        raise Problem(400, f"That is no feedback. {_FORM}", field="feedback")
    for item in given:
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            raise Problem(400, f"A feedback has no id of a request. {_FORM}", field="id")
        labels = item.get("labels", item.get("label"))
        if labels is None or isinstance(labels, Mapping):
            raise Problem(400, f"A feedback has no labels. {_FORM}", field="labels")
        yield item["id"], labels if isinstance(labels, list) else [labels]


def _json(data: Any) -> Response:
    return Response(orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
