"""What a new user does wrong: one clear message with file, cell and line, the right exit code, nothing written."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.cli.main import main

Cell = tuple[str, str]

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
REFUSED = "error: The notebook is not a valid pipeline; nothing was run.\n"
RESTORE = "hint: Restore it from a checkpoint (the folder .ipynb_checkpoints) or from version control."
MEND = "hint: Mend that in a text editor, or restore the file from a checkpoint or from version control."
LAB = "hint: A notebook is a .ipynb file, as JupyterLab saves it."
COMMANDS = (["show"], ["show", "--format", "json"], ["check"], ["check", "--format", "json"], ["run"])
GOOD: Sequence[Cell] = (
    ("parameters", "n_trees = 10\nflag = True\nratio: float = 0.5\nnames = ['a']"),
    ("step:train", "model = n_trees * ratio"),
)


@dataclass(frozen=True)
class Printed:
    """What a command line printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Printed]


def notebook(*cells: Cell, metadata: Any = PYTHON, **more: Any) -> str:
    """Return a notebook's text, made of (tags separated by ``|``, source) pairs."""
    made = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": [tag for tag in tags.split("|") if tag]},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, (tags, source) in enumerate(cells, 1)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made} | more)


def lines(text: str) -> str:
    """Take the common indentation away."""
    return textwrap.dedent(text).lstrip("\n")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project, which is the working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process; there is never a traceback of this program."""

    def run_line(*arguments: str | Path) -> Printed:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert f"jupyter_mlops{os.sep}" not in printed.out + printed.err, "names this program's own files"
        assert code != 70, printed.err
        return Printed(code, printed.out, printed.err)

    return run_line


@pytest.fixture
def nothing_written(tmp_path: Path, work: Path) -> Iterator[Callable[[], None]]:
    """Return a function that remembers what is there; the test fails if that is not all at its end."""
    before: dict[str, tuple[int, int]] = {}

    def state() -> dict[str, tuple[int, int]]:
        found = {str(path): path.lstat() for path in tmp_path.rglob("*")}
        return {name: (status.st_size, status.st_mtime_ns) for name, status in found.items()}

    def remember() -> None:
        before.update(state())

    yield remember
    assert before and state() == before


# --- files that are no notebooks --------------------------------------------------------------------------------------


def r_notebook() -> str:
    return notebook(("", "x <- 1"), metadata={"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}})


def cell_with(**fields: Any) -> str:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None}
    return notebook(cells=[cell, cell | {"id": "b"} | fields])


NO_NOTEBOOKS: Mapping[str, tuple[str | bytes, str]] = {
    "not JSON": (
        '{\n "cells": [,]\n}',
        f"error: nb.ipynb is not valid JSON: Expecting value at line 2, column 12.\n{RESTORE}",
    ),
    "merge conflict": (
        '{\n<<<<<<< HEAD\n "cells": []\n}',
        "error: nb.ipynb is not valid JSON: Expecting property name enclosed in double quotes at line 2, column 1.\n"
        "hint: It has marks of an unresolved merge (`<<<<<<<`): resolve it, for example with `nbdime mergetool`.",
    ),
    "empty": ("", f"error: nb.ipynb is not a notebook: it is empty.\n{RESTORE}"),
    "half of a file": (
        notebook(*GOOD)[:60],
        f"error: nb.ipynb is not valid JSON: Unterminated string starting at line 1, column 51.\n{RESTORE}",
    ),
    "an image": (
        b"\x89PNG\r\n\x1a\n\xff\xfe",
        "error: nb.ipynb is not UTF-8: line 1 has the byte 0x89.\n"
        "hint: Notebooks are JSON in UTF-8; save the file again as such.",
    ),
    "a list": ("[1, 2]", f"error: nb.ipynb is not a notebook: its JSON is a list, not an object.\n{LAB}"),
    "other JSON": ('{"a": 1}', f"error: nb.ipynb is not a notebook: it has no `nbformat`.\n{LAB}"),
    "nbformat 3": (
        json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}),
        "error: nb.ipynb is in nbformat 3; 4 is needed.\n"
        "hint: Convert it: jupyter nbconvert --to notebook --nbformat 4 nb.ipynb",
    ),
    "nbformat 5": (
        json.dumps({"nbformat": 5, "nbformat_minor": 0, "metadata": {}, "cells": []}),
        "error: nb.ipynb is in nbformat 5, which is not known; 4 is needed.\n"
        "hint: A newer version of jupyter_mlops may know it; or save the notebook as nbformat 4.",
    ),
    "R": (
        r_notebook(),
        "error: nb.ipynb runs on the kernel `ir` (R), whose language is R; Python is needed.\n"
        "hint: Choose a Python kernel in JupyterLab and save the notebook.",
    ),
    "null metadata": (
        notebook(*GOOD, metadata=None),
        f"error: nb.ipynb is not a valid notebook: `metadata` must be an object, not null.\n{MEND}",
    ),
    "null metadata of a cell": (
        cell_with(metadata=None),
        f"error: nb.ipynb is not a valid notebook: `cells[1].metadata` must be an object, not null.\n{MEND}",
    ),
    "tags that are no list": (
        cell_with(metadata={"tags": "step:train"}),
        f"error: nb.ipynb is not a valid notebook: `cells[1].metadata.tags` must be a list, not a string.\n{MEND}",
    ),
    "unknown kind of cell": (
        cell_with(cell_type="heading"),
        "error: nb.ipynb is not a valid notebook: `cells[1].cell_type` is 'heading', "
        f"not `code`, `markdown` or `raw`.\n{MEND}",
    ),
    "no cells": (
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}}),
        f"error: nb.ipynb is not a valid notebook: `cells` is missing.\n{MEND}",
    ),
}


@pytest.mark.parametrize("name", NO_NOTEBOOKS)
def test_what_is_no_notebook(name: str, run: Run, work: Path, nothing_written: Callable[[], None]) -> None:
    content, message = NO_NOTEBOOKS[name]
    (work / "nb.ipynb").write_bytes(content if isinstance(content, bytes) else content.encode())
    nothing_written()
    for command in COMMANDS:
        assert run(command[0], "nb.ipynb", *command[1:]) == Printed(3, "", f"{message}\n")
    assert run("run", "nb.ipynb", "out.ipynb", "--format", "json", "--report", "r.html").err == f"{message}\n"


def unreadable(work: Path) -> Mapping[str, str]:
    """Make files that can't be read, by anybody; return what is said of each."""
    (work / "churn.ipynb").write_text(notebook(*GOOD))
    (work / "folder.ipynb").mkdir()
    (work / "dangling.ipynb").symlink_to("gone/nb.ipynb")
    (work / "circle.ipynb").symlink_to("circle.ipynb")
    return {
        "chrun.ipynb": "error: chrun.ipynb does not exist.\nhint: Did you mean churn.ipynb?",
        "other/nb.ipynb": "error: other/nb.ipynb does not exist.\nhint: There is no directory other.",
        "folder.ipynb": "error: folder.ipynb is a directory, not a notebook.\nhint: Name the .ipynb file in it.",
        ".": "error: . is a directory, not a notebook.\nhint: Name the .ipynb file in it.",
        "dangling.ipynb": "error: dangling.ipynb is a link to gone/nb.ipynb, which does not exist.\n"
        "hint: Mend the link, or name the notebook itself.",
        "circle.ipynb": "error: circle.ipynb can't be read: Too many levels of symbolic links.",
        "churn.ipynb/nb.ipynb": "error: churn.ipynb/nb.ipynb can't be read: Not a directory.",
        "x" * 300: f"error: {'x' * 300} can't be read: File name too long.",
        "a\0b.ipynb": "error: a\\x00b.ipynb can't be read: embedded null byte.",
        "": "error: The name of the notebook is empty.\nhint: Name a .ipynb file.",
        "-": "error: A notebook can't be read from standard input.\n"
        "hint: Steps run in the notebook's folder, so it must be a file; write ./- for a file of that name.",
    }


