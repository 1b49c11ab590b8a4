"""Papermill's own command line arguments in ``run``: those that mean the same here, and those that have no object."""

from __future__ import annotations

import string
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jupyter_mlops.cli.output import say
from jupyter_mlops.cli.reading import target_file
from jupyter_mlops.engine.remote import is_remote
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.engine.result import RunResult
    from jupyter_mlops.notebook.model import Notebook
    from jupyter_mlops.pipeline.model import Pipeline

__all__ = [
    "PIPE",
    "PaperOptions",
    "filled_in",
    "injected_paths",
    "local_path",
    "papermill_options",
    "read_options",
    "read_source",
]

PIPE = "-"
"""Stands for standard input and output."""

_Command = TypeVar("_Command", bound=Callable[..., Any])
_LEVELS = ("NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_INPUT, _OUTPUT = "PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH"

_OPTIONS = (
    click.option(
        "--execution-timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="How long each cell may take. [default: as long as it takes]",
    ),
    click.option(
        "--start-timeout",
        "--start_timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="How long a kernel may take to start. [default: 120]",
    ),
    click.option("--prepare-only/--prepare-execute", default=False, help="Write OUT with the parameters; run nothing."),
    click.option("--report-mode/--no-report-mode", default=False, help="Fold the code away in OUT."),
    click.option("--stdout-file", metavar="FILE", help="Write to this file what the cells print on stdout."),
    click.option("--stderr-file", metavar="FILE", help="Write to this file what the cells print on stderr."),
    click.option("--inject-input-path", is_flag=True, help=f"Give the parameter {_INPUT} the path of NOTEBOOK."),
    click.option("--inject-output-path", is_flag=True, help=f"Give the parameter {_OUTPUT} the path of OUT."),
    click.option("--inject-paths", is_flag=True, help="Give both of these parameters."),
    click.option("-l", "--language", metavar="NAME", help="Python; the notebook's own entry is ignored."),
    click.option(
        "--engine", metavar="NAME", hidden=True, help="Only for papermill's command lines: steps have their own engine."
    ),
    click.option(
        "--request-save-on-cell-execute/--no-request-save-on-cell-execute",
        default=None,
        hidden=True,
        help="Only for papermill's command lines: OUT is written at the end.",
    ),
    click.option(
        "--autosave-cell-every",
        type=int,
        metavar="SECONDS",
        hidden=True,
        help="Only for papermill's command lines: OUT is written at the end.",
    ),
    click.option(
        "--log-level",
        type=click.Choice(_LEVELS),
        hidden=True,
        help="Only for papermill's command lines: see --progress-bar and --log-output.",
    ),
    click.option("--help-notebook", is_flag=True, help="Show the notebook's parameters; run nothing."),
)


def papermill_options(command: _Command) -> _Command:
    """Give a command the options; ``read_options`` understands their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class PaperOptions:
    """What papermill's options ask for.

    Args:
        notebook: ``-``, an address, or a file.
        output: The same, or None.
        target: OUT where it is a file.
        streams: Files for what is printed, by stream.
    """

    notebook: str
    output: str | None
    target: Path | None
    streams: Mapping[str, Path]
    prepare_only: bool = False
    hide_sources: bool = False
    start_timeout: float | None = None
    execution_timeout: float | None = None

    @property
    def pipes_out(self) -> bool:
        """Whether the executed notebook goes to stdout, and so nothing else may."""
        return self.output == PIPE

    def prepare(self, source: Notebook, pipeline: Pipeline, values: Mapping[str, Any]) -> None:
        """Write the notebook with its parameters, not executed."""
        from jupyter_mlops.engine.executed import prepared_text, with_hidden_sources

        text = prepared_text(pipeline, source, values, self.output or "")
        self._deliver(with_hidden_sources(text) if self.hide_sources else text)

    def finish(self, result: RunResult) -> None:
        """Bring the executed notebook, and what it printed, to where they were asked for."""
        from jupyter_mlops.engine.executed import printed, with_hidden_sources
        from jupyter_mlops.engine.output import write_whole

        kept = result.directory / "output.ipynb"
        if self.streams:
            texts = printed(kept)
            for stream, path in self.streams.items():
                write_whole(path, texts[stream])
        if self.output is not None and (self.target is None or self.hide_sources):
            text = kept.read_text(encoding="utf-8")
            self._deliver(with_hidden_sources(text) if self.hide_sources else text)

    def _deliver(self, text: str) -> None:
        from jupyter_mlops.engine.output import write_whole
        from jupyter_mlops.engine.remote import write_remote

        if self.pipes_out:
            sys.stdout.write(text)
        elif self.target is not None:
            write_whole(self.target, text)
        elif self.output is not None:
            write_remote(self.output, text)


def read_options(notebook: str, output: str | None, given: Mapping[str, Any]) -> PaperOptions:
    """Check the options, and say of those that have no object here why.

    Raises:
        UsageError: An option can't be meant here.
    """
    _refuse_foreign(given)
    if given["prepare_only"] and output is None:
        raise UsageError("--prepare-only has nowhere to write the notebook.", hint="Name OUT.")
    if output is not None and is_remote(output):
        from jupyter_mlops.engine.remote import check_remote

        check_remote(output)
    is_file = output is not None and output != PIPE and not is_remote(output)
    streams = {}
    for stream in ("stdout", "stderr"):
        name = given[f"{stream}_file"]
        if name == PIPE:
            raise UsageError(f"--{stream}-file takes the name of a file.", hint="See it live with --log-output.")
        path = target_file(notebook, name)
        if path is not None:
            streams[stream] = path
    return PaperOptions(
        notebook,
        output,
        target_file(notebook, output) if is_file else None,
        streams,
        given["prepare_only"],
        given["report_mode"],
        given["start_timeout"],
        given["execution_timeout"],
    )


def _refuse_foreign(given: Mapping[str, Any]) -> None:
    language, engine = given["language"], given["engine"]
    if language is not None and language.lower() not in ("python", "python3"):
        raise UsageError(f"Steps are Python, not {language}.", hint="Run other languages with papermill itself.")
    if engine not in (None, "mlops", "nbclient"):
        raise UsageError(
            f"Steps run in an engine of their own, not in {engine!r}.",
            hint=f"Use papermill itself for that: papermill --engine {engine} ...",
        )
    for name, why in (
        ("engine", "steps run in an engine of their own"),
        ("request_save_on_cell_execute", "OUT is written once, at the end; each step is recorded when it ends"),
        ("autosave_cell_every", "OUT is written once, at the end; each step is recorded when it ends"),
        ("log_level", "what is shown is decided by --progress-bar and --log-output"),
    ):
        if given[name] is not None and given[name] != "mlops":
            say(f"note: --{name.replace('_', '-')} changes nothing here: {why}.", err=True)


def local_path(notebook: str) -> Path | None:
    """Return the notebook's file; None if it is read from elsewhere."""
    return None if notebook == PIPE or is_remote(notebook) else Path(notebook)


def read_source(notebook: str) -> Notebook | None:
    """Read a notebook from standard input or an address; None leaves a file to others.

    Raises:
        UsageError: It can't be read.
        NotebookError: It is not a notebook.
    """
    if local_path(notebook) is not None:
        return None
    from jupyter_mlops import api

    if notebook == PIPE:
        if sys.stdin.isatty():
            raise UsageError("Standard input is a terminal, not a notebook.", hint="Name a .ipynb file.")
        return api.notebook_from_text(sys.stdin.buffer.read(), "standard input")
    from jupyter_mlops.engine.remote import read_remote

    return api.notebook_from_text(read_remote(notebook).encode("utf-8"), notebook)


def injected_paths(notebook: str, output: str | None, given: Mapping[str, Any], declared: set[str]) -> dict[str, str]:
    """Return the parameters that carry the paths, where the notebook declares them; say so where it does not."""
    wanted = {}
    if given["inject_input_path"] or given["inject_paths"]:
        wanted[_INPUT] = notebook
    if given["inject_output_path"] or given["inject_paths"]:
        wanted[_OUTPUT] = output or PIPE
    for name in wanted.keys() - declared:
        say(
            f"note: The notebook declares no parameter {name}, so nothing reads it; "
            f'declare it in the cell tagged parameters: {name} = ""',
            err=True,
        )
    return {name: value for name, value in wanted.items() if name in declared}


def filled_in(path: str, values: Mapping[str, Any]) -> str:
    """Put parameters into a path as papermill does (``out_{alpha}.ipynb``); braces that name no parameter stay."""
    try:
        fields = {
            field.partition(".")[0].partition("[")[0] for _, field, _, _ in string.Formatter().parse(path) if field
        }
        return path.format(**values) if fields and fields <= values.keys() else path
    except (ValueError, KeyError, IndexError, AttributeError):
        return path
