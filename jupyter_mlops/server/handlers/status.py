"""What is there, and the description of the API."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.api import clusters
from jupyter_mlops.api import panel as asked
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.server import deployments
from jupyter_mlops.server.description import description
from jupyter_mlops.server.handlers.base import Handler
from jupyter_mlops.server.problems import problem_of
from jupyter_mlops.store.home import project_root

__all__ = ["DescriptionHandler", "StatusHandler"]

_LOCAL = {"name": "local", "kind": "local", "label": "This machine", "address": None}


class DescriptionHandler(Handler):
    """``openapi.json``."""

    @web.authenticated
    @authorized
    def get(self) -> None:
        """Return it."""
        self.answer(description())


class StatusHandler(Handler):
    """``status``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return what is there."""
        path = self.text_argument("path")
        place = self.panel.places.resolve(path)
        folder = self.panel.places.folder(path)
        home = self.home()
        found = await self.in_thread(_facts, folder, home)
        root = project_root(folder)
        self.answer(
            {
                "version": self.panel.version,
                "python": platform.python_version(),
                "path": path,
                "exists": place.exists(),
                "project": {"name": root.name, "path": self.panel.places.relative(root)},
                **found,
                "kernels": self.panel.kernels(home),
                "deploy": deployments.availability(),
                "seq": self.panel.hub.seq,
            }
        )


def _facts(folder: Path, home: Path) -> dict[str, Any]:
    runtimes, problem = [dict(_LOCAL)], None
    try:
        for name, runtime in clusters.list_runtimes(folder).items():
            label = f"{name} (Kubeflow)"
            runtimes.append({"name": name, "kind": "kubeflow", "label": label, "address": runtime.host})
    except MlopsError as error:
        problem = problem_of(error)
    return {"store": asked.store_facts(home), "runtimes": runtimes, "runtimes_problem": problem}