def test_files_that_can_not_be_read(run: Run, work: Path, nothing_written: Callable[[], None]) -> None:
    messages = unreadable(work)
    nothing_written()
    for name, message in messages.items():
        for command in COMMANDS:
            assert run(command[0], name, *command[1:]) == Printed(2, "", f"{message}\n"), name


# --- notebooks that are no pipelines ----------------------------------------------------------------------------------

NO_PIPELINES: Mapping[str, tuple[Sequence[Cell], str]] = {
    "syntax error": (
        [("step:load", "x = 1"), ("step:train", "y = 2\nfor i in x\n    pass")],
        """
        nb.ipynb, cell 2 (train), line 2: error MLO001: The cell is not valid Python: expected ':'
            for i in x
          hint: Mend the cell, or tag it `skip`.
        """,
    ),
    "syntax error below a magic": (
        [("step:load", "%matplotlib inline\nx = = 1")],
        """
        nb.ipynb, cell 1 (load), line 2: error MLO001: The cell is not valid Python: invalid syntax
            x = = 1
          hint: Mend the cell, or tag it `skip`.
        """,
    ),
    "syntax error among the parameters": (
        [("parameters", "n = 1\nm = = 2"), ("step:load", "x = 1")],
        """
        nb.ipynb, cell 1 (parameters), line 2: error MLO001: The cell is not valid Python: invalid syntax
            m = = 2
          hint: Mend the cell, or tag it `skip`.
        """,
    ),
    "typo in a tag": (
        [("step:load", "x = 1"), ("setp:train", "y = x")],
        """
        nb.ipynb, cell 2 (load): error MLO002: The tag `setp:train` is unknown.
          hint: Did you mean `step:train`?
        """,
    ),
    "slugs that collide": (
        [("step:Train A", "x = 1"), ("step:train-a", "y = 2")],
        """
        nb.ipynb, cell 2 (train-a): error MLO003: The steps 'Train A' and 'train-a' have the same slug 'train-a'
          hint: Rename one of them.
        """,
    ),
    "cells that stand apart": (
        [("step:a", "x = 1"), ("step:b", "x = x + 1"), ("step:a", "x = x * 2\nprint(x)")],
        """
        nb.ipynb, cell 3 (a): error MLO004: The cells of step 'a' stand apart, and moving this one up past cell 2 could change its result
          hint: Move the cells together, or give this cell a step of its own.
        """,  # noqa: E501
    ),
    "circle through after": (
        [("step:a|after:b", "x = 1"), ("step:b", "y = x")],
        """
        nb.ipynb, cell 1 (a): error MLO005: Steps wait for each other in a circle: a → b → a
          hint: Remove one of the `after:` tags.
        """,
    ),
    "after itself": (
        [("step:a|after:a", "x = 1")],
        """
        nb.ipynb, cell 1 (a): error MLO005: The step 'a' waits for itself
          hint: Remove the tag, or name an existing step.
        """,
    ),
    "after what is not there": (
        [("step:train", "x = 1"), ("step:b|after:trian", "y = x")],
        """
        nb.ipynb, cell 2 (b): error MLO006: The step 'b' is to run after 'trian', which does not exist
          hint: Did you mean `after:train`?
        """,
    ),
    "undefined name": (
        [("step:load", "x = 1"), ("step:train", "y = x\nz = gamma + 1")],
        """
        nb.ipynb, cell 2 (train), line 2: error MLO012: The name 'gamma' is read, but no cell above defines it
            z = gamma + 1
                ^^^^^
          hint: Define it in a cell above, or correct the spelling.
        """,
    ),
    "input that nobody provides": (
        [("step:load", "x = 1"), ("step:train|in:frame", "y = 2")],
        """
        nb.ipynb, cell 2 (train): error MLO013: The step 'train' declares the input 'frame', which no earlier step provides
          hint: Correct the tag, or define the name in a step above.
        """,  # noqa: E501
    ),
    "output that is not made": (
        [("step:load|out:frame", "x = 1")],
        """
        nb.ipynb, cell 1 (load): error MLO015: The step 'load' declares the output 'frame' but does not define it
          hint: Correct the tag, or define the name in the step.
        """,
    ),
}


