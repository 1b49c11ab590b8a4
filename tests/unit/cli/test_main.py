"""The entry point: commands, help, errors, exit codes, imports."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from jupyter_mlops import api
from jupyter_mlops.cli.main import COMMANDS, main
from jupyter_mlops.errors import GateError, InfrastructureError, MlopsError, NotebookError, StepError, UsageError

HEAVY = {
    "nbformat",
    "jsonschema",
    "nbclient",
    "papermill",
    "IPython",
    "rich",
    "pandas",
    "numpy",
    "jupyter_client",
    "yaml",
}


def load(name: str) -> click.Command:
    command = importlib.import_module(f"jupyter_mlops.cli.{name}").command
    assert isinstance(command, click.Command)
    return command


def test_help_lists_every_command(run: Any) -> None:
    printed = run("--help")
    assert printed.code == 0
    for name, text in COMMANDS.items():
        assert f"  {name}" in printed.out
        assert text in " ".join(printed.out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_listed_help_is_the_command_s_own(name: str) -> None:
    help_text = load(name).help
    assert help_text is not None
    assert help_text.split("\n\n")[0].replace("\n", " ") == COMMANDS[name]


def test_no_arguments_is_help(run: Any) -> None:
    assert run().out == run("--help").out
    assert run().code == 0


def test_version(run: Any) -> None:
    from jupyter_mlops._version import __version__

    assert run("--version").out == f"jupyter-mlops {__version__}\n"


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (["shwo"], 'There is no command "shwo"; did you mean "show"?', f"Commands: {', '.join(COMMANDS)}."),
        (["xyzzy"], 'There is no command "xyzzy".', f"Commands: {', '.join(COMMANDS)}."),
        (["run"], "Missing argument 'NOTEBOOK'.", "See: jupyter mlops run --help"),
        (["run", "a.ipynb", "--workers", "0"], "Invalid value for '--workers': 0", "See: jupyter mlops run --help"),
        (["run", "a.ipynb", "--cwd", "no-such"], "Invalid value for '--cwd': Directory 'no-such'", "See: "),
        (["check", "a.ipynb", "--format", "xml"], "Invalid value for '--format': 'xml'", "See: jupyter mlops check"),
        (["check", "-"], "Only `run` reads a notebook from standard input.", "Write ./- for a file of that name."),
    ],
)
def test_wrong_usage_is_one_message_and_exit_code_2(run: Any, line: list[str], message: str, hint: str) -> None:
    printed = run(*line)
    assert printed.code == 2
    assert printed.out == ""
    first, second = printed.err.splitlines()
    assert first.startswith(f"error: {message}")
    assert second.startswith(f"hint: {hint}")


@pytest.mark.parametrize("kind", [UsageError, NotebookError, StepError, InfrastructureError, GateError])
def test_errors_become_messages_and_exit_codes(
    run: Any, kind: type[MlopsError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise kind("First line.\nSecond line.", hint="Do this.")

    monkeypatch.setattr(api, "doctor", fail)
    printed = run("doctor")
    assert printed.code == kind.exit_code
    assert printed.err == "error: First line.\n       Second line.\nhint: Do this.\n"


def test_interrupt_is_130_without_a_traceback(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "doctor", interrupt)
    printed = run("doctor")
    assert (printed.code, printed.err) == (130, "Interrupted.\n")


def test_a_defect_is_short_and_its_traceback_is_for_those_who_ask(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash() -> None:
        raise ZeroDivisionError("oops\nand more")

    monkeypatch.setattr(api, "doctor", crash)
    printed = run("doctor")
    assert printed.code == 70
    assert printed.err.startswith("error: This is a defect of jupyter-mlops: ZeroDivisionError: oops and more\n")
    assert "Traceback" not in printed.err
    monkeypatch.setenv("JUPYTER_MLOPS_DEBUG", "1")
    assert "Traceback (most recent call last)" in run("doctor").err


def run_process(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.cli", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env=os.environ | environment,
        cwd=Path(__file__).parents[3],
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="pipes differ on Windows")
def test_a_reader_who_has_enough_is_no_error(write: Any) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlops.cli", "show", str(write())],
        stdout=write_end,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as process:
        os.close(write_end)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


def test_a_narrow_encoding_gets_ascii(write: Any) -> None:
    done = run_process("show", write(name="grün.ipynb"), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "| train forest |" in done.stdout
    assert r"gr\xfcn" in done.stdout


@pytest.mark.parametrize(
    "line",
    [
        ["--help"],
        ["run", "--help"],
        ["show"],
        ["show", "--format", "json"],
        ["show", "--format", "svg"],
        ["check"],
        ["check", "--format", "sarif"],
        ["suggest"],
    ],
)
def test_start_up_imports_nothing_heavy(line: list[str], write: Any, tmp_path: Path) -> None:
    arguments = line if "--help" in line else [*line, str(write())]
    code = (
        "import sys; from jupyter_mlops.cli.main import main; code = main(sys.argv[1:])\n"
        "print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in done.stderr.splitlines()[-1].split()}
    assert "jupyter_mlops" in loaded
    assert not loaded & HEAVY


def test_main_reads_the_process_s_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["jupyter-mlops", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("jupyter-mlops ")
