from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.notebook.model import DeclaredName, StepSettings
from jupyter_mlops.notebook.tags import Tagging, read_tags

FOREIGN = [
    "hide-input", "hide_input", "hide-output", "hide-cell", "remove-cell", "remove-input", "remove_output",
    "raises-exception", "slideshow", "nbsphinx-thumbnail", "nbval-skip", "skip-execution", "output_scroll",
    "full-width", "margin", "popout", "thebe-init", "interactive", "solution", "exercise", "nbgrader:grade",
    "slideshow:slide", "id:12", "in-progress", "out-of-date", "step-1", "after-class", "prep:data", "stop:here",
    "important", "outline", "todo", "wip", "parametrize", "functional", "ship", "skin", "setup-guide", "exports",
    "dataset", "training", "model", "", ":", "step 1", "url:http://a.b", "papermill", "default parameters",
]  # fmt: skip


def codes(tagging: Tagging) -> list[str]:
    return [found.code for found in tagging.diagnostics]


def test_a_cell_without_tags_belongs_to_a_step() -> None:
    assert read_tags([]) == Tagging(role="step")


@pytest.mark.parametrize("role", ["parameters", "imports", "functions", "setup", "skip"])
def test_a_role(role: str) -> None:
    assert read_tags([role]) == Tagging(role=role)  # type: ignore[arg-type]
    assert read_tags([f"  {role} "]).role == role


def test_a_step_with_everything() -> None:
    tagging = read_tags(
        [
            "step:Train model",
            "after:Load data",
            "after: Clean",
            "in:df",
            "out:model:sklearn.base.BaseEstimator",
            "metrics",
        ],
        cell="c1",
    )
    assert tagging == Tagging(
        step="Train model",
        after=("Load data", "Clean"),
        inputs=(DeclaredName("df"),),
        outputs=(DeclaredName("model", "sklearn.base.BaseEstimator"),),
        metrics=True,
    )


def test_white_space_around_names_and_colons_does_not_matter() -> None:
    tagging = read_tags([" step : Train  model ", "in: df ", "out: y : pandas.Series "])
    assert tagging.step == "Train  model"
    assert tagging.inputs == (DeclaredName("df"),)
    assert tagging.outputs == (DeclaredName("y", "pandas.Series"),)
    assert not tagging.diagnostics


@pytest.mark.parametrize("name", ["a:b", "Größe", "训练", "100 %", "step:x", "it's", "a/b"])
def test_a_step_name_is_free_text(name: str) -> None:
    tagging = read_tags([f"step:{name}"])
    assert tagging.step == name
    assert not tagging.diagnostics


def test_equal_tags_count_once() -> None:
    tagging = read_tags(["step:a", "step:a", "after:b", "after: b", "in:x", "in: x"])
    assert tagging == Tagging(step="a", after=("b",), inputs=(DeclaredName("x"),))


@pytest.mark.parametrize("of_type", ["int", "pandas.DataFrame", "list[int]", "dict[str, float]", "Model"])
def test_a_type_is_written_as_in_code(of_type: str) -> None:
    assert read_tags([f"out:x:{of_type}"]).outputs == (DeclaredName("x", of_type),)


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("setp:train", "step:train"),
        ("stpe:train", "step:train"),
        ("steps:train", "step:train"),
        ("Step:train", "step:train"),
        ("STEP: train", "step:train"),
        ("step=train", "step:train"),
        ("step\uff1atrain", "step:train"),
        ("step;train", "step:train"),
        ("setp:", "step:NAME"),
        ("afer:load", "after:load"),
        ("input:df", "in:df"),
        ("outputs:df", "out:df"),
        ("otu:df", "out:df"),
        ("OUT:df", "out:df"),
        ("blok:a", "block:a"),
        ("perv:a", "prev:a"),
        ("imgae:python:3.11", "image:python:3.11"),
        ("anotation:a:b", "annotation:a:b"),
        ("paramaters", "parameters"),
        ("parameter", "parameters"),
        ("Parameters", "parameters"),
        ("params", "parameters"),
        ("paramter", "parameters"),
        ("import", "imports"),
        ("improts", "imports"),
        ("metric", "metrics"),
        ("function", "functions"),
        ("fucntions", "functions"),
        ("set-up", "setup"),
        ("setpu", "setup"),
        ("skpi", "skip"),
        ("skips", "skip"),
        ("pipeline-parameter", "pipeline-parameters"),
        ("pipeline_metrics", "pipeline-metrics"),
    ],
)
def test_a_misspelt_tag_is_an_error_with_the_one_meant(tag: str, meant: str) -> None:
    tagging = read_tags([tag], cell="c1")
    (found,) = tagging.diagnostics
    assert (found.code, found.severity, found.cell) == ("MLO002", "error", "c1")
    assert f"`{tag}`" in found.message
    assert found.hint == f"Did you mean `{meant}`?"
    assert tagging.role == "step" and tagging.step is None


