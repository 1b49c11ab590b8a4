"""Which handler answers what; a test compares this with the description."""

from __future__ import annotations

from jupyter_mlops.server.handlers import deployments, events, jobs, kernels, models, notebooks, results, runs, status
from jupyter_mlops.server.handlers.base import MissingHandler

__all__ = ["ROOT", "routes"]

ROOT = "jupyter-mlops/api"

_RUN = r"/runs/([^/]+)"
_MODEL = r"/models/([^/]+)"
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
        (_RUN + "/figures", results.FiguresHandler),
        (_RUN + "/figures/([0-9a-f]{64})", results.FigureHandler),
        (r"/compare", results.CompareHandler),
        (r"/lineage", results.LineageHandler),
        (r"/artifacts", results.ArtifactsHandler),
        (r"/load-code", results.LoadCodeHandler),
        (r"/models", models.ModelsHandler),
        (_MODEL, models.ModelHandler),
        (_MODEL + r"/(\d+)", models.ModelVersionHandler),
        (_MODEL + "/aliases/([^/]+)", models.AliasHandler),
        (r"/deployments", deployments.DeploymentsHandler),
        (r"/deployments/([^/]+)/(promote|rollback|weights|stop|try)", deployments.DeploymentHandler),
        (r"/deployments/([^/]+)/live", deployments.LiveHandler),
        (r"/kernel", kernels.KernelHandler),
        (r"/kernel/cure", kernels.CureHandler),
        (r"/events", events.EventsHandler),
        (r"/.*", MissingHandler),
    ]
