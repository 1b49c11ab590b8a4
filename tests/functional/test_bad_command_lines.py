"""Wrong words, parameters, outputs, stores and kernels: one message, the right exit code, nothing written."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., str]
Run = Callable[..., Any]

CELLS = (
    ("parameters", "n_trees = 10\nflag = True\nratio: float = 0.5\nnames = ['a']"),
    ("step:train", "model = n_trees * ratio"),
)

DECLARED = "hint: Declared are: n_trees (int), flag (bool), ratio (float), names (list)."
WRONG_LINES: Mapping[str, tuple[Sequence[str], str]] = {
    "undeclared parameter": (
        ["-p", "n_tree", "5"],
        f'error: nb.ipynb: There is no parameter "n_tree"; did you mean "n_trees"?\n{DECLARED}',
    ),
    "wrong type": (
        ["-p", "n_trees", "five"],
        'error: nb.ipynb, cell 1 (parameters), line 1: The parameter "n_trees" must be int, not "five".',
    ),
    "wrong type, nearly": (
        ["-p", "n_trees", "1.5"],
        'error: nb.ipynb, cell 1 (parameters), line 1: The parameter "n_trees" must be int, not "1.5".',
    ),
    "wrong type, bool": (
        ["-p", "flag", "maybe"],
        'error: nb.ipynb, cell 1 (parameters), line 2: The parameter "flag" must be bool, not "maybe".\n'
        "hint: Write true or false.",
    ),
    "wrong type, list": (
        ["-p", "names", "a"],
        'error: nb.ipynb, cell 1 (parameters), line 4: The parameter "names" must be list, not "a".\n'
        "hint: Write it as JSON or YAML, such as '[1, 2]'.",
    ),
    "wrong type in YAML": (
        ["-y", "n_trees: '5'"],
        'error: nb.ipynb, cell 1 (parameters), line 1: The parameter "n_trees" must be int, not "5" (str).\n'
        "hint: A value in quotes, or given with -r, is a string; leave the quotes out, or use -p.",
    ),
    "several things at once": (
        ["-f", "p.yaml"],
        'error: nb.ipynb: There is no parameter "colour".\n'
        '       nb.ipynb, cell 1 (parameters), line 1: The parameter "n_trees" must be int, not "ten" (str).\n'
        f"{DECLARED}\n"
        "      A value in quotes, or given with -r, is a string; leave the quotes out, or use -p.",
    ),
    "no such parameters file": (
        ["-f", "gone.yaml"],
        "error: The parameters file gone.yaml can't be read: No such file or directory.",
    ),
    "parameters file that is a folder": (["-f", "."], "error: The parameters file . can't be read: Is a directory."),
    "parameters file that is no YAML": (
        ["-f", "bad.yaml"],
        "error: bad.yaml, line 2: expected ',' or ']', but got ':'.",
    ),
    "no mapping": (
        ["-y", "[1, 2]"],
        "error: YAML \"[1, 2]\": parameters must be a mapping of names to values.\nhint: Such as 'n_trees: 300'.",
    ),
    "no base64": (["-b", "%%%"], 'error: The parameters "%%%" are not base64 encoded UTF-8 text.'),
    "value left out": (
        ["-p", "n_trees"],
        "error: Option '-p' requires 2 arguments.\nhint: See: jupyter mlops run --help",
    ),
    "kernel that is not installed": (
        ["-k", "pyhton3"],
        "error: The kernel 'pyhton3' is not installed; there are: {kernels}.\n"
        "hint: Did you mean 'python3'? Run with another kernel, or install this one from its environment: "
        "python -m ipykernel install --user --name pyhton3",
    ),
    "no workers": (
        ["--workers", "0"],
        "error: Invalid value for '--workers': 0 is not in the range x>=1.\nhint: See: jupyter mlops run --help",
    ),
    "timeout that is no number": (
        ["--timeout", "nan"],
        "error: A timeout is a positive number of seconds, not nan.",
    ),
    "no such working directory": (
        ["--cwd", "gone"],
        "error: Invalid value for '--cwd': Directory 'gone' does not exist.\nhint: See: jupyter mlops run --help",
    ),
    "OUT is the notebook": (
        ["nb.ipynb"],
        "error: The output nb.ipynb is the notebook itself.\nhint: Name another file; the notebook is never written.",
    ),
    "OUT is the notebook by another name": (
        ["../work/link.ipynb"],
        "error: The output ../work/link.ipynb is the notebook itself.\n"
        "hint: Name another file; the notebook is never written.",
    ),
    "folder of OUT is missing": (
        ["gone/out.ipynb"],
        "error: The folder of the output gone/out.ipynb does not exist.\nhint: Make it: {work}/gone",
    ),
    "folder of OUT is a file": (
        ["p.yaml/out.ipynb"],
        "error: The folder of the output p.yaml/out.ipynb is a file.\nhint: Name another folder.",
    ),
    "OUT is a folder": (["."], "error: The output . is a folder.\nhint: Name a file."),
    "OUT is to be a folder": (["new/"], "error: The output new/ is a folder.\nhint: Name a file."),
    "OUT has no name": ([""], "error: The name of the output is empty.\nhint: Name a file."),
    "OUT is a link to nowhere": (
        ["dangling"],
        "error: The folder of the output dangling does not exist.\nhint: Make it: {work}/gone",
    ),
    "OUT has too long a name": (["x" * 300], f"error: The output {'x' * 300} can't be written: File name too long."),
    "OUT with a NUL": (["a\0b"], "error: The output a\\x00b can't be written: embedded null byte."),
    "the report is a stream": (
        ["--report", "-"],
        "error: The result can't go to standard output.\nhint: Name a file; write ./- for a file of that name.",
    ),
    "report is the notebook": (
        ["--report", "nb.ipynb"],
        "error: The output nb.ipynb is the notebook itself.\nhint: Name another file; the notebook is never written.",
    ),
    "report is OUT": (
        ["out.ipynb", "--report", "./out.ipynb"],
        "error: The report would overwrite the output out.ipynb.\nhint: Name two files.",
    ),
    "one argument too many": (
        ["a.ipynb", "b.ipynb"],
        "error: Got unexpected extra argument (b.ipynb)\nhint: See: jupyter mlops run --help",
    ),
}


@pytest.mark.parametrize("name", WRONG_LINES)
def test_wrong_command_lines(
    name: str, run: Run, notebook: Make, work: Path, nothing_written: Callable[[], None]
) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    options, message = WRONG_LINES[name]
    (work / "nb.ipynb").write_text(notebook(*CELLS))
    (work / "link.ipynb").symlink_to("nb.ipynb")
    (work / "dangling").symlink_to("gone/out.ipynb")
    (work / "p.yaml").write_text("n_trees: ten\ncolour: red\n")
    (work / "bad.yaml").write_text("n_trees: [1\nflag: 2")
    nothing_written()
    message = message.replace("{work}", str(work.resolve()))
    message = message.replace("{kernels}", ", ".join(sorted(KernelSpecManager().find_kernel_specs())))
    for form in ("text", "json"):
        assert run("run", "--format", form, "nb.ipynb", *options) == (2, "", f"{message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rnu", "nb.ipynb"], 'error: There is no command "rnu"; did you mean "run"?'),
        (["run"], "error: Missing argument 'NOTEBOOK'.\nhint: See: jupyter mlops run --help"),
        (["check", "nb.ipynb", "--fromat", "json"], "error: No such option '--fromat'."),
        (["show", "nb.ipynb", "--format", "yaml"], "error: Invalid value for '--format': 'yaml' is not one of "),
        (["show", "nb.ipynb", "-o", "nb.ipynb"], "error: The output nb.ipynb is the notebook itself."),
        (["show", "nb.ipynb", "-o", "gone/nb.svg"], "error: The folder of the output gone/nb.svg does not exist."),
    ],
)
def test_wrong_words(
    arguments: list[str], message: str, run: Run, notebook: Make, work: Path, nothing_written: Callable[[], None]
) -> None:
    (work / "nb.ipynb").write_text(notebook(*CELLS))
    nothing_written()
    printed = run(*arguments)
    assert (printed.code, printed.out) == (2, "")
    assert printed.err.startswith(message)


def test_a_store_that_can_not_be_written(
    run: Run, notebook: Make, work: Path, monkeypatch: pytest.MonkeyPatch, nothing_written: Callable[[], None]
) -> None:
    (work / "nb.ipynb").write_text(notebook(*CELLS))
    (work / ".mlops").write_text("a file")
    nothing_written()
    expected = (
        f"error: {work}/.mlops can't be the store's folder: a file is in the way.\n"
        f"hint: Move {work}/.mlops, or set JUPYTER_MLOPS_HOME to another folder.\n"
    )
    assert run("run", "nb.ipynb", "out.ipynb") == (2, "", expected)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", "/proc/mlops")  # not even root may make a folder there
    printed = run("run", "nb.ipynb", "out.ipynb")
    assert printed.code in (2, 4) and printed.out == ""
    assert printed.err.startswith("error: The folder /proc/mlops can't be ")
    assert printed.err.endswith("hint: Set JUPYTER_MLOPS_HOME to a folder you may write.\n")


def test_a_damaged_database(run: Run, notebook: Make, work: Path) -> None:
    (work / "nb.ipynb").write_text(notebook(*CELLS))
    (work / ".mlops").mkdir()
    (work / ".mlops" / "mlops.db").write_text("garbage" * 1000)
    printed = run("run", "nb.ipynb", "out.ipynb")
    database = f"{work}/.mlops/mlops.db"
    assert printed == (
        4,
        "",
        f"error: The database {database} is damaged (file is not a database).\n"
        f"hint: Move it away and run again; the runs' folders stay: mv {database} {database}.damaged\n",
    )
    assert not (work / "out.ipynb").exists()


# --- kernels --------------------------------------------------------------------------------------------------------


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a kernelspec of this name with this content."""
    folder = tmp_path / "jupyter"
    monkeypatch.setenv("JUPYTER_PATH", str(folder))

    def write(name: str, content: str) -> None:
        path = folder / "kernels" / name
        path.mkdir(parents=True)
        (path / "kernel.json").write_text(content)

    return write


