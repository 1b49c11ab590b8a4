"""Which handler answers what; a test compares this with the description."""

from __future__ import annotations

from jupyter_mlops.server.handlers import events, jobs, notebooks, runs, status
from jupyter_mlops.server.handlers.base import MissingHandler

__all__ = ["ROOT", "routes"]

ROOT = "jupyter-mlops/api"

_RUN = r"/runs/([^/]+)"
_JOB = r"/jobs/([0-9a-z-]+)"


def routes() -> list[tuple[str, type]]:
    """Return patterns of paths below ``ROOT``, with their handlers."""
    return [
        (r"/openapi\.json", status.DescriptionHandler),
        (r"/status", status.StatusHandler),
        (r"/analysis", notebooks.AnalysisHandler),
        (r"/suggestions", notebooks.SuggestionsHandler),
        (r"/plan", notebooks.PlanHandler),
        (r"/explain", notebooks.ExplainHandler),
        (r"/jobs", jobs.JobsHandler),
        (_JOB, jobs.JobHandler),
        (_JOB + "/stop", jobs.JobStopHandler),
        (_JOB + "/log", jobs.JobLogHandler),
        (r"/runs", runs.RunsHandler),
        (_RUN, runs.RunHandler),
        (_RUN + "/stop", runs.RunStopHandler),
        (_RUN + "/retry", runs.RunRetryHandler),
        (_RUN + "/report", runs.ReportHandler),
        (_RUN + "/notebook", runs.RunNotebookHandler),
        (_RUN + r"/steps/([^/]+)/log", runs.StepLogHandler),
        (r"/events", events.EventsHandler),
        (r"/.*", MissingHandler),
    ]
