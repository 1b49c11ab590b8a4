"""The exceptions of the runtime; their messages are what the user reads below a cell.

The tree:

    HandoverError
    ├── ContextError   the cell does not run as part of a pipeline, or its context cannot be read
    ├── LoadError      an input cannot be restored
    └── SaveError      an output cannot be handed over
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["WAYS_OUT", "ContextError", "HandoverError", "LoadError", "SaveError"]

WAYS_OUT = (
    "put the cell that makes it and the cells that use it into one step (the same `step:` tag)",
    "tag the cell that makes it `setup`, so that every step makes its own",
    "tag the cells `skip` if the pipeline can do without it",
)


class HandoverError(Exception):
    """Base of everything the runtime raises on purpose."""


class ContextError(HandoverError):
    """The context of the step is absent or unreadable."""


class LoadError(HandoverError):
    """An input of the step cannot be restored."""


class SaveError(HandoverError):
    """An output of the step cannot be handed over.

    Args:
        variable: Name of the variable (or file, or state).
        type_name: Type of the value that is in the way.
        reason: Why it cannot be handed over, a clause.
        step: Name of the step.
        path: Where in the variable the value sits, such as ``model.steps[0]``.
        ways_out: What the user can do about it.
    """

    def __init__(
        self,
        variable: str,
        type_name: str,
        reason: str,
        *,
        step: str,
        path: str | None = None,
        ways_out: Sequence[str] = WAYS_OUT,
    ) -> None:
        self.variable = variable
        self.type_name = type_name
        self.reason = reason
        self.step = step
        self.path = path
        self.ways_out = tuple(ways_out)
        super().__init__(self._message())

    def _message(self) -> str:
        place = f" (at {self.path})" if self.path and self.path != self.variable else ""
        lines = [f"step {self.step!r} cannot hand over {self.variable!r}: {self.type_name}{place}: {self.reason}."]
        if self.ways_out:
            lines.append("Ways out:")
            lines.extend(f"  - {way}" for way in self.ways_out)
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.variable, self.type_name, self.reason, self.step, self.path, self.ways_out))


def _rebuild(
    variable: str, type_name: str, reason: str, step: str, path: str | None, ways_out: Sequence[str]
) -> SaveError:
    return SaveError(variable, type_name, reason, step=step, path=path, ways_out=ways_out)
