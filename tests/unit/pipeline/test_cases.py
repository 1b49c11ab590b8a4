"""The slicer's answers, case by case: nothing missing, and nothing more than needed where that is said."""

from __future__ import annotations

import os

import pytest
from building import make_notebook
from casebook import Case
from cases import CASES
from oracle import compare

from jupyter_mlops.diagnostics import CODES, has_errors
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.pipeline.slicer import slice_notebook

every_case = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])


def slice_case(case: Case) -> Pipeline:
    return slice_notebook(make_notebook(case.cells))


def expected_edges(case: Case) -> set[tuple[str, str]]:
    pairs = [text.split(">") if ">" in text else list(text) for text in case.edges.split()]
    return {(source, target) for source, target in pairs}


def missing_and_extra(case: Case, pipeline: Pipeline) -> tuple[list[str], list[str]]:
    """What the answer lacks, and what it has beyond the expected one."""
    missing, extra = [], []
    for slug, part in case.steps.items():
        step = pipeline.step(slug)
        for field, wanted in (("inputs", part.takes), ("outputs", part.gives), ("mutates", part.changes)):
            found = set(getattr(step, field))
            missing += [f"{slug} {field} {name}" for name in sorted(set(wanted.split()) - found)]
            extra += [f"{slug} {field} {name}" for name in sorted(found - set(wanted.split()))]
        missing += [f"{slug} hidden {name}" for name in sorted(set(part.hidden.split()) - set(step.hidden))]
    edges = {(edge.source, edge.target) for edge in pipeline.edges}
    missing += [f"edge {source} > {target}" for source, target in sorted(expected_edges(case) - edges)]
    extra += [f"edge {source} > {target}" for source, target in sorted(edges - expected_edges(case))]
    return missing, extra


@every_case
def test_nothing_is_missing(case: Case) -> None:
    pipeline = slice_case(case)
    if case.told in CODES:
        assert case.told in {item.code for item in pipeline.diagnostics}
        if has_errors(pipeline.diagnostics):
            return
    missing, _ = missing_and_extra(case, pipeline)
    assert not missing
    errors = [item for item in pipeline.diagnostics if item.severity == "error"]
    assert case.refused or not errors


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.exact])
def test_nothing_is_more_than_needed(case: Case) -> None:
    pipeline = slice_case(case)
    if has_errors(pipeline.diagnostics):
        assert case.told
        return
    _, extra = missing_and_extra(case, pipeline)
    assert not extra


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the oracle forks")
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.runs])
def test_the_pipeline_equals_the_notebook(case: Case) -> None:
    outcome = compare(case.cells, case.files, identity=True)
    assert outcome.verdict in (("told", "refused") if case.refused else ("equal",)), str(outcome)
