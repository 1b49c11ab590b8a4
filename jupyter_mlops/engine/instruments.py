"""For those who want to see more of a run than its events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from jupyter_mlops.pipeline.model import Step

__all__ = ["Instruments"]


class Instruments(Protocol):
    """Decides where steps run, and may add cells of its own to their notebooks."""

    def folder(self, step: Step) -> Path:
        """Return the working directory of a step that is about to begin; called in the caller's thread."""
        ...

    def instrument(self, step: Step, notebook: Mapping[str, Any]) -> dict[str, Any]:
        """Return the step's notebook with more cells; those whose role is ``probe`` are not counted or numbered."""
        ...
