"""The line magic ``%mlops``: its words become calls of the façade."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import Any

import click
from IPython.core.error import UsageError as MagicError
from IPython.core.magic import Magics, line_magic, magics_class

from jupyter_mlops.errors import MlopsError, PipelineError
from jupyter_mlops.magics.live import STEP_VARIABLE, notebook_file

__all__ = ["COMMANDS", "MlopsMagics"]

COMMANDS = ("load", "run", "show", "runs", "compare", "lineage")
_IN_A_STEP = "%mlops {} does nothing here: this notebook runs as a pipeline."
_NEED_NO_RUN = ("show", "runs", "compare", "lineage")


@magics_class
class MlopsMagics(Magics):  # type: ignore[misc,unused-ignore]
    """Keeps for one shell what ``%mlops load`` has put there."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)  # type: ignore[no-untyped-call,unused-ignore]
        self.restored: dict[str, Any] = {}

    @property
    def namespace(self) -> dict[str, Any]:
        """The globals of the live notebook."""
        shell: Any = self.shell
        found: dict[str, Any] = shell.user_ns
        return found

    @line_magic  # type: ignore[untyped-decorator,misc,unused-ignore]
    def mlops(self, line: str) -> Any:
        """Run this notebook as a pipeline, look at runs, load a step's inputs; ``%mlops`` alone gives help."""
        try:
            words = _words(line)
        except ValueError as error:
            raise MagicError(f"{str(error)[:1].lower()}{str(error)[1:]}: %mlops {line}") from None
        try:
            return self._do(words)
        except click.exceptions.Exit:
            return None
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else "%mlops"
            raise MagicError(f"{error.format_message()}\nhint: See: {command} --help") from None
        except MlopsError as error:
            raise MagicError(_told(error)) from None

    def complete(self, _shell: Any, event: Any) -> list[str]:
        """Complete commands, step names and ids of runs."""
        words = event.text_until_cursor.split()[1:]
        before = words if event.text_until_cursor.endswith(" ") else words[:-1]
        if not before:
            return list(COMMANDS)
        if before[0] == "load" and before[-1] != "--run":
            from jupyter_mlops import api

            names = [shlex.quote(name) for name in api.step_names(notebook=self._notebook_with_runs())]
            return [*names, "--run", "--force", "--files", "--notebook"]
        if before[0] in ("compare", "lineage", "show") or before[-1] == "--run":
            return _run_ids()
        return ["-p"] if before[0] == "run" else []

    def _do(self, words: Sequence[str]) -> Any:
        from jupyter_mlops.magics.commands import group

        if os.environ.get(STEP_VARIABLE) and words and words[0] not in _NEED_NO_RUN:
            print(_IN_A_STEP.format(words[0]))
            return None
        with group.make_context("%mlops", list(words) or ["--help"], obj=self) as context:
            return group.invoke(context)

    def _notebook_with_runs(self) -> str | None:
        path = notebook_file(self.namespace)
        return None if path is None else str(path)


def _words(line: str) -> list[str]:
    """The words of a line as a shell has them; but a filter is one word, with all of its quotes."""
    command, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if command != "runs" or not rest or rest.startswith("-"):
        return shlex.split(line)
    is_quoted = rest[0] in "'\"" and rest.find(rest[0], 1) == len(rest) - 1
    return [command, rest[1:-1] if is_quoted else rest]


def _told(error: MlopsError) -> str:
    lines = [error.message]
    if isinstance(error, PipelineError):
        problems = [item for item in error.diagnostics if item.severity == "error"]
        lines += [f"  {item.code}: {item.message}" for item in problems[:10]]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines)


def _run_ids() -> list[str]:
    from jupyter_mlops.api import history
    from jupyter_mlops.tracking.listing import RunQuery

    try:
        page = history.find_runs(RunQuery(None, (), (), 20, 1, None, None))
    except MlopsError:
        return []
    return ["latest", *(run.run_id for run in page.runs)]