@pytest.mark.parametrize("tag", FOREIGN)
def test_tags_of_other_tools_are_left_alone(tag: str) -> None:
    assert read_tags([tag]) == Tagging()


def test_the_cell_that_papermill_injected_is_a_parameters_cell() -> None:
    assert read_tags(["injected-parameters"]) == Tagging(role="parameters")


@pytest.mark.parametrize(
    "tag",
    [
        "step:", "step: ", "step", "after:", "in:", "out:", "in:1x", "in:a b", "in:a,b", "in:a.b", "in:for", "in:a:int",
        "out:x:", "out:x:not a type", "out:a-b", "out::int", "parameters:x", "skip:", "metrics:acc", "step:a\nb",
        "step:a\0", "after:\ud800",
    ],
)  # fmt: skip
def test_a_malformed_value_is_an_error_with_a_hint(tag: str) -> None:
    tagging = read_tags([tag], cell="c1")
    assert (tagging.step, tagging.after, tagging.inputs, tagging.outputs) == (None, (), (), ())
    (found,) = tagging.diagnostics
    assert (found.code, found.cell) == ("MLO008", "c1")
    assert found.hint
    found.message.encode()
    assert "\n" not in found.message


@pytest.mark.parametrize(
    "tags",
    [
        ["skip", "step:train"],
        ["imports", "step:train"],
        ["step:train", "step:test"],
        ["block:train", "step:test"],
        ["imports", "functions"],
        ["skip", "parameters"],
        ["parameters", "metrics"],
        ["setup", "out:x"],
        ["functions", "after:a"],
        ["skip", "in:x"],
        ["out:x:int", "out:x:float"],
    ],
)
def test_tags_that_contradict_each_other(tags: list[str]) -> None:
    tagging = read_tags(tags, cell="c1")
    (found,) = tagging.diagnostics
    assert (found.code, found.severity, found.cell) == ("MLO007", "error", "c1")
    assert all(f"`{tag}`" in found.message for tag in tags)


def test_two_names_with_one_slug_are_one_step() -> None:
    assert read_tags(["block:train", "step:Train"]) == Tagging(step="train")


def test_every_contradiction_is_told() -> None:
    assert codes(read_tags(["skip", "step:a", "in:x", "imports"])) == ["MLO007"] * 3


def test_skip_wins_where_tags_contradict() -> None:
    assert read_tags(["imports", "skip"]).role == "skip"


def test_text_cells_have_the_role_text() -> None:
    assert read_tags([], kind="markdown") == Tagging(role="text")
    assert read_tags(["hide-cell", "setp:x"], kind="raw") == Tagging(role="text")
    assert read_tags(["skip"], kind="markdown") == Tagging(role="skip")


@pytest.mark.parametrize("tag", ["step:train", "imports", "metrics", "in:x"])
def test_a_tag_of_ours_on_a_text_cell_is_a_warning(tag: str) -> None:
    tagging = read_tags([tag], kind="markdown", cell="c1")
    (found,) = tagging.diagnostics
    assert (found.code, found.severity, found.cell) == ("MLO061", "warning", "c1")
    assert tagging.role == "text" and tagging.step is None


def test_identifiers_are_normalised_as_python_does() -> None:
    assert read_tags(["in:\ufb01le"]).inputs == (DeclaredName("file"),)


@given(st.lists(st.text(max_size=30)), st.sampled_from(["code", "markdown", "raw"]))
def test_any_tags_can_be_read(tags: list[str], kind: str) -> None:
    tagging = read_tags(tags, kind=kind, cell="c1")  # type: ignore[arg-type]
    assert isinstance(tagging.settings, StepSettings)
    assert all(found.message.isprintable() for found in tagging.diagnostics)


@given(
    st.sampled_from(["step", "after", "in", "out", "block", "prev", "image", "limit", "label", "secret", "cache"]),
    st.text(max_size=20),
)
def test_any_value_can_be_read(prefix: str, value: str) -> None:
    for found in read_tags([f"{prefix}:{value}"], cell="c1").diagnostics:
        assert found.code in ("MLO007", "MLO008", "MLO060")
        assert found.message.isprintable()
