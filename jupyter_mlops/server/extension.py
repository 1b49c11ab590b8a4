"""Tells the Jupyter server about the panel's part: configuration, routes, beginning and end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir
from jupyter_server.extension.application import ExtensionApp
from traitlets import Float, Int

from jupyter_mlops.server.analyst.client import Analyst
from jupyter_mlops.server.panel import Panel
from jupyter_mlops.server.places import Places
from jupyter_mlops.server.routes import ROOT, routes

__all__ = ["MlopsServer"]


class MlopsServer(ExtensionApp):
    """The server's part of jupyter-mlops."""

    name = "jupyter_mlops"
    description = "Pipelines from notebooks: what the JupyterLab panel asks."
    load_other_extensions = True

    analysis_seconds = Float(20.0, min=0.1, help="Seconds that the analysis of a notebook may take.").tag(config=True)
    analysis_memory = Int(
        2 << 30, min=256 << 20, help="Bytes of address space that the process has that analyses notebooks."
    ).tag(config=True)

    _panel: Panel | None = None

    def initialize_handlers(self) -> None:
        """Add the routes."""
        server = self.serverapp
        assert server is not None
        manager = server.contents_manager
        root = Path(getattr(manager, "root_dir", "") or server.root_dir)
        places = Places(root, allow_hidden=bool(getattr(manager, "allow_hidden", False)))
        analyst = Analyst(seconds=self.analysis_seconds, memory=self.analysis_memory, log=self.log)
        panel = Panel(places, analyst, self.log, Path(jupyter_runtime_dir()) / "mlops-stores.json")
        self.handlers.extend((f"/{ROOT}{path}", handler, {"panel": panel}) for path, handler in routes())
        self._panel = panel

    async def _start_jupyter_server_extension(self, _server: Any) -> None:
        """Begin, now that the event loop runs."""
        if self._panel is not None:
            self._panel.start()

    async def stop_extension(self) -> None:
        """End with the server."""
        if self._panel is not None:
            self._panel.close()
