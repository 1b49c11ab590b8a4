"""The server's application: inferences by the shortest way, all else through Starlette."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from jupyter_mlops.deploy.serving.calls import JSON, Answer, Call
from jupyter_mlops.deploy.serving.endpoints import endpoints
from jupyter_mlops.deploy.serving.hosting import Host
from jupyter_mlops.deploy.serving.inference import Inference
from jupyter_mlops.deploy.serving.metrics import Metrics
from jupyter_mlops.deploy.serving.policy import NewestRouter, Observer, Router, SilentObserver
from jupyter_mlops.deploy.serving.problems import Problem, problem_of
from jupyter_mlops.deploy.serving.reading import Message, Receive, read_body
from jupyter_mlops.deploy.serving.settings import Settings
from jupyter_mlops.deploy.serving.simple import CsvCall, InstancesCall, MlflowCall
from jupyter_mlops.deploy.serving.sources import Source
from jupyter_mlops.deploy.serving.targets import OTHER, Target, target_of
from jupyter_mlops.deploy.serving.v2 import InferCall
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.names import printable

__all__ = ["Server"]

LOG = logging.getLogger("jupyter_mlops.serving")
Send = Callable[[Message], Awaitable[None]]
Scope = dict[str, Any]
Headers = dict[bytes, bytes]
_OPEN = frozenset(["/v2/health/live", "/v2/health/ready", "/ping", "/health"])
"""Who runs the server asks these, and has no token."""


class Server:
    """An ASGI application that serves models.

    Args:
        source: Gives bundles.
        references: What is loaded at the start; ``churn@champion`` is followed to where the alias points.
        router: Chooses versions; by default the one that a reference means, else the newest.
        observer: Is told what came of each request.
        routes: More endpoints, such as for feedback.
    """

    def __init__(
        self,
        source: Source,
        references: Sequence[str],
        settings: Settings | None = None,
        *,
        router: Router | None = None,
        observer: Observer | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        self.settings = settings or Settings()
        self.metrics = Metrics()
        self.host = Host(source, self.settings, self.metrics.waited)
        self.router = router or NewestRouter()
        self.inference = Inference(self.host, self.metrics, self.router, observer or SilentObserver())
        self.references = tuple(references)
        self._default: str | None = None
        self._followed: dict[str, int] = {}
        self._follower: asyncio.Task[None] | None = None
        self._token = None if self.settings.token is None else self.settings.token.strip().encode()
        cors = Middleware(CORSMiddleware, **_cors(self.settings))
        self.routes = [*endpoints(self), *routes]
        self._others: Any = Starlette(
            routes=self.routes,
            middleware=[cors] if self.settings.origins else [],
            exception_handlers={Problem: _told, HTTPException: _told},
        )

    @property
    def default(self) -> str | None:
        """The model that endpoints without a name mean: the first that was asked for."""
        return self._default

    async def start(self) -> None:
        """Load what was asked for.

        Raises:
            MlopsError: Something can't be loaded.
        """
        for reference in self.references:
            model, version = await asyncio.to_thread(self.host.source.resolve, reference)
            await self.load(model, version)
            self._default = self._default or model
            if "@" in reference and not reference.rpartition("@")[2].lstrip("v").isdigit():
                self._followed[reference] = version
                self.prefer(model, version)
        self.host.ready = True
        if self._followed:
            self._follower = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop watching, and wait for what runs beside the answers."""
        self.host.ready = False
        if self._follower is not None:
            self._follower.cancel()
        await self.inference.drained()

    async def load(self, model: str, version: int) -> None:
        """Load a version.

        Raises:
            MlopsError: It can't be loaded.
        """
        await self.host.load(model, version)
        self.metrics.loaded(model, version, True)

    async def unload(self, model: str, version: int | None = None) -> bool:
        """Take versions away; tell whether they were there."""
        for number in self.host.versions(model):
            if version is None or number == version:
                self.metrics.loaded(model, number, False)
        return await self.host.unload(model, version)

    def prefer(self, model: str, version: int | None) -> None:
        """Let a version answer where a client wants none in particular, if the router is ours."""
        if isinstance(self.router, NewestRouter):
            self.router.prefer(model, version)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, by the rules of ASGI."""
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1003})
        began = time.perf_counter()
        headers = dict(scope["headers"])
        target = OTHER
        status = [500]

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        self.metrics.in_progress.inc()
        try:
            self._admit(scope, headers)
            target = target_of(scope["method"], scope["path"])
            if target.kind == "other" or (self.settings.origins and b"origin" in headers):
                await self._other(scope, receive, noted, headers, target, began)
            else:
                await _send(noted, await self.infer(target, headers, receive, began))
        except Problem as problem:
            await _send(noted, problem_answer(problem))
        except Exception as error:
            LOG.exception("a request failed")
            await _send(noted, problem_answer(problem_of(error)))
        finally:
            self.metrics.in_progress.dec()
            self.metrics.answered(scope["method"], target.pattern, status[0], time.perf_counter() - began)
        return None

    async def infer(self, target: Target, headers: dict[bytes, bytes], receive: Receive, began: float) -> Answer:
        """Answer an inference.

        Raises:
            Problem: It can't be answered.
        """
        body = await read_body(receive, headers, self.settings.max_body)
        model = target.model if target.model is not None else self._default
        if model is None:
            raise Problem(503, "No model is served yet.", fault="server")
        if not self.host.versions(model):
            raise self.host.unknown(model)
        call = _read(target.kind, body, headers)
        texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
        return await self.inference.answer(call, model, target.version, target.kind, texts, began)

    async def _other(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, target: Target, began: float
    ) -> None:
        if target.kind == "other":
            return await self._others(scope, receive, send)  # type: ignore[no-any-return]

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await _send(send, await self.infer(target, headers, receive, began))

        # pages of other origins: the middleware says whether they may
        guarded: Any = CORSMiddleware(app, **_cors(self.settings))  # type: ignore[arg-type]
        await guarded(scope, receive, send)
        return None

    def _admit(self, scope: dict[str, Any], headers: dict[bytes, bytes]) -> None:
        if self._token is None or scope["path"] in _OPEN or scope["method"] == "OPTIONS":
            return
        scheme, _, shown = headers.get(b"authorization", b"").partition(b" ")
        # the comparison takes as long whatever the guess has in common with the token
        if not hmac.compare_digest(shown.strip(), self._token) or scheme.lower() != b"bearer":
            raise Problem(
                401, "A token is needed: Authorization: Bearer TOKEN.", headers=(("www-authenticate", "Bearer"),)
            )

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except MlopsError as error:
                    hint = f" {error.hint}" if error.hint else ""
                    return await send({"type": "lifespan.startup.failed", "message": error.message + hint})
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                return await send({"type": "lifespan.shutdown.complete"})

    async def _follow(self) -> None:
        """Serve what aliases point at; what can't be loaded is logged, and what was served goes on."""
        while True:
            await asyncio.sleep(self.settings.follow)
            for reference, current in list(self._followed.items()):
                try:
                    model, version = await asyncio.to_thread(self.host.source.resolve, reference)
                    if version == current:
                        continue
                    await self.load(model, version)
                    self.prefer(model, version)
                    self._followed[reference] = version
                    LOG.warning("%s is version %s now", reference, version)
                    if current not in self._followed.values() and f"{model}/{current}" not in self.references:
                        await self.unload(model, current)
                except MlopsError as error:
                    LOG.warning("%s stays at version %s: %s", reference, current, error.message)
                except Exception:
                    LOG.exception("%s can't be followed", reference)


