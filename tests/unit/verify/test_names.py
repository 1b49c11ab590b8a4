"""Which variables of a step are compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.verify.names import assigned_names, observed_names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = b = 1\nc, (d, *e) = f()\ng: int = 2\nh += 1", "a b c d e g h"),
        ("for i in x:\n    j = i\nelse:\n    k = 1", "i j k"),
        ("with open(p) as f:\n    t = f.read()", "f t"),
        ("def f(x):\n    y = x\n    return y\nclass C:\n    z = 1", "f C"),
        ("def f():\n    global total\n    total = 1", "f total"),
        ("[x for x in y if (hit := x)]\nlambda q: (r := q)", "hit"),
        ("import os\nfrom a import b", ""),
        ("_private = 1\n_ = 2", ""),
        ("x.y = 1\nx[0] = 2\nprint(z)", ""),
        ("match p:\n    case [u, *v]:\n        pass\n    case {'k': w, **rest}:\n        pass", "u v w rest"),
        ("%%time\nn = 1", "n"),
        ("%time m = 1", "m"),
        ("try:\n    1/0\nexcept E as error:\n    pass", ""),
    ],
)
def test_names_that_a_cell_binds(source: str, names: str, make_notebook: Callable[..., Notebook]) -> None:
    notebook = make_notebook(("", source), ("", "other = 1"))
    assert assigned_names(notebook, Step("one", "one", ("c0",))) == set(names.split())


def test_what_a_step_takes_and_gives_is_looked_at_as_well(make_notebook: Callable[..., Notebook]) -> None:
    notebook = make_notebook(("", "b = 1"))
    step = Step("one", "one", ("c0",), inputs=("a",), outputs=("c",))
    assert observed_names(notebook, step) == ("a", "b", "c")
