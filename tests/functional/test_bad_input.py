"""Files that are no notebooks, notebooks that are no pipelines: file, cell and line are named, nothing is written."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., str]
Run = Callable[..., Any]
Cell = tuple[str, str]

REFUSED = "error: The notebook is not a valid pipeline; nothing was run.\n"
RESTORE = "hint: Restore it from a checkpoint (the folder .ipynb_checkpoints) or from version control."
MEND = "hint: Mend that in a text editor, or restore the file from a checkpoint or from version control."
LAB = "hint: A notebook is a .ipynb file, as JupyterLab saves it."
COMMANDS = (["show"], ["show", "--format", "json"], ["check"], ["check", "--format", "json"], ["run"])
GOOD: Sequence[Cell] = (("parameters", "n_trees = 10"), ("step:train", "model = n_trees"))
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
R = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}


def lines(text: str) -> str:
    """Take the common indentation away."""
    return textwrap.dedent(text).lstrip("\n")


def cell_with(**fields: Any) -> Callable[[Make], str]:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None}
    return lambda make: make(cells=[cell, cell | {"id": "b"} | fields])


NO_NOTEBOOKS: Mapping[str, tuple[str | bytes | Callable[[Make], str], str]] = {
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
        lambda make: make(*GOOD)[:60],
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
        lambda make: make(("", "x <- 1"), metadata=R),
        "error: nb.ipynb runs on the kernel `ir` (R), whose language is R; Python is needed.\n"
        "hint: Choose a Python kernel in JupyterLab and save the notebook.",
    ),
    "null metadata": (
        lambda make: make(*GOOD, metadata=None),
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
def test_what_is_no_notebook(
    name: str, run: Run, notebook: Make, work: Path, nothing_written: Callable[[], None]
) -> None:
    content, message = NO_NOTEBOOKS[name]
    text = content(notebook) if callable(content) else content
    (work / "nb.ipynb").write_bytes(text if isinstance(text, bytes) else text.encode())
    nothing_written()
    for command in COMMANDS:
        assert run(command[0], "nb.ipynb", *command[1:]) == (3, "", f"{message}\n")
    assert run("run", "nb.ipynb", "out.ipynb", "--format", "json", "--report", "r.html").err == f"{message}\n"


def unreadable(work: Path, content: str) -> Mapping[str, str]:
    """Make files that can't be read, by anybody; return what is said of each."""
    (work / "churn.ipynb").write_text(content)
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
    }


def test_files_that_can_not_be_read(run: Run, notebook: Make, work: Path, nothing_written: Callable[[], None]) -> None:
    messages = unreadable(work, notebook(*GOOD))
    nothing_written()
    for name, message in messages.items():
        for command in COMMANDS:
            assert run(command[0], name, *command[1:]) == (2, "", f"{message}\n"), name
    for command in COMMANDS[:-1]:
        message = "error: Only `run` reads a notebook from standard input.\nhint: Write ./- for a file of that name.\n"
        assert run(command[0], "-", *command[1:]) == (2, "", message)


# --- notebooks that are no pipelines --------------------------------------------------------------------------------

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
def test_what_is_no_pipeline(
    name: str, run: Run, notebook: Make, work: Path, nothing_written: Callable[[], None]
) -> None:
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


def test_unknown_settings(run: Run, notebook: Make, work: Path, nothing_written: Callable[[], None]) -> None:
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
    assert run("check", "nb.ipynb") == (3, f"{expected}nb.ipynb: 1 step, 4 errors\n", "")
    assert run("run", "nb.ipynb", "out.ipynb") == (3, "", expected + REFUSED)