@pytest.mark.parametrize("name", NO_PIPELINES)
def test_what_is_no_pipeline(name: str, run: Run, work: Path, nothing_written: Callable[[], None]) -> None:
    cells, golden = NO_PIPELINES[name]
    message = lines(golden).rstrip() + "\n"
    (work / "nb.ipynb").write_text(notebook(*cells))
    nothing_written()
    checked = run("check", "nb.ipynb")
    assert (checked.code, checked.err) == (3, "")
    assert message in checked.out
    for options in ([], ["out.ipynb", "--report", "r.html"], ["--format", "json"]):
        refused = run("run", "nb.ipynb", *options)
        assert (refused.code, refused.out) == (3, "")
        assert message in refused.err and refused.err.endswith(REFUSED)
    shown = run("show", "nb.ipynb")
    assert shown.code == 3 and message in shown.out
    drawn = run("show", "nb.ipynb", "--format", "mermaid")
    assert drawn.code == 3 and message in drawn.err and "MLO" not in drawn.out
    place, _, code = message.split("\n")[0].partition(": error ")
    for command in ("show", "check"):
        printed = run(command, "nb.ipynb", "--format", "json")
        found = [item for item in json.loads(printed.out)["diagnostics"] if item["code"] == code[:6]]
        assert (printed.code, printed.err) == (3, "")
        assert f"cell {found[0]['cell'].removeprefix('cell-')} " in place
        assert found[0]["line"] is None or place.endswith(f"line {found[0]['line']}")
    assert (work / "nb.ipynb").read_text() == notebook(*cells)


