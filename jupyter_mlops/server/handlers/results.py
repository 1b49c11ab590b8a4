"""What runs made: figures, comparison, lineage, artifacts, code that loads them."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.api import panel as asked
from jupyter_mlops.server.handlers.base import Handler
from jupyter_mlops.server.problems import RequestProblem

__all__ = [
    "ArtifactsHandler",
    "CompareHandler",
    "FigureHandler",
    "FiguresHandler",
    "LineageHandler",
    "LoadCodeHandler",
]


class FiguresHandler(Handler):
    """``runs/ID/figures``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """List them."""
        self.answer({"figures": await self.in_thread(asked.run_figures, run, home=self.home())})


class FigureHandler(Handler):
    """``runs/ID/figures/DIGEST``."""

    @web.authenticated
    @authorized
    async def get(self, run: str, digest: str) -> None:
        """Send one; it never changes."""
        content, kind = await self.in_thread(asked.figure_content, run, digest, home=self.home())
        self.set_header("Cache-Control", "private, max-age=86400, immutable")
        self.send_safely(content, kind)


class CompareHandler(Handler):
    """``compare``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return how runs differ."""
        runs = self.get_query_arguments("run")
        if not runs:
            raise RequestProblem("bad-request", "Name the runs to compare.", field="run")
        baseline, everything = self.text_argument("baseline"), self.flag_argument("all")
        self.answer(await self.in_thread(asked.compared, runs, baseline, everything=everything, home=self.home()))


class LineageHandler(Handler):
    """``lineage``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return what made something, and what used it."""
        what = self.text_argument("what")
        if what is None:
            raise RequestProblem("bad-request", "Say whose lineage is meant.", field="what")
        direction = self.text_argument("direction") or "both"
        depth = self.number_argument("depth")
        self.answer(await self.in_thread(asked.traced, what, direction, depth, home=self.home()))


class ArtifactsHandler(Handler):
    """``artifacts``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return artifacts with what made and used them."""
        wish = {name: self.text_argument(name) for name in ("run", "step", "name", "digest")}
        self.answer({"artifacts": await self.in_thread(asked.run_artifacts, **wish, home=self.home())})


class LoadCodeHandler(Handler):
    """``load-code``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Return the code."""
        wish = self.body("LoadRequest")
        home = self.home(wish.get("path", ""))
        found = await self.in_thread(
            asked.load_code,
            wish["run"],
            step=wish.get("step"),
            name=wish.get("name"),
            files=bool(wish.get("files")),
            home=home,
        )
        self.answer(found)
