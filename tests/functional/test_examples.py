"""The examples: clean files, and the same values as a pipeline as in one go."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops import api

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.ipynb"))
WRITES = {"breast_cancer": set(), "diabetes": {"diabetes_predictions.csv"}, "digits": set(), "iris": set()}
STEPS = {
    "breast_cancer": ["load-data", "split", "train-forest", "train-logistic", "evaluate"],
    "diabetes": [
        "load",
        "explore",
        "engineer-features",
        "split",
        "fit-plain",
        "fit-engineered",
        "predict",
        "report",
    ],
    "digits": ["load", "split", "reduce", "train", "evaluate", "metrics"],
    "iris": ["load", "split", "train", "metrics"],
}
BRANCHES = {"breast_cancer": ("train-forest", "train-logistic"), "diabetes": ("fit-plain", "fit-engineered")}


@pytest.fixture
def copy_of(root, tmp_path):
    """Return a function that copies an example alone into a folder of its own."""

    def copy(name: str, folder: str) -> Path:
        target = tmp_path / folder / f"{name}.ipynb"
        target.parent.mkdir(parents=True)
        shutil.copyfile(root / "examples" / target.name, target)
        return target

    return copy


def test_there_are_four_examples():
    assert EXAMPLES == sorted(STEPS) == sorted(WRITES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_file_is_clean(root, name):
    notebook = nbformat.read(root / "examples" / f"{name}.ipynb", as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.cells[0].cell_type == "markdown" and notebook.cells[0].source.startswith("# ")
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cell.id)
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


@pytest.mark.parametrize("name", EXAMPLES)
def test_becomes_the_expected_steps_without_a_complaint(root, name):
    pipeline = api.pipeline(root / "examples" / f"{name}.ipynb")
    assert [step.slug for step in pipeline.steps] == STEPS[name]
    assert [item for item in pipeline.diagnostics if item.severity != "info"] == []


@pytest.mark.parametrize("name", sorted(BRANCHES))
def test_models_are_trained_in_parallel_branches(root, name):
    pipeline = api.pipeline(root / "examples" / f"{name}.ipynb")
    first, second = BRANCHES[name]
    assert first not in _ancestors(pipeline, second)
    assert second not in _ancestors(pipeline, first)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.timeout(300)
def test_pipeline_gives_what_the_notebook_gives(name, copy_of, run_whole, outputs_of, tmp_path):
    whole = run_whole(copy_of(name, "whole"))
    notebook = copy_of(name, "pipeline")
    before = _contents(notebook.parent)

    result = api.run(notebook, output=tmp_path / "executed.ipynb")

    assert result.status == "succeeded"
    assert whole.metrics and dict(result.metrics) == dict(whole.metrics)
    assert result.output_notebook == tmp_path / "executed.ipynb"
    executed = nbformat.read(result.output_notebook, as_version=4)
    nbformat.validate(executed)
    assert outputs_of(executed) == whole.outputs

    after = _contents(notebook.parent)
    assert {path for path in after if not path.startswith(".mlops/")} == set(before) | WRITES[name]
    assert {path: after[path] for path in before} == before
    for written in WRITES[name]:
        assert (notebook.parent / written).read_bytes() == (tmp_path / "whole" / written).read_bytes()


@pytest.mark.timeout(300)
def test_parameters_of_each_type_reach_the_steps(copy_of, tmp_path):
    notebook = copy_of("digits", "pipeline")
    parameters = {
        "digits": [4, 9],
        "test_size": 0.25,
        "train_limit": 150,
        "n_components": 12,
        "whiten": True,
        "kernel": "linear",
    }
    result = api.run(notebook, parameters, output=tmp_path / "executed.ipynb")
    assert result.status == "succeeded"
    executed = {cell.id: cell for cell in nbformat.read(result.output_notebook, as_version=4).cells}
    assert "of 2 digits" in executed["load-digits"].outputs[0].text
    assert executed["split-digits"].outputs[0].text.startswith("150 digits to learn from")
    assert executed["reduce"].outputs[0].text.startswith("12 of 64 components")
    assert 0.9 < result.metrics["accuracy"] <= 1


def _ancestors(pipeline, slug: str) -> set[str]:
    direct = set(pipeline.upstream(slug))
    return direct.union(*(_ancestors(pipeline, above) for above in direct))


def _contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
