"""Injected parameters read as papermill writes them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.runtime.injection import parameters_source

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), values, max_size=4))
def test_same_text_as_papermill(parameters: dict[str, Any]) -> None:
    from papermill.translators import PythonTranslator, Translator

    plain = "".join(
        [f"{PythonTranslator.comment('Parameters')}\n"]
        + [f"{Translator.assign(name, PythonTranslator.translate(value))}\n" for name, value in parameters.items()]
    )
    assert parameters_source(parameters) == plain


def test_text_defines_the_values() -> None:
    parameters = {"a": -1, "b": 2.5, "c": None, "d": [True, {"k": 'quote " back \\ new\nline é'}], "e": float("-inf")}
    namespace: dict[str, Any] = {}
    exec(parameters_source(parameters), namespace)
    assert {name: namespace[name] for name in parameters} == parameters
