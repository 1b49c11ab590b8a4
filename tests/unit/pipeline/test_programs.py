"""The law on random notebooks: the pipeline computes what the notebook computes, or says beforehand that it can't."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from oracle import compare
from programs import notebooks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the oracle forks")

EXAMPLES = max(150, settings.default.max_examples) if settings.default is not None else 150


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(notebooks())
def test_the_pipeline_computes_what_the_notebook_computes(cells: list[tuple[str, str]]) -> None:
    outcome = compare(cells)
    event(outcome.verdict)
    assume(outcome.verdict != "raises")
    page = "\n".join(f"# {tags}\n{source}" for tags, source in cells)
    assert outcome.verdict in ("equal", "refused"), f"{outcome}\n\n{page}"
