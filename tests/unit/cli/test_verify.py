"""``verify``: options to arguments, verdicts to text or JSON. The runs are not part of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from jupyter_mlops import api
from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.verify.model import Cause, Difference, StepVerdict, Undeclared, Unstable, Verification

STEPS = (
    StepVerdict("load", "load", True, "succeeded", 4),
    StepVerdict("train forest", "train-forest", False, "succeeded", 2),
    StepVerdict("evaluate", "evaluate", None, "skipped", 0),
)
EQUAL = Verification("churn", None, 2, 3.25, steps=STEPS[:1])
DIFFERENT = replace(
    EQUAL,
    steps=STEPS,
    differences=(
        Difference(
            "cell-3", "train-forest", "forest", "value", "[1.0]", None, Cause("random-state", "It draws.", "Seed it.")
        ),
        Difference(
            "cell-5", "evaluate", "stdout", "output", "line 1: a", "line 1: b", Cause("upstream", "It follows.", "See.")
        ),
    ),
    unstable=(Unstable("cell-2", "load", "started", "value", "1", "2"),),
    undeclared=(Undeclared("cell-3", 1, "train-forest", "read", "secret.txt"),),
)  # fmt: skip
FAILED = replace(
    EQUAL, runs=1, steps=(), failure=StepFailure("user", "ValueError", "no rows", cell="cell-2", line=1, traceback="tb")
)


@dataclass
class Laboratory:
    """Stands in for the real one."""

    verdict: Verification = EQUAL
    calls: list[dict[str, Any]] = field(default_factory=list)

    def verify(self, notebook: Notebook, parameters: Any = None, **options: Any) -> Verification:
        self.calls.append({"notebook": notebook, "parameters": parameters, **options})
        return replace(self.verdict, notebook=notebook.path)


@pytest.fixture
def laboratory(monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    stand_in = Laboratory()
    monkeypatch.setattr(api, "verify", stand_in.verify)
    return stand_in


def test_an_equal_notebook_is_said_to_be(write: Any, run: Any, laboratory: Laboratory) -> None:
    printed = run("verify", write(), "-p", "n_trees", "3", "--timeout", "9")
    assert printed.code == 0
    expected = "churn: equal. Compared 4 values and outputs of 1 step in 3.2 s, against 2 runs of the whole notebook.\n"
    assert printed.out == expected
    (call,) = laboratory.calls
    assert (call["parameters"], call["timeout"]) == ({"n_trees": 3}, 9.0)


def test_the_first_difference_is_shown_with_both_values_cause_and_cure(
    write: Any, run: Any, laboratory: Laboratory
) -> None:
    laboratory.verdict = DIFFERENT
    printed = run("verify", write())
    assert printed.code == 3
    lines = printed.out.splitlines()
    assert lines[0].startswith("churn: not equal, 2 differences.")
    start = lines.index("First difference: cell 4 (train forest), variable forest")
    assert lines[start + 1 : start + 5] == [
        "  whole notebook: [1.0]",
        "  pipeline:       (nothing)",
        "  likely cause: It draws.",
        "  hint: Seed it.",
    ]
    assert "  cell 6 (evaluate), output stdout: It follows." in lines
    assert "  cell 4 (train forest), line 1 reads the file secret.txt" in lines
    assert "  cell 3 (load), variable started" in lines


def test_a_notebook_that_fails_is_code_1_with_its_error(write: Any, run: Any, laboratory: Laboratory) -> None:
    laboratory.verdict = FAILED
    printed = run("verify", write())
    assert printed.code == 1
    assert "fails" in printed.out
    assert "cell 3 (load), line 1: ValueError: no rows" in printed.err


@pytest.mark.parametrize("verdict", [EQUAL, DIFFERENT, FAILED])
def test_json_is_what_the_schema_says(
    verdict: Verification, write: Any, run: Any, laboratory: Laboratory, root: Path
) -> None:
    laboratory.verdict = verdict
    printed = run("verify", write(), "--format", "json")
    found = json.loads(printed.out)
    jsonschema.validate(found, json.loads((root / "docs" / "schema" / "verify.schema.json").read_text("utf-8")))
    assert found["equal"] == (printed.code == 0)
    assert [item["cause"] for item in found["differences"]] == [item.cause.code for item in verdict.differences]


def test_an_invalid_notebook_is_refused(write: Any, run: Any, laboratory: Laboratory) -> None:
    printed = run("verify", write([("step:a", "x = (")]))
    assert printed.code == 3
    assert printed.out == ""
    assert laboratory.calls == []


def test_a_wrong_parameter_is_a_wrong_usage(write: Any, run: Any, laboratory: Laboratory) -> None:
    assert run("verify", write(), "-p", "n_tree", "3").code == 2
    assert laboratory.calls == []
