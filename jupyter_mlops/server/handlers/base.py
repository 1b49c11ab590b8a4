"""What all handlers have in common: authentication, JSON, problems in one form, nothing that is executed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.json_form import json_value
from jupyter_mlops.server.analyst.client import Refused
from jupyter_mlops.server.description import check_body
from jupyter_mlops.server.panel import Panel
from jupyter_mlops.server.problems import RequestProblem, problem_json, problem_of, status_of

__all__ = ["RESOURCE", "Handler", "MissingHandler", "as_text"]

RESOURCE = "mlops"
"""What Jupyter's authorizer is asked about."""
_CODES = {403: "forbidden", 404: "no-such-path", 405: "bad-request", 413: "too-large"}

Found = TypeVar("Found")


def as_text(value: Any) -> str:
    """Write strict JSON; texts stand for numbers that it has not."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(json_value(value), allow_nan=False)


class Handler(APIHandler):
    """Base of the handlers."""

    auth_resource = RESOURCE

    def initialize(self, panel: Panel) -> None:
        """Take what the handlers share."""
        self.panel = panel

    async def prepare(self) -> None:  # type: ignore[override]
        """Let the rest of Jupyter decide first."""
        await super().prepare()
        if self.current_user is not None:
            self.panel.begin()
        self.set_header("Cache-Control", "no-store")

    def body(self, schema: str) -> dict[str, Any]:
        """Return the request's body, held against the description.

        Raises:
            RequestProblem: It is not what the description says.
        """
        try:
            body = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise RequestProblem("bad-request", f"The request's body is not JSON: {error}.") from error
        return check_body(schema, body)

    def text_argument(self, name: str) -> str | None:
        """Return a value of the query; None if it is not there or empty."""
        return self.get_query_argument(name, "") or None

    def number_argument(self, name: str, default: int | None = None, *, most: int = 1 << 31) -> int | None:
        """Return a number of the query.

        Raises:
            RequestProblem: It is not a whole number from 1 on.
        """
        text = self.text_argument(name)
        if text is None:
            return default
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise RequestProblem("bad-request", f"{name} is a whole number from 1 to {most}.", field=name)
        return int(text)

    def flag_argument(self, name: str) -> bool:
        """Return whether a wish of the query is true."""
        return (self.text_argument(name) or "").lower() in ("1", "true", "yes")

    def home(self, path: str | None = None) -> Path:
        """Return the store of the project that a path lies in: by default that of the query."""
        return self.panel.home(self.text_argument("path") if path is None else path)

    async def in_thread(self, function: Callable[..., Found], *arguments: Any, **named: Any) -> Found:
        """Call something that may take its time in a thread."""
        return await self.panel.in_thread(function, *arguments, **named)

    def answer(self, value: Any, status: int = 200) -> None:
        """Send JSON."""
        self.set_status(status)
        self.finish(as_text(value))

    def send_safely(self, content: str | bytes, kind: str) -> None:
        """Send a page or an image that may come from anywhere: nothing in it is executed, or fetched from elsewhere."""
        self.set_header("Content-Security-Policy", _SANDBOX)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(content, set_content_type=kind)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send a problem in the one form that the panel knows."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(error, Refused):
            problem = error.problem
        elif isinstance(error, web.HTTPError):
            message = error.log_message or self._reason or "The request failed"
            problem = problem_json(_CODES.get(status_code, "bad-request"), f"{message.rstrip('.')}.")
            self.set_status(status_code)
            self.finish(as_text({"error": problem}))
            return
        else:
            problem = problem_of(error or RuntimeError())
        self.set_status(status_of(problem))
        self.finish(as_text({"error": problem}))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log defects alone: other problems are for whoever asked."""
        if not isinstance(value, (MlopsError, Refused, asyncio.CancelledError)):
            super().log_exception(typ, value, tb)


class MissingHandler(Handler):
    """What no route is for."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Say so to those who may ask."""
        await super().prepare()
        if self.current_user is None:
            raise web.HTTPError(403)
        raise RequestProblem("no-such-thing", f"There is no {self.request.method} {self.request.path}.")


_SANDBOX = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'self'"
)
