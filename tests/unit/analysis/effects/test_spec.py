"""The language of the table: what each token means, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.analysis.effects import Effect, parse_effect
from jupyter_mlops.analysis.effects.spec import unbound


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pure", Effect()),
        ("-> int", Effect(result="int")),
        ("-> pandas.DataFrame", Effect(result="pandas.DataFrame")),
        ("-> self", Effect(returns_self=True)),
        ("-> like(0)", Effect(like=0)),
        ("-> like(self)", Effect(like="self")),
        ("-> like(0|numpy.ndarray)", Effect(like=0, otherwise="numpy.ndarray")),
        ("-> splits", Effect(result="list", splits=True)),
        ("-> (int, ?)", Effect(result="tuple", results=("int", None))),
        ("mutates", Effect(mutates=("self",))),
        ("mutates mutates(0) mutates(x) mutates(*)", Effect(mutates=("self", 0, "x", "*"))),
        ("view -> tuple", Effect(view=True, result="tuple")),
        ("shares(0) keeps(*) hashed", Effect(shares=(0,), keeps=("*",), hashed=True)),
        ("shares(0) copies-plain copies-many", Effect(shares=(0,), copies_plain=True, copies_many=True)),
        ("calls(0) calls(func)", Effect(calls=(0, "func"))),
        ("draws(numpy)", Effect(draws=("numpy",))),
        ("draws-unless(self.random_state, numpy)", Effect(draws_unless=(("self.random_state", "numpy"),))),
        (
            "draws-unless(random_state, numpy)",
            Effect(draws_unless=(("random_state", "numpy"),), mutates=("random_state",)),
        ),
        ("draws-from(cv)", Effect(draws_from=("cv",))),
        ("seeds(random)", Effect(seeds=("random",))),
        (
            "reads(0|path) writes(1) appends(name)",
            Effect(reads=((0, "path"),), writes=((1, None),), appends=((None, "name"),)),
        ),
        ("reads(self)", Effect(reads=((None, "self"),))),
        ("lists(0|path)", Effect(lists=((0, "path"),), files=True)),
        ("evaluates(0|expr)", Effect(evaluates=((0, "expr"),))),
        ("writes(0|file) suffix(.npy)", Effect(writes=((0, "file"),), suffix=".npy")),
        ("files network clock", Effect(files=True, volatile=("network", "clock"))),
        ("sets(options:pandas) uses(env)", Effect(sets=("options:pandas",), uses=("env",))),
        ("plots", Effect(plots=True)),
        ("void(copy=True) void(2|mode=None)", Effect(void=((None, "copy", "True"), (2, "mode", "None")))),
    ],
)
def test_tokens(text: str, expected: Effect) -> None:
    assert parse_effect(text) == expected


def test_unknown_is_no_promise() -> None:
    assert parse_effect("unknown") is None


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "mutate", "mutates()", "mutates(0", "view(0)", "draws", "draws-unless(numpy)",
        "reads(path|0)", "pure, view", "plots(1)", "shares(a b)", "puremutates(0)view",
        "-> ", "-> int -> str", "-> 3", "-> like(-1)", "void(copy)", "void(=True)",
    ],
)  # fmt: skip
def test_malformed_lines_name_the_entry(text: str) -> None:
    with pytest.raises(ValueError, match=r"pandas\.json functions concat"):
        parse_effect(text, "pandas.json functions concat")


@pytest.mark.parametrize(
    ("text", "is_pure"),
    [
        ("-> int", True),
        ("calls(0)", True),
        ("view", False),
        ("mutates(0)", False),
        ("clock", False),
        ("void(a=1)", False),
    ],
)
def test_is_pure(text: str, is_pure: bool) -> None:
    effect = parse_effect(text)
    assert effect is not None and effect.is_pure is is_pure


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-> str", Effect(result="str")),
        ("mutates mutates(0)", Effect(mutates=(0, 1))),
        ("view -> like(self)", Effect(shares=(0,), like=0)),
        ("reads(self) writes(0|path)", Effect(reads=((0, None),), writes=((1, "path"),))),
        ("calls(0) calls(key)", Effect(calls=(1, "key"))),
        ("mutates keeps(0)", None),
        ("-> self", None),
        ("draws-unless(self.random_state, numpy)", None),
    ],
)
def test_unbound_methods_have_their_receiver_first(text: str, expected: Any) -> None:
    effect = parse_effect(text)
    assert effect is not None
    assert unbound(effect) == expected
