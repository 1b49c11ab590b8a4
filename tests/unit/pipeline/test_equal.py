"""Small notebooks run whole and as pipelines: the same comes of both, or a diagnostic says beforehand that it can't."""

from __future__ import annotations

import os

import notebooks_language
import notebooks_libraries
import pytest
from oracle import compare

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the oracle forks")

NOTEBOOKS = {**notebooks_language.NOTEBOOKS, **notebooks_libraries.NOTEBOOKS}
IMPORTS = """
import collections, copy, functools, itertools, json, math, operator, os, random, re, types, weakref
import numpy as np
import pandas as pd
"""
MAY_BE_TOLD = {
    "a class's __class_getitem__",
    "a descriptor",
    "a metaclass that registers",
    "a weak reference",
    "import of __main__",
    "logging into a list",
    "lru_cache state",
    "sending to a generator",
    "singledispatch",
    "sys.modules and __main__",
    "the flat iterator of an array",
}
"""What no pipeline can be made of, or only with more trouble than it is worth: never a different result, though."""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_pipeline_equals_the_notebook(name: str) -> None:
    letters = iter("abcdefgh")
    cells = [item if isinstance(item, tuple) else (f"step:{next(letters)}", item) for item in NOTEBOOKS[name]]
    outcome = compare([("imports", IMPORTS), *cells])
    fine = ("equal", "told", "refused") if name in MAY_BE_TOLD else ("equal",)
    assert outcome.verdict in fine, str(outcome)


def test_every_exception_is_in_the_table() -> None:
    assert set(NOTEBOOKS) >= MAY_BE_TOLD
