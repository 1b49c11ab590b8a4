"""The entry point: finds the command, and turns every error into one message and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from jupyter_mlops.cli.output import force_encodable, report_error
from jupyter_mlops.errors import MlopsError, UsageError

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "show": "Show the steps, what they take and give, and how they hang together.",
    "check": "Check that a notebook is a valid pipeline.",
    "suggest": "Propose steps and other tags for a notebook that has none.",
    "run": "Run a notebook as a pipeline on this machine.",
    "init": "Write files that set things up: for continuous integration, for monitoring.",
    "report": "Write the HTML report of a run.",
    "strip": "Take the outputs out of notebooks, for commits without them.",
    "verify": "Run a notebook whole and as a pipeline, and compare all that they compute and show.",
    "build": "Build the container image that the steps run in on a cluster.",
    "runs": "List the runs on record; show, tag, export, import or remove some.",
    "compile": "Compile a notebook for Kubeflow Pipelines.",
    "runtime": "List, add, test or remove the clusters that this project can submit to.",
    "submit": "Run a notebook as a pipeline on a cluster.",
    "stop": "Stop a run that is going on, on this machine or on a cluster.",
    "retry": "Try a run again that did not end well; what ended well is not done again.",
    "schedule": "Let a cluster run a notebook by the clock; list, pause, resume or delete such schedules.",
    "compare": "Say how runs differ: parameters, metrics, code, steps, data, environment.",
    "lineage": "Tell what made a run, an artifact or a file, and what used it.",
    "models": "List the registered models; register, show, alias, describe or remove them.",
    "bundle": "Make a folder with all that is needed to serve a version of a model.",
    "predict": "Let a model predict the rows of a file (.parquet or .csv), some at a time.",
    "deploy": "Let a version of a model answer requests: on this machine, or on a cluster.",
    "serve": "Serve models over HTTP until Ctrl-C or SIGTERM.",
    "sync": "Deliver runs and models to other trackers (MLflow) that have not got them yet.",
    "gc": "Free the space of what nothing refers to: objects, temporary files, folders of runs that are gone.",
    "doctor": "Look at what works on this machine, and what to do about the rest.",
}
"""Each is the module of its name in this package; the texts are here so that help needs no import."""

_INTERRUPTED = 130
_CRASHED = 70
_PIPE_CLOSED = 141


class _Commands(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"jupyter_mlops.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from jupyter_mlops.notebook.names import nearest

            near = nearest(args[0], COMMANDS)
            message = f'There is no command "{args[0]}"' + (f'; did you mean "{near}"?' if near else ".")
            raise UsageError(message, hint=f"Commands: {', '.join(COMMANDS)}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from jupyter_mlops._version import __version__

        click.echo(f"jupyter-mlops {__version__}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def _group() -> None:
    """Run a tagged notebook as a pipeline, checked, in parallel, and recorded.

    Exit codes: 0 done, 1 the notebook's own code failed, 2 wrong usage or configuration, 3 the
    notebook is not a valid pipeline, 4 infrastructure (kernel, memory, disk, cluster), 5 a gate failed,
    130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: Without the program's name; those of the process by default.

    Returns:
        The exit code.
    """
    force_encodable()
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has enough; keep Python from failing again when it flushes at exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return _PIPE_CLOSED
    return code


def _run(arguments: list[str]) -> int:
    try:
        # Not _group.main(): it takes any EPIPE for a closed stdout and leaves with exit code 1.
        with _group.make_context("jupyter mlops", arguments or ["--help"]) as context:
            result: Any = _group.invoke(context)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else " ".join(["jupyter mlops", *_command(arguments)])
        message = error.format_message()
        report_error(UsageError(message, hint=f"See: {command} --help"))
        return UsageError.exit_code
    except click.ClickException as error:
        report_error(UsageError(error.format_message()))
        return UsageError.exit_code
    except MlopsError as error:
        report_error(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return _INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        return _crash(error)
    return result if isinstance(result, int) else 0


def _command(arguments: Sequence[str]) -> list[str]:
    """The command's name where click has forgotten it."""
    return [name for name in arguments[:1] if name in COMMANDS]


def _crash(error: Exception) -> int:
    """Report a defect of this program: short, unless asked for more."""
    if os.environ.get("JUPYTER_MLOPS_DEBUG", "") not in {"", "0"}:
        import traceback

        traceback.print_exc()
    summary = " ".join(f"{type(error).__name__}: {error}".split())
    click.echo(f"error: This is a defect of jupyter-mlops: {summary[:500]}", err=True)
    click.echo("hint: Set JUPYTER_MLOPS_DEBUG=1 to see the traceback, and report it.", err=True)
    return _CRASHED