def problem_answer(problem: Problem) -> Answer:
    """Return what is sent for a problem."""
    body: dict[str, Any] = {"error": problem.message}
    if problem.field is not None:
        body["field"] = problem.field
    headers = (JSON, *((name.encode(), value.encode()) for name, value in problem.headers))
    return Answer(orjson.dumps(body), headers, problem.status)


def _cors(settings: Settings) -> dict[str, Any]:
    return {
        "allow_origins": list(settings.origins),
        "allow_methods": ["GET", "POST"],
        "allow_headers": ["authorization", "content-type", "inference-header-content-length", "x-request-id"],
    }


async def _told(request: Request, error: Exception) -> Response:
    """What Starlette's own errors, such as a wrong method, and ours look like."""
    if isinstance(error, HTTPException):
        allowed = tuple((error.headers or {}).items())
        path = printable(request.url.path)[:80]
        what = (
            f"There is no endpoint {path}; /docs lists them."
            if error.status_code == 404
            else f"{error.detail}: {path}."
        )
        error = Problem(error.status_code, what, headers=allowed)
    answer = problem_answer(problem_of(error))
    return Response(answer.body, answer.status, {name.decode(): value.decode() for name, value in answer.headers})


def _read(kind: str, body: bytes, headers: dict[bytes, bytes]) -> Call:
    if kind == "v2":
        return InferCall(body, headers.get(b"inference-header-content-length"))
    if kind == "v1":
        return InstancesCall(body)
    media = headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
    if media == b"text/csv":
        return CsvCall(body)
    if media not in (b"application/json", b""):
        shown = media.decode("latin-1")[:60]
        what = f"Content-Type {shown!r} is not taken; application/json and text/csv are."
        raise Problem(415, what, field="content-type")
    return MlflowCall(body)


async def _send(send: Send, answer: Answer) -> None:
    length = (b"content-length", str(len(answer.body)).encode())
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, length]})
    await send({"type": "http.response.body", "body": answer.body})