def test_unknown_settings(run: Run, work: Path, nothing_written: Callable[[], None]) -> None:
    content = json.loads(notebook(("step:a", "x = 1"), metadata={**PYTHON, "mlops": {"timeuot": 3}}))
    content["cells"][0]["metadata"]["mlops"] = {"retires": 3, "timeout": "soon", "memory": "lots"}
    (work / "nb.ipynb").write_text(json.dumps(content))
    nothing_written()
    expected = lines(
        """
        nb.ipynb: error MLO009: `metadata.mlops.timeuot` is not a known setting.
          hint: Did you mean `timeout`?
        nb.ipynb, cell 1 (a): error MLO009: `metadata.mlops.memory` is not a valid quantity: 'lots'.
          hint: Write it as Kubernetes does, for example `4Gi` or `512Mi`.
        nb.ipynb, cell 1 (a): error MLO009: `metadata.mlops.retires` is not a known setting.
          hint: Did you mean `retries`?
        nb.ipynb, cell 1 (a): error MLO009: `metadata.mlops.timeout` is not a time span: 'soon'.
          hint: Write seconds, or for example `90s`, `10m`, `1h30m`.
        """
    )
    assert run("check", "nb.ipynb") == Printed(3, f"{expected}nb.ipynb: 1 step, 4 errors\n", "")
    assert run("run", "nb.ipynb", "out.ipynb") == Printed(3, "", expected + REFUSED)


# --- the command line -------------------------------------------------------------------------------------------------

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
    "OUT is a stream": (
        ["-"],
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
def test_wrong_command_lines(name: str, run: Run, work: Path, nothing_written: Callable[[], None]) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    options, message = WRONG_LINES[name]
    (work / "nb.ipynb").write_text(notebook(*GOOD))
    (work / "link.ipynb").symlink_to("nb.ipynb")
    (work / "dangling").symlink_to("gone/out.ipynb")
    (work / "p.yaml").write_text("n_trees: ten\ncolour: red\n")
    (work / "bad.yaml").write_text("n_trees: [1\nflag: 2")
    nothing_written()
    message = message.replace("{work}", str(work.resolve()))
    message = message.replace("{kernels}", ", ".join(sorted(KernelSpecManager().find_kernel_specs())))
    for form in ("text", "json"):
        assert run("run", "--format", form, "nb.ipynb", *options) == Printed(2, "", f"{message}\n")


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
    arguments: list[str], message: str, run: Run, work: Path, nothing_written: Callable[[], None]
) -> None:
    (work / "nb.ipynb").write_text(notebook(*GOOD))
    nothing_written()
    printed = run(*arguments)
    assert (printed.code, printed.out) == (2, "")
    assert printed.err.startswith(message)


def test_a_store_that_can_not_be_written(
    run: Run, work: Path, monkeypatch: pytest.MonkeyPatch, nothing_written: Callable[[], None]
) -> None:
    (work / "nb.ipynb").write_text(notebook(*GOOD))
    (work / ".mlops").write_text("a file")
    nothing_written()
    expected = (
        f"error: {work}/.mlops can't be the store's folder: a file is in the way.\n"
        f"hint: Move {work}/.mlops, or set JUPYTER_MLOPS_HOME to another folder.\n"
    )
    assert run("run", "nb.ipynb", "out.ipynb") == Printed(2, "", expected)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", "/proc/mlops")  # not even root may make a folder there
    printed = run("run", "nb.ipynb", "out.ipynb")
    assert printed.code in (2, 4) and printed.out == ""
    assert printed.err.startswith("error: The folder /proc/mlops can't be ")
    assert printed.err.endswith("hint: Set JUPYTER_MLOPS_HOME to a folder you may write.\n")


def test_a_damaged_database(run: Run, work: Path) -> None:
    (work / "nb.ipynb").write_text(notebook(*GOOD))
    (work / ".mlops").mkdir()
    (work / ".mlops" / "mlops.db").write_text("garbage" * 1000)
    printed = run("run", "nb.ipynb", "out.ipynb")
    database = f"{work}/.mlops/mlops.db"
    assert printed == Printed(
        4,
        "",
        f"error: The database {database} is damaged (file is not a database).\n"
        f"hint: Move it away and run again; the runs' folders stay: mv {database} {database}.damaged\n",
    )
    assert not (work / "out.ipynb").exists()


