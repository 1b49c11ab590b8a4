"""Code of any size and depth is analysed in bounded time, without a crash: what is too much is told."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.pipeline.slicer import slice_notebook

GENEROUS = 60.0
"""Seconds; each notebook here takes a small part of it on a slow machine, while a hang takes for ever."""


def notebook(*sources: str) -> Notebook:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {"tags": [f"step:s{number}"]},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    return parse_notebook({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < GENEROUS


def edges(pipeline: Pipeline) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in pipeline.edges}


def is_told_or_sound(pipeline: Pipeline, *wanted: tuple[str, str]) -> bool:
    """Python itself refuses some of this, on some versions: then the cell is told to be invalid."""
    return "MLO001" in {item.code for item in pipeline.diagnostics} or edges(pipeline) >= set(wanted)


def test_a_cell_of_ten_thousand_lines() -> None:
    lines = "\n".join(f"v{number} = v{number - 1} + {number}" for number in range(1, 10_000))
    pipeline = slice_notebook(notebook("v0 = 1", lines, "print(v9999)"))
    assert edges(pipeline) == {("s0", "s1"), ("s1", "s2")}
    assert pipeline.step("s1").outputs == ("v9999",)


def test_a_cell_that_changes_one_list_ten_thousand_times() -> None:
    lines = "\n".join(f"rows.append({number})" for number in range(10_000))
    pipeline = slice_notebook(notebook("rows = []\nsame = rows", lines, "print(same)"))
    assert ("s1", "s2") in edges(pipeline)


def test_brackets_in_brackets() -> None:
    pipeline = slice_notebook(notebook("x = [1]", "y = " + "[" * 150 + "x" + "]" * 150, "print(y)"))
    assert is_told_or_sound(pipeline, ("s0", "s1"), ("s1", "s2"))


def test_calls_in_calls() -> None:
    pipeline = slice_notebook(notebook("x = [1]", "y = " + "list(" * 90 + "x" + ")" * 90, "print(y)"))
    assert is_told_or_sound(pipeline, ("s0", "s1"), ("s1", "s2"))


@pytest.mark.parametrize("part", [".next", "[0]", "()", ".next()"])
def test_a_chain_of_five_thousand(part: str) -> None:
    pipeline = slice_notebook(notebook("x = [1]", "y = x" + part * 5000, "print(y)"))
    assert is_told_or_sound(pipeline, ("s0", "s1"), ("s1", "s2"))


def test_a_string_of_five_megabytes() -> None:
    text = "lorem ipsum " * 420_000
    pipeline = slice_notebook(notebook(f"text = '{text}'", f'more = """{text}""" + text', "print(more)"))
    assert edges(pipeline) == {("s0", "s1"), ("s1", "s2")}


def test_a_list_of_a_hundred_thousand_literals() -> None:
    pipeline = slice_notebook(notebook("rows = [" + ", ".join(map(str, range(100_000))) + "]", "print(rows)"))
    assert edges(pipeline) == {("s0", "s1")}


def test_a_dict_of_ten_thousand_lists() -> None:
    text = ", ".join(f"'k{number}': [{number}]" for number in range(10_000))
    pipeline = slice_notebook(notebook(f"d = {{{text}}}", "d['k5'].append(1)", "print(d)"))
    assert edges(pipeline) >= {("s0", "s1"), ("s1", "s2")}


def test_a_notebook_of_a_thousand_cells() -> None:
    sources = ["import pandas as pd\nlog = []\ndf = pd.DataFrame({'a': [1]})"]
    sources += [
        f"def f{n}(x):\n    log.append(x)\n    return x\nv{n} = f{n}({n})\ndf['c{n}'] = v{n}\nt = df.groupby('a').sum()"
        for n in range(1000)
    ]
    start = time.process_time()
    pipeline = slice_notebook(notebook(*sources))
    assert time.process_time() - start < GENEROUS / 2
    assert edges(pipeline) >= {(f"s{n}", f"s{n + 1}") for n in range(1000)}


def test_three_hundred_cells_whose_objects_all_hang_together() -> None:
    sources = ["items = []"] + [f"o{n} = [{n}]\nitems.append(o{n})\no{n}.append(items)" for n in range(300)]
    pipeline = slice_notebook(notebook(*sources, "print(items)"))
    assert ("s300", "s301") in edges(pipeline)


@pytest.mark.parametrize("depth", [30, 90])
def test_functions_in_functions(depth: int) -> None:
    lines = [f"{' ' * level}def f{level}():" for level in range(depth)]
    lines.append(" " * depth + "return seed")
    lines += [f"{' ' * level}return f{level}()" for level in range(depth - 1, 0, -1)]
    pipeline = slice_notebook(notebook("seed = [1]", "\n".join(lines), "print(f0())"))
    assert is_told_or_sound(pipeline, ("s0", "s2"))


def test_blocks_in_blocks() -> None:
    lines = [f"{' ' * level}if flag:" for level in range(95)] + [" " * 95 + "x = 1"]
    pipeline = slice_notebook(notebook("flag = True\nx = 0", "\n".join(lines), "print(x)"))
    assert is_told_or_sound(pipeline, ("s0", "s1"), ("s1", "s2"))


def test_loops_in_loops() -> None:
    lines = [f"{' ' * level}for i{level} in rows:" for level in range(18)] + [" " * 18 + "total.append(i0)"]
    pipeline = slice_notebook(notebook("rows = [1]\ntotal = []", "\n".join(lines), "print(total)"))
    assert edges(pipeline) >= {("s0", "s1"), ("s1", "s2")}


@pytest.mark.parametrize("operator", ["+", "and", ",", "<", "|"])
def test_two_thousand_terms(operator: str) -> None:
    terms = f" {operator} ".join(["x"] * 2000)
    pipeline = slice_notebook(notebook("x = 1", f"y = {terms}", "print(y)"))
    assert is_told_or_sound(pipeline, ("s0", "s1"), ("s1", "s2"))


def test_a_right_leaning_sum_and_a_tower_of_powers() -> None:
    sources = ["x = 1", "y = " + "(x + " * 90 + "x" + ")" * 90, "z = " + " ** ".join(["x"] * 400), "print(y, z)"]
    pipeline = slice_notebook(notebook(*sources))
    assert is_told_or_sound(pipeline, ("s0", "s1"), ("s0", "s2"), ("s1", "s3"), ("s2", "s3"))


def test_an_else_if_of_a_thousand_branches() -> None:
    lines = ["if n == 0:\n    out = [0]"] + [f"elif n == {k}:\n    out = [{k}]" for k in range(1, 1000)]
    pipeline = slice_notebook(notebook("n = 3\nout = []", "\n".join(lines), "print(out)"))
    assert is_told_or_sound(pipeline, ("s0", "s1"), ("s1", "s2"))


def test_each_function_calls_the_next_one_twice() -> None:
    lines = [f"def f{n}(x):\n    f{n + 1}(x)\n    return f{n + 1}(x)" for n in range(30)]
    lines.append("def f30(x):\n    x.append(1)\n    return x")
    pipeline = slice_notebook(notebook("\n".join(lines) + "\nrows = []", "f0(rows)", "print(rows)"))
    assert edges(pipeline) >= {("s0", "s1"), ("s1", "s2")}
    assert "rows" in pipeline.step("s1").mutates


def test_each_method_calls_two_others() -> None:
    methods = "\n".join(f"    def m{n}(self):\n        self.m{n + 1}()\n        self.m{n + 1}()" for n in range(30))
    start = "class Deep:\n    def __init__(self):\n        self.log = []"
    source = f"{start}\n{methods}\n    def m30(self):\n        self.log.append(1)"
    pipeline = slice_notebook(notebook(source + "\nd = Deep()", "d.m0()", "print(d.log)"))
    assert edges(pipeline) >= {("s0", "s1"), ("s1", "s2")}


def test_functions_that_call_one_another_in_every_way() -> None:
    names = [f"g{n}" for n in range(25)]
    body = "\n    ".join(f"{name}(x)" for name in names)
    lines = [f"def {name}(x):\n    if not x: return\n    x.append(1)\n    {body}" for name in names]
    pipeline = slice_notebook(notebook("\n".join(lines) + "\nrows = []", "g0(rows)", "print(rows)"))
    assert edges(pipeline) >= {("s0", "s1"), ("s1", "s2")}


def test_lambdas_that_are_handed_on_and_on() -> None:
    lines = ["h0 = lambda x: log.append(x)"] + [f"h{n} = lambda x: (h{n - 1}(x), h{n - 1}(x))" for n in range(1, 26)]
    pipeline = slice_notebook(notebook("log = []\n" + "\n".join(lines), "h25(1)", "print(log)"))
    assert ("s1", "s2") in edges(pipeline)


def test_classes_that_inherit_a_thousand_times() -> None:
    lines = ["class C0:\n    def put(self):\n        self.x = [1]"] + [
        f"class C{n}(C{n - 1}): pass" for n in range(1, 1000)
    ]
    pipeline = slice_notebook(notebook("\n".join(lines) + "\nc = C999()", "c.put()", "print(c.x)"))
    assert edges(pipeline) >= {("s0", "s1"), ("s1", "s2")}


@pytest.mark.parametrize(
    "source",
    [
        "\x00", "\ufeffx = 1", "\tx = 1", "\\", "x = '\ud800'", "x = 1\r\ny = 2\r", "é = 1\nprint(e\u0301)",
        "𝒳 = 1\nprint(X)",
        "def f(:", "print 'old'", "x = 0777", "x = 1 if", "x?", "?", "%", "%%", "%%time", "!", "!!", "a = %",
        "lambda" * 1000, "(" * 5000, "x = " + "9" * 5000, "#" * 100_000,
    ],
)  # fmt: skip
def test_odd_sources_are_told_or_taken(source: str) -> None:
    pipeline = slice_notebook(notebook("a = 1", source, "print(a)"))
    found = edges(pipeline)
    # code that may do anything stands between the two: then the way leads through it
    assert ("s0", "s2") in found or {("s0", "s1"), ("s1", "s2")} <= found
