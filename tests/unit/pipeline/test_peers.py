"""Mistakes that other tools make with notebooks such as these, each with the right answer."""

from __future__ import annotations

from typing import Any

import pytest
from building import Cells, make_notebook, raw_notebook

from jupyter_mlops.analysis.machine import Environment
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.slicer import slice_notebook
from jupyter_mlops.steps.notebook import step_notebook


def sliced(*sources: str, environment: Environment | None = None) -> Pipeline:
    """Each source a step: a, b, c …"""
    cells = [(f"step:{slug}", text) for slug, text in zip("abcdef", sources, strict=False)]
    return slice_notebook(make_notebook(cells), environment)


def edges(pipeline: Pipeline) -> set[str]:
    return {edge.source + edge.target for edge in pipeline.edges}


def errors(pipeline: Pipeline) -> list[str]:
    return [item.code for item in pipeline.diagnostics if item.severity == "error"]


# order and names


def test_a_name_that_nobody_defines_is_an_error() -> None:
    (problem,) = (item for item in sliced("x = 1", "y = x + misspelt").diagnostics if item.severity == "error")
    assert (problem.code, problem.cell, problem.line) == ("MLO012", "c1", 1)
    assert "'misspelt'" in problem.message


def test_order_comes_from_the_data() -> None:
    assert edges(sliced("rows = [1]", "other = [2]", "total = sum(rows)", "print(total, other)")) == {"ac", "cd", "bd"}


def test_order_without_data_is_seen_too() -> None:
    assert edges(sliced("open('a.csv', 'w').write('1')", "x = 1", "print(open('a.csv').read())")) == {"ac"}


# what is not plain Python


@pytest.mark.parametrize("source", ["!echo {rows}", "%timeit -n1 sum(rows)", "%%time\ntotal = sum(rows)", "!ls $rows"])
def test_magics_and_shell_commands_are_understood(source: str) -> None:
    pipeline = sliced("rows = [1]", source)
    assert not errors(pipeline)
    assert pipeline.step("b").inputs == ("rows",)


def test_an_import_of_everything_leaves_the_inputs_alone() -> None:
    known = Environment({"math": ("cos", "pi", "sin")})
    pipeline = sliced("angle = 2.0", "from math import *\nheight = sin(angle)", "print(height)", environment=known)
    assert pipeline.step("b").inputs == ("angle",)
    assert edges(pipeline) == {"ab", "bc"}


# dependencies that are easily missed


@pytest.mark.parametrize(
    ("first", "second", "needed"),
    [
        ("id = 7", "print(id)", "id"),
        ("input = [1]", "print(len(input))", "input"),
        ("point = (1, 2)\nmatch point:\n    case (left, right):\n        pass", "print(left + right)", "left right"),
        ("rate = 2", "async def fetch():\n    return rate\nvalue = await fetch()", "rate"),
        ("count = 0", "def bump():\n    global count\n    count += 1\nbump()", "count"),
        ("x = 4", "print(eval('x'))", "x"),
        ("k = 2", "double = lambda value: value * k\nprint(double(1))", "k"),
        ("k = 2", "class Box:\n    size = k\n    def grow(self):\n        return k + 1\nprint(Box().grow())", "k"),
        ("base = dict", "class Box(base):\n    pass", "base"),
    ],
    ids=["id", "input", "match", "async", "global", "eval", "lambda", "class", "base class"],
)
def test_a_dependency_that_is_easily_missed(first: str, second: str, needed: str) -> None:
    pipeline = sliced(first, second)
    assert set(pipeline.step("b").inputs) == set(needed.split())
    assert edges(pipeline) == {"ab"}


def test_a_conditional_definition_keeps_the_old_value() -> None:
    pipeline = sliced("x = 1", "if len('a') > 5:\n    x = 2", "print(x)")
    assert pipeline.step("b").inputs == ("x",)
    assert edges(pipeline) == {"ab", "bc"}


