"""Runs on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops import api
from jupyter_mlops.api import controlling, history
from jupyter_mlops.api import panel as asked
from jupyter_mlops.server.handlers.base import Handler
from jupyter_mlops.server.jobs.joblog import log_json
from jupyter_mlops.server.problems import RequestProblem

__all__ = [
    "ReportHandler",
    "RunHandler",
    "RunNotebookHandler",
    "RunRetryHandler",
    "RunStopHandler",
    "RunsHandler",
    "StepLogHandler",
]

_PAGE = 100
_LARGEST_PAGE = 1000


class RunsHandler(Handler):
    """``runs``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return a page."""
        from jupyter_mlops.tracking.listing import RunQuery

        notebook = self.text_argument("notebook")
        home = self.home(self.text_argument("path") or notebook or "")
        query = RunQuery(
            self.text_argument("filter"),
            self.get_query_arguments("sort"),
            (),
            self.number_argument("limit", _PAGE, most=_LARGEST_PAGE),
            self.number_argument("page", 1) or 1,
            self.text_argument("pipeline"),
            str(self.panel.places.resolve(notebook)) if notebook else None,
            runs=tuple(self.get_query_arguments("run")),
            count=True,
        )
        seq = self.panel.hub.seq
        found = await self.in_thread(asked.run_overview, query, home=home)
        self.answer({**found, "seq": seq})


class RunHandler(Handler):
    """``runs/ID``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """Return all of it."""
        found = await self.in_thread(history.show_run, run, home=self.home())
        self.answer(found.to_json())

    @web.authenticated
    @authorized
    async def patch(self, run: str) -> None:
        """Change tags and note."""
        change = self.body("RunChange")
        home = self.home()
        self.answer(await self.in_thread(_changed, run, change, home))
        self.panel.store_changed(home)

    @web.authenticated
    @authorized
    async def delete(self, run: str) -> None:
        """Forget it."""
        home = self.home()
        done = (await self.in_thread(history.remove_runs, [run], home=home)).to_json()
        self.answer({"runs": done["runs"], "bytes": done["bytes"]})
        self.panel.store_changed(home)


class RunStopHandler(Handler):
    """``runs/ID/stop``."""

    @web.authenticated
    @authorized
    async def post(self, run: str) -> None:
        """Stop it."""
        home = self.home()
        run_id, status = await self.in_thread(controlling.stop_run, run, home=home)
        self.answer({"run_id": run_id, "status": status})
        self.panel.store_changed(home)


class RunRetryHandler(Handler):
    """``runs/ID/retry``."""

    @web.authenticated
    @authorized
    async def post(self, run: str) -> None:
        """Try it again, as a job."""
        home = self.home()
        record = await self.in_thread(controlling.backend_of, run, home=home)
        notebook = self.panel.places.relative(Path(record.notebook)) if record.notebook else None
        if notebook is None:
            raise RequestProblem(
                "conflict", f"The notebook of the run {record.run_id} is not below the server's root.", hint=None
            )
        place = self.panel.places.folder(notebook)
        is_local = record.backend == "local"
        order = {
            "task": "retry",
            "kind": "run" if is_local else "submit",
            "path": notebook,
            "parameters": dict(record.parameters),
            "runtime": "local" if is_local else record.backend,
            "run": record.run_id,
        }
        self.answer(self.panel.start_job(home, order, place).state.to_json(), 201)


class ReportHandler(Handler):
    """``runs/ID/report``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """Send the page."""
        page = await self.in_thread(_report, run, self.home())
        self.send_safely(page, "text/html; charset=UTF-8")


class RunNotebookHandler(Handler):
    """``runs/ID/notebook``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """Return the notebook."""
        self.answer(await self.in_thread(asked.run_notebook, run, home=self.home()))


class StepLogHandler(Handler):
    """``runs/ID/steps/SLUG/log``."""

    @web.authenticated
    @authorized
    async def get(self, run: str, slug: str) -> None:
        """Return what the step printed."""
        self.answer(log_json(await self.in_thread(asked.run_log, run, slug, home=self.home())))


def _changed(run: str, change: dict[str, Any], home: Path) -> dict[str, Any]:
    tags = change.get("tags") or {}
    given = {name: value for name, value in tags.items() if value is not None}
    gone = [name for name, value in tags.items() if value is None]
    if gone:
        history.untag_run(run, gone, home=home)
    done = history.tag_run(run, given, home=home)
    if "note" in change:
        done = history.note_run(run, change["note"] or "", home=home)
    changed: dict[str, Any] = done.to_json()["runs"][0]
    return changed


def _report(run: str, home: Path) -> str:
    return api.report(run, home=home).read_text(encoding="utf-8")