def asking_for(kernel: str, notebook: Make) -> str:
    named = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
    return notebook(("step:train", "x = 1"), metadata=named)


def test_kernels_that_can_not_be_used(
    run: Run, notebook: Make, work: Path, install: Callable[[str, str], None], nothing_written: Callable[[], None]
) -> None:
    install("torn", '{"argv": ')
    install("other", json.dumps({"argv": ["R", "{connection_file}"], "display_name": "R", "language": "R"}))
    messages = {
        "gone-42": "error: The kernel 'gone-42' is not installed; there are: ",
        "torn": "error: The kernel 'torn' can't be used: its kernel.json is not valid (JSONDecodeError: ",
        "other": "error: The kernel 'other' speaks R; a Python kernel is needed.\n"
        "hint: Run with another kernel; `jupyter kernelspec list` names those that are installed.\n",
    }
    for name in messages:
        (work / f"{name}.ipynb").write_text(asking_for(name, notebook))
    nothing_written()
    for name, message in messages.items():
        printed = run("run", f"{name}.ipynb", "out.ipynb")
        assert (printed.code, printed.out) == (2, "")
        assert printed.err.startswith(message)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (
            ["/gone/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "there is no program '/gone/bin/python'\n"
            "hint: Its environment was moved or removed: install the kernel again, or run with another one.\n",
        ),
        (
            [sys.executable, "-S", "-E", "-s", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "its environment has no ipykernel\nhint: Install it there: python -m pip install ipykernel\n",
        ),
    ],
)
def test_kernels_that_do_not_start(
    run: Run, notebook: Make, work: Path, install: Callable[[str, str], None], argv: list[str], reason: str
) -> None:
    install("broken", json.dumps({"argv": argv, "display_name": "Broken", "language": "python"}))
    (work / "nb.ipynb").write_text(asking_for("broken", notebook))
    printed = run("run", "nb.ipynb", "--no-progress-bar")
    assert printed.code == 4
    assert printed.err.endswith(f"error: nb.ipynb, step train: the kernel 'broken' did not start: {reason}")