def test_a_submodule_brings_its_package() -> None:
    pipeline = sliced("import os.path", "print(os.getcwd())")
    assert not errors(pipeline)
    cells = step_notebook(pipeline, pipeline.step("b"), raw_notebook([("step:a", ""), ("step:b", "")]))["cells"]
    assert any("import os.path" in cell["source"] for cell in cells)


def test_a_global_that_a_function_changes_reaches_the_next_step() -> None:
    pipeline = sliced("count = 0\ndef bump():\n    global count\n    count += 1", "bump()", "print(count)")
    assert edges(pipeline) >= {"ab", "bc"}
    assert pipeline.step("b").outputs == ("count",)


# who makes what


def test_who_mentions_or_deletes_a_name_does_not_make_it() -> None:
    pipeline = sliced("x = 1\ny = 2", "x\ndel y", "print(x)")
    assert pipeline.step("b").outputs == ()
    assert edges(pipeline) == {"ab", "ac"}


def test_neither_of_two_changes_is_lost() -> None:
    pipeline = sliced("scores = {}", "scores['forest'] = 1", "scores['linear'] = 2", "print(scores)")
    assert edges(pipeline) == {"ab", "bc", "cd"}
    assert pipeline.step("c").mutates == ("scores",)


# parameters


def test_parameters_of_all_kinds() -> None:
    source = "shift = -1\nsizes = [1, -2]\ndepth: int = 3\nrates: list = [0.1]\nnone = None"
    parameters = slice_notebook(make_notebook([("parameters", source), ("step:a", "print(shift)")])).parameters
    assert {item.name: item.default for item in parameters} == {
        "shift": -1,
        "sizes": [1, -2],
        "depth": 3,
        "rates": [0.1],
        "none": None,
    }


def test_a_reassigned_parameter_arrives_changed() -> None:
    cells: Cells = [("parameters", "rate = 0.1"), ("step:a", "rate = rate * 2"), ("step:b", "print(rate)")]
    pipeline = slice_notebook(make_notebook(cells))
    assert pipeline.step("a").outputs == ("rate",)
    assert pipeline.step("b").inputs == ("rate",)


# settings and names


def kale_step(*tags: str) -> Step:
    (step,) = slice_notebook(make_notebook([(" ".join(["step:train", *tags]), "x = 1")])).steps
    return step


def test_limits_are_kept() -> None:
    settings = kale_step("limit:cpu:500m", "limit:memory:4Gi").settings
    assert (settings.cpu, settings.memory) == ("500m", "4Gi")


def test_a_colon_in_an_annotation_is_kept() -> None:
    assert kale_step("annotation:url:http://host:80/").settings.annotations == {"url": "http://host:80/"}


@pytest.mark.parametrize("name", ["My-Step", "train model", "Größe", "2nd try"])
def test_step_names_are_free_text(name: str) -> None:
    raw: dict[str, Any] = raw_notebook([("", "x = 1")])
    raw["cells"][0]["metadata"]["tags"] = [f"step:{name}"]
    pipeline = slice_notebook(parse_notebook(raw))
    assert not errors(pipeline)
    assert [step.name for step in pipeline.steps] == [name]


def test_files_are_seen() -> None:
    pipeline = sliced("open('model.txt', 'w').write('1')", "print(open('model.txt').read())")
    assert "file:model.txt" in pipeline.step("a").hidden
    assert edges(pipeline) == {"ab"}


def test_a_type_is_not_guessed_from_a_name() -> None:
    pipeline = sliced("model = 3\ndataset = compile('1', 'x', 'eval')", "print(model, dataset)")
    types = {name: item.type for item in pipeline.artifacts for name in item.names}
    assert types.get("model") in (None, "int")
    assert types.get("dataset") is None or "code" in str(types["dataset"])


def test_a_notebook_without_tags_is_one_step() -> None:
    pipeline = slice_notebook(make_notebook([("", "x = 1"), ("", "print(x)")]))
    assert len(pipeline.steps) == 1
    assert not pipeline.diagnostics
