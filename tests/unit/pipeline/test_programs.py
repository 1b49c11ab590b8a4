"""The law on random notebooks: the pipeline computes what the notebook computes, or says beforehand that it can't."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from minimal import minimal
from oracle import Outcome, compare
from programs import notebooks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the oracle forks")

FEWEST = 150
FINE = ("equal", "refused", "raises")


def is_same_failure(one: Outcome, other: Outcome) -> bool:
    """Tell whether two notebooks fail in the same way, as far as can be told."""
    kinds = [("Error" in str(item), [told.code for told in item.diagnostics[:1]]) for item in (one, other)]
    return one.verdict == other.verdict and kinds[0] == kinds[1]


@settings(
    max_examples=max(FEWEST, settings().max_examples),
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking draws takes minutes; leaving out lines does not
)
@given(notebooks())
def test_the_pipeline_computes_what_the_notebook_computes(cells: list[tuple[str, str]]) -> None:
    outcome = compare(cells)
    event(outcome.verdict)
    assume(outcome.verdict != "raises")
    if outcome.verdict not in FINE:
        small = minimal(cells, lambda smaller: is_same_failure(compare(smaller), outcome))
        page = "\n".join(f"# {tags}\n{source}" for tags, source in small)
        pytest.fail(f"{compare(small)}\n\n{page}")
