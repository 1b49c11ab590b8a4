"""Live notebooks: analysis, suggestions, plans, reasons."""

from __future__ import annotations

import asyncio

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.server.handlers.base import Handler

__all__ = ["AnalysisHandler", "ExplainHandler", "PlanHandler", "SuggestionsHandler"]

_CLIENT = "X-Mlops-Client"
"""Header by which pages that show the same notebook are told apart."""


class _LiveHandler(Handler):
    """Asks the analyst."""

    kind = "analysis"
    schema = "LiveNotebook"
    _asked: asyncio.Task[str] | None = None
    _has_left = False

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer about a live notebook."""
        body = self.body(self.schema)
        place = self.panel.places.resolve(body["path"])
        client = self.request.headers.get(_CLIENT, "")
        request = {**body, "place": str(place)}
        self._asked = asyncio.create_task(self.panel.analyst.ask(self.kind, request, client))
        try:
            self.finish(await self._asked)
        except asyncio.CancelledError:
            if not self._has_left:
                raise

    def on_connection_close(self) -> None:
        """Nobody waits for the answer any more."""
        self._has_left = True
        if self._asked is not None:
            self._asked.cancel()


class AnalysisHandler(_LiveHandler):
    """``POST analysis``."""


class SuggestionsHandler(_LiveHandler):
    """``POST suggestions``."""

    kind = "suggestions"


class PlanHandler(_LiveHandler):
    """``POST plan``."""

    kind = "plan"
    schema = "PlanRequest"


class ExplainHandler(_LiveHandler):
    """``POST explain``."""

    kind = "explain"
    schema = "ExplainRequest"
