"""Jobs: starting, following and stopping them."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.server.handlers.base import Handler
from jupyter_mlops.server.jobs.joblog import job_log
from jupyter_mlops.server.problems import RequestProblem

__all__ = ["JobHandler", "JobLogHandler", "JobStopHandler", "JobsHandler"]

_DEFAULTS: dict[str, Any] = {
    "parameters": {},
    "runtime": "local",
    "start": None,
    "only": None,
    "force": [],
    "no_cache": False,
    "workers": None,
    "timeout": None,
    "experiment": "",
}


class JobsHandler(Handler):
    """``jobs``."""

    @web.authenticated
    @authorized
    def get(self) -> None:
        """List the jobs: of a project if there is a path, else all that are known."""
        home = self.home() if self.text_argument("path") is not None else None
        self.answer({"jobs": [job.state.to_json() for job in self.panel.keeper.jobs(home)]})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Start one."""
        wish = self.body("JobRequest")
        place = self.panel.places.notebook(wish["path"])
        order = {**_DEFAULTS, **wish, "task": wish["kind"], "notebook": str(place)}
        if order["kind"] == "run" and order["runtime"] not in ("", "local"):
            order.update(kind="submit", task="submit")
        if order["kind"] == "submit" and order["runtime"] in ("", "local"):
            raise RequestProblem(
                "usage", "A notebook is submitted to a cluster.", hint="Choose a runtime that is one.", field="runtime"
            )
        home = self.home(wish["path"])
        self.answer(self.panel.start_job(home, order, place.parent).state.to_json(), 201)


class JobHandler(Handler):
    """``jobs/ID``."""

    @web.authenticated
    @authorized
    def get(self, job_id: str) -> None:
        """Return it."""
        self.answer(self.panel.keeper.find(job_id).state.to_json())

    @web.authenticated
    @authorized
    def delete(self, job_id: str) -> None:
        """Forget it."""
        self.panel.forget_job(self.panel.keeper.find(job_id))
        self.set_status(204)
        self.finish()


class JobStopHandler(Handler):
    """``jobs/ID/stop``."""

    @web.authenticated
    @authorized
    def post(self, job_id: str) -> None:
        """Ask it to stop."""
        job = self.panel.keeper.find(job_id)
        self.panel.keeper.stop(job)
        self.panel.wake()
        self.answer(job.state.to_json())


class JobLogHandler(Handler):
    """``jobs/ID/log``."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str) -> None:
        """Return what was printed."""
        job = self.panel.keeper.find(job_id)
        self.answer(await self.in_thread(job_log, job.folder, self.text_argument("step")))
