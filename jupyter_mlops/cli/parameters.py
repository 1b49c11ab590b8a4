"""The options that give parameters, papermill's, shared by all commands that run a notebook."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jupyter_mlops.cli.output import display_path
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.notebook.model import Notebook
    from jupyter_mlops.pipeline.model import Parameter, Pipeline

__all__ = [
    "command_line",
    "given_parameters",
    "parameter_options",
    "parameter_words",
    "parameters_and_sources",
    "path_parameters",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "-p",
        "--parameters",
        nargs=2,
        multiple=True,
        metavar="NAME VALUE",
        help="A parameter; VALUE is converted to the declared type.",
    ),
    click.option(
        "-r",
        "--parameters_raw",
        nargs=2,
        multiple=True,
        metavar="NAME VALUE",
        help="A parameter that is a string, whatever it looks like.",
    ),
    click.option("-f", "--parameters_file", multiple=True, metavar="FILE", help="Parameters from a YAML or JSON file."),
    click.option(
        "-y",
        "--parameters_yaml",
        multiple=True,
        metavar="YAML",
        help="Parameters as YAML text, such as '{n_trees: 300}'.",
    ),
    click.option(
        "-b", "--parameters_base64", multiple=True, metavar="TEXT", help="Parameters as base64 encoded YAML text."
    ),
)
_FLAGS = {
    "parameters": "-p",
    "parameters_raw": "-r",
    "parameters_file": "-f",
    "parameters_yaml": "-y",
    "parameters_base64": "-b",
}


def parameter_options(command: _Command) -> _Command:
    """Give a command the options; their values arrive as keywords that ``given_parameters`` understands."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given_parameters(source: Notebook, pipeline: Pipeline, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given parameters, of their declared types.

    Raises:
        UsageError: A parameter is not declared, a value not of its type, a file can't be read.
    """
    return parameters_and_sources(source, pipeline, options)[0]


def parameters_and_sources(
    source: Notebook, pipeline: Pipeline, options: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the given parameters, of their declared types, and the option that gave each; errors as above."""
    from jupyter_mlops.pipeline.parameters import resolve
    from jupyter_mlops.pipeline.places import cell_place

    found = _pieces(options)

    given = {name: value for _, values in found for name, value in values.items()}
    sources = {name: option for option, values in found for name in values}

    def place(parameter: Parameter | None) -> str:
        cell = "" if parameter is None else cell_place(source, parameter.cell, parameter.line, pipeline)
        return ", ".join(part for part in (display_path(source.path), cell) if part)

    return resolve(pipeline, given, place=place), sources


def command_line() -> str:
    """Return the words of this process's command line, for the record."""
    return shlex.join(["jupyter", "mlops", *sys.argv[1:]])


def path_parameters(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given parameters for paths that name them; none if they can't be read, which is told later."""
    try:
        return {name: value for _, values in _pieces(options) for name, value in values.items()}
    except UsageError:
        return {}


def _pieces(options: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The parameters of each option, with what the record calls it; files at addresses are fetched."""
    from jupyter_mlops.pipeline.parameters import pieces

    with tempfile.TemporaryDirectory() as folder:
        files = {str(_local(file, Path(folder))): file for file in options["parameters_file"]}
        found = pieces(
            base64=options["parameters_base64"],
            files=list(files),
            yaml=options["parameters_yaml"],
            text=options["parameters"],
            raw=options["parameters_raw"],
        )
        return [(_named(option, files), values) for option, values in found]


def _named(option: str, files: Mapping[str, str]) -> str:
    """The option as the user wrote it, although the file was fetched to another place."""
    return next((f"-f {given}" for local, given in files.items() if option == f"-f {local}"), option)


def _local(file: str, folder: Path) -> str | Path:
    """A file of parameters, fetched if it is at an address."""
    if "://" not in file:
        return file
    from jupyter_mlops.engine.remote import read_remote

    path = folder / file.rpartition("/")[2][:80]
    path.write_text(read_remote(file), encoding="utf-8")
    return path


def parameter_words(options: Mapping[str, Any]) -> list[str]:
    """Return the words of a command line that give the same parameters."""
    return [
        word
        for name, flag in _FLAGS.items()
        for given in options[name]
        for word in (flag, *([given] if isinstance(given, str) else given))
    ]
