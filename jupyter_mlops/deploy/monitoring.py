"""Files for those who watch with Prometheus and Grafana: alerts and a dashboard."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlops import templates
from jupyter_mlops.deploy.guard import Guard
from jupyter_mlops.deploy.watching.drift import ALERT, NOTICE

__all__ = ["FILES", "monitoring_files"]

FILES = {"rules.yml.j2": "jupyter-mlops-rules.yml", "dashboard.json.j2": "jupyter-mlops-dashboard.json"}
"""What is made of each template."""


def monitoring_files(folder: Path, *, seconds: float = 1.0) -> dict[Path, str]:
    """Return what is to be written into a folder.

    Args:
        seconds: Within which 95 of 100 answers are to come.
    """
    environment = templates.environment(templates.root() / "monitoring", autoescape=False, keep_trailing_newline=True)
    # Texts of our own: the filter's escapes for HTML would only make them hard to read.
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    values = {"errors": (Guard().max_errors or 0) / 100, "seconds": seconds, "notice": NOTICE, "alert": ALERT}
    return {folder / name: environment.get_template(template).render(**values) for template, name in FILES.items()}
