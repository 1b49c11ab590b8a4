"""The event stream."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_mlops.server.handlers.base import RESOURCE, as_text
from jupyter_mlops.server.hub import Subscriber
from jupyter_mlops.server.panel import Panel
from jupyter_mlops.server.problems import problem_json

__all__ = ["EventsHandler"]


class EventsHandler(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """``events``: a WebSocket that tells what changes."""

    auth_resource = RESOURCE

    def initialize(self, panel: Panel) -> None:
        """Take what the handlers share."""
        self.panel = panel
        self._subscriber: Subscriber | None = None
        self._sender: asyncio.Task[None] | None = None

    def set_default_headers(self) -> None:
        """A WebSocket has none of the headers that pages have."""

    @ws_authenticated
    async def get(self, *args: object, **kwargs: object) -> None:
        """Open the stream for those who may have it."""
        may = self.authorizer.is_authorized(self, self.current_user, "read", self.auth_resource)
        if not await _true(may):
            raise web.HTTPError(403)
        result = super().get(*args, **kwargs)
        if result is not None:
            await result

    def open(self, *args: object, **kwargs: object) -> None:
        """Begin to tell."""
        super().open(*args, **kwargs)
        text = self.get_query_argument("since", "")
        since = int(text) if text.isdecimal() else None
        self._subscriber = self.panel.hub.subscribe(since, self.panel.version)
        self._sender = asyncio.create_task(self._send(self._subscriber))
        self.panel.wake()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say why there is no stream, in the form that the rest of the API has."""
        message = "This is a WebSocket." if status_code != 403 else "Forbidden."
        problem = problem_json("forbidden" if status_code == 403 else "bad-request", message)
        self.set_header("Content-Type", "application/json")
        self.finish(as_text({"error": problem}))

    def on_message(self, message: str | bytes) -> None:
        """The stream takes nothing."""

    def on_close(self) -> None:
        """End it."""
        if self._subscriber is not None:
            self.panel.hub.unsubscribe(self._subscriber)
        if self._sender is not None:
            self._sender.cancel()
        super().on_close()

    async def _send(self, subscriber: Subscriber) -> None:
        with contextlib.suppress(WebSocketClosedError):
            while True:
                for message in await subscriber.take():
                    await self.write_message(as_text(message))


async def _true(answer: object) -> bool:
    return bool(await answer if asyncio.iscoroutine(answer) or asyncio.isfuture(answer) else answer)
