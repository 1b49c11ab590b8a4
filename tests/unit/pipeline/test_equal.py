"""Small notebooks run whole and as pipelines: the same comes of both, or a diagnostic says beforehand that it can't."""

from __future__ import annotations

import os
from typing import Any

import notebooks_async
import notebooks_data
import notebooks_estimators
import notebooks_habits
import notebooks_language
import notebooks_libraries
import notebooks_modules
import notebooks_objects
import notebooks_process
import pytest
from oracle import compare

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the oracle forks")

NOTEBOOKS: dict[str, tuple[Any, ...]] = {
    **notebooks_async.NOTEBOOKS,
    **notebooks_data.NOTEBOOKS,
    **notebooks_estimators.NOTEBOOKS,
    **notebooks_habits.NOTEBOOKS,
    **notebooks_language.NOTEBOOKS,
    **notebooks_libraries.NOTEBOOKS,
    **notebooks_modules.NOTEBOOKS,
    **notebooks_objects.NOTEBOOKS,
    **notebooks_process.NOTEBOOKS,
}
IMPORTS = """
import collections, copy, datetime, functools, itertools, json, math, operator, os, random, re, sys, types
import warnings, weakref
import numpy as np
import matplotlib.pyplot as plt
import pandas as pd
"""
MAY_BE_TOLD = {
    "a class's __class_getitem__",
    "a descriptor",
    "a metaclass that registers",
    "a task that waits for the next cell",
    "a weak reference",
    "colormap register data",
    "contextvar",
    "gen send",
    "import of __main__",
    "local class instance",
    "local constants used",
    "local decorator",
    "local from import mutable",
    "local from import mutable2",
    "local imports local",
    "local module counter",
    "local subclass in notebook",
    "logging into a list",
    "lru cache",
    "lru_cache state",
    "memoryview",
    "named logger handler",
    "np from buffer",
    "sending to a generator",
    "signal",
    "singledispatch",
    "sys.modules and __main__",
    "the flat iterator of an array",
    "threading local",
    "to_sql",
    "with var leak",
}
"""What no pipeline can be made of, or only with more trouble than it is worth: never a different result, though."""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_pipeline_equals_the_notebook(name: str) -> None:
    letters = iter("abcdefgh")
    parts = NOTEBOOKS[name]
    files = parts[0] if isinstance(parts[0], dict) else {}
    written = [item for item in parts if not isinstance(item, dict)]
    cells = [item if isinstance(item, tuple) else (f"step:{next(letters)}", item) for item in written]
    outcome = compare([("imports", IMPORTS), *cells], files)
    fine = ("equal", "told", "refused") if name in MAY_BE_TOLD else ("equal",)
    assert outcome.verdict in fine, str(outcome)


def test_every_exception_is_in_the_table() -> None:
    assert set(NOTEBOOKS) >= MAY_BE_TOLD