# --- kernels ----------------------------------------------------------------------------------------------------------


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


def asking_for(kernel: str) -> str:
    named = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
    return notebook(("step:train", "x = 1"), metadata=named)


def test_kernels_that_can_not_be_used(
    run: Run, work: Path, install: Callable[[str, str], None], nothing_written: Callable[[], None]
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
        (work / f"{name}.ipynb").write_text(asking_for(name))
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
    run: Run, work: Path, install: Callable[[str, str], None], argv: list[str], reason: str
) -> None:
    install("broken", json.dumps({"argv": argv, "display_name": "Broken", "language": "python"}))
    (work / "nb.ipynb").write_text(asking_for("broken"))
    printed = run("run", "nb.ipynb", "--no-progress-bar")
    assert printed.code == 4
    assert printed.err.endswith(f"error: nb.ipynb, step train: the kernel 'broken' did not start: {reason}")


# --- what is unusual, but right ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["two words", "it's", 'say "hi"', "ünï ☃ 日本", "$HOME {x} %s", "-dash", "a;b&c#d", "back\\slash"]
)
def test_any_file_name_will_do(name: str, run: Run, work: Path) -> None:
    (work / name).mkdir()
    (work / name / f"{name}.ipynb").write_text(notebook(("step:a", "x = 1\ny = undefined_name")))
    path = f"{name}/{name}.ipynb" if not name.startswith("-") else f"./{name}/{name}.ipynb"
    printed = run("check", path)
    assert printed.code == 3
    assert printed.out.startswith(f"{name}/{name}.ipynb, cell 1 (a), line 2: error MLO012: ")
    assert run("check", f"{path[: -len(name) - 6]}../{name}/{name}.ipynb").code == 3


