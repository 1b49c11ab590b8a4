"""The exceptions that jupyter_mlops raises on purpose.

    MlopsError
    ├── UsageError             2  wrong option, parameter, file name or configuration
    ├── NotebookError          3  the file is not a notebook this project can read
    │   └── PipelineError      3  the notebook is readable but not a valid pipeline
    ├── StepError              1  the user's own code failed
    ├── InfrastructureError    4  kernel died, out of memory, disk full, cluster unreachable
    └── GateError              5  a gate on the metrics failed

The number is the process's exit code. Problems inside a readable notebook are
``Diagnostic`` objects, not exceptions; ``PipelineError`` carries them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from jupyter_mlops.diagnostics import Diagnostic

__all__ = [
    "GateError",
    "InfrastructureError",
    "MlopsError",
    "NotebookError",
    "PipelineError",
    "StepError",
    "UsageError",
]


class MlopsError(Exception):
    """Base of all errors with a message meant for the user.

    Args:
        message: What happened and where, one sentence.
        hint: What to do about it, one sentence.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(MlopsError):
    """A wrong option, parameter, file name or configuration value."""


class NotebookError(MlopsError):
    """The file is not a notebook that can be read as a pipeline."""

    exit_code = 3


class PipelineError(NotebookError):
    """The notebook has errors that keep it from being a pipeline.

    Args:
        diagnostics: All diagnostics of the notebook, the errors among them.
    """

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic], *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.diagnostics = tuple(diagnostics)


class StepError(MlopsError):
    """The user's code raised while a step ran."""

    exit_code = 1


class InfrastructureError(MlopsError):
    """Something other than the user's code failed: kernel, memory, disk, network."""

    exit_code = 4


class GateError(MlopsError):
    """A gate on the run's metrics or timings did not hold."""

    exit_code = 5
