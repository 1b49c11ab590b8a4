"""All endpoints but inferences: health, metadata, the repository, metrics, the API's description."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_mlops._version import __version__
from jupyter_mlops.deploy.serving.hosting import Hosted
from jupyter_mlops.deploy.serving.metrics import CONTENT_TYPE_LATEST
from jupyter_mlops.deploy.serving.openapi import description, page
from jupyter_mlops.deploy.serving.policy import Request as Asked
from jupyter_mlops.deploy.serving.problems import Problem, problem_of
from jupyter_mlops.deploy.serving.reading import json_of, read_body
from jupyter_mlops.deploy.serving.targets import version_of

if TYPE_CHECKING:
    from jupyter_mlops.deploy.serving.app import Server

__all__ = ["endpoints"]

_EXTENSIONS = ["binary_tensor_data", "model_repository"]
Handler = Callable[[Request], Awaitable[Response]]


def endpoints(server: Server) -> list[BaseRoute]:
    """Return the routes of a server."""
    found = _Endpoints(server)
    get = (
        ("/v2/health/live", found.live),
        ("/v2/health/ready", found.ready),
        ("/health", found.ready),
        ("/ping", found.ready),
        ("/version", found.version),
        ("/v2", found.server_metadata),
        ("/v2/models/{model}", found.metadata),
        ("/v2/models/{model}/versions/{version}", found.metadata),
        ("/v2/models/{model}/ready", found.model_ready),
        ("/v2/models/{model}/versions/{version}/ready", found.model_ready),
        ("/v1/models", found.v1_models),
        ("/v1/models/{model}", found.v1_model),
        ("/v2/models", found.v1_models),
        ("/metrics", found.metrics),
        ("/openapi.json", found.openapi),
        ("/docs", found.docs),
        ("/", found.docs),
    )
    post = (
        ("/v2/repository/index", found.index),
        ("/v2/repository/models/{model}/load", found.load),
        ("/v2/repository/models/{model}/unload", found.unload),
    )
    routes: list[BaseRoute] = [Route(path, _safe(handler), methods=["GET"]) for path, handler in get]
    routes += [Route(path, _safe(handler), methods=["POST"]) for path, handler in post]
    return routes


class _Endpoints:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._host = server.host

    async def live(self, request: Request) -> Response:
        return _json({"live": True})

    async def ready(self, request: Request) -> Response:
        is_ready = self._host.ready and all(
            item.batcher.usable for versions in self._host.models.values() for item in versions.values()
        )
        return _json({"ready": is_ready}, 200 if is_ready else 503)

    async def version(self, request: Request) -> Response:
        return Response(__version__, media_type="text/plain")

    async def server_metadata(self, request: Request) -> Response:
        return _json({"name": "jupyter-mlops", "version": __version__, "extensions": _EXTENSIONS})

    async def metadata(self, request: Request) -> Response:
        hosted = self._meant(request)
        schema = hosted.schema
        versions = self._host.versions(hosted.model)
        return _json(
            {
                "name": hosted.model,
                "versions": [str(version) for version in versions],
                "platform": "onnx_onnxv1" if hosted.predictor.engine.name == "onnx" else "python_estimator",
                "inputs": [item.to_json() for item in schema.inputs],
                "outputs": [item.to_json() for item in schema.outputs],
                "parameters": {"version": str(hosted.version), "digest": hosted.bundle.digest},
            }
        )

    async def model_ready(self, request: Request) -> Response:
        hosted = self._meant(request)
        usable = hosted.batcher.usable
        return _json({"name": hosted.model, "ready": usable}, 200 if usable else 503)

    async def v1_models(self, request: Request) -> Response:
        return _json({"models": list(self._host.models)})

    async def v1_model(self, request: Request) -> Response:
        hosted = self._meant(request)
        return _json({"name": hosted.model, "ready": "True" if hosted.batcher.usable else "False"})

    async def index(self, request: Request) -> Response:
        data = await self._body(request)
        found = await self._host.index()
        if data.get("ready") is True:
            found = [item for item in found if item["state"] == "READY"]
        return _json(found)

    async def load(self, request: Request) -> Response:
        self._check_manage()
        model, data = request.path_params["model"], await self._body(request)
        wanted = _version_wish(data)
        reference = model if wanted is None else f"{model}/{wanted}"
        name, version = await asyncio.to_thread(self._host.source.resolve, reference)
        await self._server.load(name, version)
        self._server.prefer(name, version)
        return Response(status_code=200)

    async def unload(self, request: Request) -> Response:
        self._check_manage()
        model, data = request.path_params["model"], await self._body(request)
        version = _version_wish(data)
        if not await self._server.unload(model, version):
            raise self._host.unknown(model, version)
        return Response(status_code=200)

    async def metrics(self, request: Request) -> Response:
        return Response(self._server.metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})

    async def openapi(self, request: Request) -> Response:
        return _json(description(self._host, secured=self._server.settings.token is not None))

    async def docs(self, request: Request) -> Response:
        return Response(page(self._host), media_type="text/html")

    def _meant(self, request: Request) -> Hosted:
        model, version = request.path_params["model"], request.path_params.get("version")
        if version is not None:
            return self._host.get(model, version_of(version))
        versions = self._host.versions(model)
        if not versions:
            raise self._host.unknown(model)
        chosen = self._server.router.choose(model, Asked("metadata", model), versions)
        return self._host.get(model, chosen.version)

    async def _body(self, request: Request) -> dict[str, Any]:
        headers = dict(request.scope["headers"])
        body = await read_body(request.receive, headers, self._server.settings.max_body)  # type: ignore[arg-type]
        data = json_of(body) if body.strip() else {}
        if not isinstance(data, dict):
            raise Problem(400, "The body is no JSON object.", field="body")
        return data

    def _check_manage(self) -> None:
        if not self._server.settings.manage:
            raise Problem(403, "Models can't be loaded or unloaded here: the server was started without it.")
        if self._server.settings.workers > 1:
            raise Problem(
                409, "Models can't be loaded or unloaded here: the server has several workers. Move an alias instead."
            )


def _version_wish(data: dict[str, Any]) -> int | None:
    parameters = data.get("parameters") or {}
    wanted = parameters.get("version") if isinstance(parameters, dict) else None
    return None if wanted is None else version_of(str(wanted))


def _safe(handler: Handler) -> Handler:
    async def safe(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem:
            raise
        except Exception as error:
            raise problem_of(error) from error

    return safe


def _json(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status, media_type="application/json")