def test_a_run_with_the_strangest_of_names(run: Run, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = 'it\'s "a" $HOME {x} ünï ☃ %s;#&'
    folder = work / name / "inner"
    folder.mkdir(parents=True)
    cells = [
        ("parameters", "n = 1"),
        ("step:a b", "open('é.txt', 'w').write('é')\nx = n"),
        ("metrics", "m = x + len(open('é.txt').read())"),
    ]
    source = work / name / f"{name}.ipynb"
    source.write_text(notebook(*cells))
    before = source.read_bytes()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", f"../{name} home")
    printed = run(
        *["run", f"../{name}.ipynb", f"../inner/out {name}.ipynb", "-p", "n", "41", "--report", f"../{name}.html"],
        *["--format", "json"],
    )
    assert printed.code == 0, printed.err
    result = json.loads(printed.out)
    assert result["metrics"] == {"m": 42.0}
    assert Path(result["output_notebook"]).resolve() == folder / f"out {name}.ipynb"
    assert json.loads((folder / f"out {name}.ipynb").read_text(encoding="utf-8"))["cells"]
    assert (work / name / f"{name}.html").stat().st_size > 1000
    assert source.read_bytes() == before
    assert sorted(path.name for path in work.iterdir()) == sorted([name, "pyproject.toml"])
    assert sorted(path.name for path in (work / name).iterdir()) == sorted(
        [f"{name}.ipynb", "inner", "é.txt", f"{name}.html", f"{name} home"]
    )


def test_suggested_commands_can_be_typed(run: Run, work: Path) -> None:
    name = "it's $HOME.ipynb"
    (work / name).write_text(notebook(("parameters", "n = 1"), ("step:a", "x = n")))
    printed = run("run", name, "my out.ipynb", "--no-progress-bar")
    assert printed.code == 0
    suggested = [line for line in printed.out.splitlines() if line.startswith("  jupyter mlops")]
    words = [shlex.split(line) for line in suggested]
    assert suggested and all(name in line for line in words)


def huge(path: Path) -> None:
    content = json.loads(notebook(("step:a", "x = 1"), ("metrics", "m = x")))
    image = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBOR" * 200_000}}
    text = {"output_type": "stream", "name": "stdout", "text": ["a line of numbers 0.12345\n"] * 1_000_000}
    content["cells"][0]["outputs"] = [image] * 72 + [text]
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("command", [["show"], ["check"], ["run", "out.ipynb"]])
def test_100_megabytes_of_outputs(command: list[str], work: Path) -> None:
    huge(work / "nb.ipynb")
    assert (work / "nb.ipynb").stat().st_size > 100_000_000
    line = [sys.executable, "-m", "jupyter_mlops.cli", command[0], "nb.ipynb", *command[1:]]
    done = subprocess.run(line, cwd=work, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) < 5000
    written = sum(path.stat().st_size for path in work.rglob("*") if path.is_file() and path.name != "nb.ipynb")
    assert written < 10_000_000, "the old outputs are not copied"


def test_a_full_disk_and_no_file_at_all(run: Run, work: Path) -> None:
    (work / "nb.ipynb").write_text(notebook(("step:a", "x = 1")))
    full, nothing = Path("/dev/full"), Path(os.devnull)
    (work / "full").symlink_to(full)
    (work / "nothing").symlink_to(nothing)
    printed = run("run", "nb.ipynb", "full", "--no-progress-bar")
    assert printed.code == 4
    assert printed.err.startswith(
        f"error: {work}/full can't be written: No space left on device.\nhint: The run is done; its notebook is {work}/.mlops/runs/"
    )
    assert run("run", "nb.ipynb", "nothing", "--no-progress-bar").code == 0
    assert full.is_char_device() and nothing.is_char_device(), "a device was replaced by a file"


def test_warnings_are_said_before_a_run(run: Run, work: Path) -> None:
    (work / "nb.ipynb").write_text(notebook())
    printed = run("run", "nb.ipynb", "--format", "json")
    assert printed.code == 0
    assert printed.err.startswith("nb.ipynb: warning MLO019: The notebook has no code to run\n")
    assert json.loads(printed.out)["steps"] == []


# --- the user's own code fails ----------------------------------------------------------------------------------------


def test_a_failure_shows_the_users_code_and_nothing_else(run: Run, work: Path) -> None:
    cells = [
        ("functions", "import json\n\ndef parse(text):\n    '''Read it.'''\n    return json.loads(text)"),
        ("step:load", "text = '{'"),
        ("step:train", "n = 1\n"),
        ("step:train", "\nrows = n\nframe = parse(text)"),
    ]
    (work / "nb.ipynb").write_text(notebook(*cells))
    printed = run("run", "nb.ipynb", "out.ipynb", "--no-progress-bar")
    assert printed.code == 1
    message = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    assert printed.err == lines(
        f"""

            Traceback (most recent call last):
            Cell 4 (train), line 3
                  2 rows = n
            ----> 3 frame = parse(text)
            Cell 1 (functions), line 5, in parse(text)
                  3 def parse(text):
                  4     '''Read it.'''
            ----> 5     return json.loads(text)
            [4 frames in Python]
            JSONDecodeError: {message}
        error: nb.ipynb, cell 4 (train), line 3: JSONDecodeError: {message}
        """
    ).join(["\n", ""])
    suggested = [line.split()[2] for line in printed.out.splitlines() if line.startswith("  jupyter lab")]
    assert [Path(path).name for path in suggested] == ["02-train.ipynb", "out.ipynb"]
    assert all(Path(path).is_file() for path in suggested)


def test_a_value_that_can_not_be_handed_over_has_no_traceback(run: Run, work: Path) -> None:
    (work / "nb.ipynb").write_text(
        notebook(("step:a", "import threading\nlock = threading.Lock()"), ("step:b", "print(lock)"))
    )
    printed = run("run", "nb.ipynb", "--no-progress-bar")
    assert printed.code in (1, 3)
    assert "Traceback" not in printed.err
    assert "nb.ipynb, cell 1 (a), line 2: " in printed.err and "lock" in printed.err


def test_interrupted(work: Path) -> None:
    (work / "nb.ipynb").write_text(
        notebook(("parameters", "seconds = 1"), ("step:a", "import os, time\nprint(os.getpid())\ntime.sleep(seconds)"))
    )
    line = [sys.executable, "-m", "jupyter_mlops.cli", "run", "nb.ipynb", "out.ipynb", "-p", "seconds", "60"]
    process = subprocess.Popen(
        [*line, "--log-output"], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    kernel = next(int(text.split("│")[1]) for text in process.stderr if "│" in text)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err
    assert "a … cancelled: the run was stopped" in err
    assert any(text.startswith("Cancelled in ") for text in out.splitlines())
    assert "  jupyter mlops run nb.ipynb out.ipynb -p seconds 60  run it again" in out.splitlines()
    assert ended(kernel)


def ended(process: int) -> bool:
    for _ in range(50):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
