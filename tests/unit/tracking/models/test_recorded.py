import sys

import pytest

from jupyter_mlops.pipeline.model import Snippet
from jupyter_mlops.tracking.recorded import CodeNamespace


def namespace(*sources: str, **values: object) -> CodeNamespace:
    return CodeNamespace([Snippet(f"c{n}", source, ()) for n, source in enumerate(sources)], dict(values))


def test_only_what_is_asked_for_is_run() -> None:
    found = namespace("import sched\nimport json as j\ndef f(): return j.dumps([1])\ndef g(): return undefined_here")
    sys.modules.pop("sched", None)
    assert "sched" in found
    assert found["f"]() == "[1]"
    assert "sched" not in sys.modules
    with pytest.raises(NameError):
        found["g"]()


def test_functions_find_what_they_use_when_they_run() -> None:
    found = namespace(
        "import math\nRATE = 2", "def area(r): return math.floor(shape(r)) * RATE * n", "def shape(r): return r", n=3
    )
    assert found["area"](5) == 30


def test_statements_that_change_a_function_run_with_it() -> None:
    found = namespace("def f(): return f.rate\nf.rate = 4")
    assert found["f"]() == 4


def test_registered_functions_come_with_what_they_are_registered_at() -> None:
    found = namespace(
        "from functools import singledispatch\n@singledispatch\ndef size(x): return 0",
    )
    assert found["size"](7) == 0
    found = namespace(
        "from functools import singledispatch\n"
        "@singledispatch\ndef size(x): return 0\n@size.register\ndef _(x: int): return x"
    )
    assert found["size"](7) == 7


def test_a_class_is_made_once_whatever_steps_replay_it() -> None:
    found = namespace("class A: pass\nclass B(A): pass", "class A: pass", "def f(x): return isinstance(x, A)")
    assert found["f"](found["B"]())


def test_other_statements_of_a_cell_run_together_in_their_order() -> None:
    found = namespace("table = {}\ntable['a'] = 1\ntable['b'] = table['a'] + 1\nimport math")
    assert found["table"] == {"a": 1, "b": 2}


def test_a_name_that_no_code_binds_is_no_key() -> None:
    found = namespace("x = 1")
    assert "y" not in found
    with pytest.raises(KeyError):
        found["y"]


def test_code_that_fails_fails_when_it_is_asked_for() -> None:
    found = namespace("x = 1 / 0", "y = 2")
    assert found["y"] == 2
    with pytest.raises(ZeroDivisionError):
        found["x"]


def test_magics_in_code_are_taken_apart() -> None:
    assert namespace("%time x = 3\n%load_ext jupyter_mlops")["x"] == 3
