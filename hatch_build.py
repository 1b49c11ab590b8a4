"""Build hook: puts the JupyterLab panel into the wheel where it can be built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SWITCH = "JUPYTER_MLOPS_PANEL"
"""Environment variable: ``auto`` (default), ``off``, or ``required`` (a wheel without the panel is an error)."""


class PanelBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds ``labextension/`` with npm and ships the result once, as shared data."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the panel before the wheel is packed, or say in one line why it is left out."""
        if self.target_name != "wheel":
            return
        wish = os.environ.get(SWITCH, "auto")
        folder = Path(self.root) / "labextension"
        obstacle = why_not(folder, wish)
        if obstacle is None:
            build_data["shared_data"].update(build_panel(folder))
        elif wish == "required":
            raise RuntimeError(f"{SWITCH}=required, but the JupyterLab panel can't be built: {obstacle}")
        else:
            self.app.display_info(f"JupyterLab panel left out: {obstacle}")


def why_not(folder: Path, wish: str) -> str | None:
    """Tell what keeps the panel from being built, or None."""
    if wish == "off":
        return f"{SWITCH}=off"
    if not (folder / "package.json").is_file():
        return "this source tree has no labextension/package.json"
    if shutil.which("npm") is None:
        return "npm (Node.js) is not installed"
    return None


def build_panel(folder: Path) -> dict[str, str]:
    """Run npm; return the built folder and its place in the wheel's shared data."""
    npm = shutil.which("npm") or "npm"
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    subprocess.run([npm, "ci", "--ignore-scripts"], cwd=folder, check=True)
    subprocess.run([npm, "run", "build:prod"], cwd=folder, check=True)
    built = (folder / package["jupyterlab"]["outputDir"]).resolve()
    return {str(built): f"share/jupyter/labextensions/{package['name']}"}
