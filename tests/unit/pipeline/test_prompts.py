"""Code that waits for somebody to type is told beforehand."""

from __future__ import annotations

import pytest
from building import make_notebook

from jupyter_mlops import api


def lines_told(*cells: tuple[str, str]) -> list[int | None]:
    pipeline = api.pipeline(make_notebook(cells))
    return [item.line for item in pipeline.diagnostics if item.code == "MLO025"]


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\nname = input('Who? ')",
        "x = 1\nbreakpoint()",
        "import pdb\npdb.set_trace()",
        "import getpass\nkey = getpass.getpass()",
        "x = 1\n%debug",
        "%matplotlib inline\n%pdb on",
    ],
)
def test_waiting_is_told_with_its_line(source: str) -> None:
    assert lines_told(("step:a", source)) == [2]


@pytest.mark.parametrize(
    "source",
    [
        "debug = True\ndebug",
        "print('input()')",
        "layer.input",
        "def input(x): return x\ninput(3)",
        "from fileinput import input as input\ninput()",
        "logger.debug('x')",
        "# breakpoint()",
        "if x ==",
    ],
)
def test_other_uses_of_the_words_are_not(source: str) -> None:
    assert lines_told(("step:a", "layer = logger = None; x = 1"), ("step:a", source)) == []


def test_cells_outside_of_steps_are_not_asked() -> None:
    assert lines_told(("skip", "input()"), ("step:a", "x = 1")) == []


def test_a_cell_that_gives_the_name_another_meaning_counts() -> None:
    assert lines_told(("functions", "def breakpoint(): pass"), ("step:a", "breakpoint()")) == []
