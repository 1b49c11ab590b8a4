from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np

from jupyter_mlops.runtime.metrics import collect_metrics


def test_finite_numbers_are_metrics():
    namespace = {
        "a": 1,
        "b": 0.5,
        "c": np.float32(0.25),
        "d": np.int64(7),
        "e": np.array(2.0),
        "f": Decimal("1.5"),
        "g": Fraction(1, 4),
        "unasked": 3,
    }
    metrics, notes = collect_metrics([*"abcdefg", "never_bound"], namespace)
    assert metrics == {"a": 1, "b": 0.5, "c": 0.25, "d": 7, "e": 2.0, "f": 1.5, "g": 0.25}
    assert {type(value) for value in metrics.values()} == {int, float}
    assert notes == []


def test_what_is_not_finite_is_noted():
    metrics, notes = collect_metrics(["x", "y", "z"], {"x": float("nan"), "y": np.inf, "z": 10**400})
    assert metrics == {}
    assert notes == [
        f"{name} is {value}, which is no metric" for name, value in [("x", "nan"), ("y", "inf"), ("z", "inf")]
    ]


def test_names_that_cannot_be_kept_are_noted():
    report = {"q'<script>": 1, "a\nb": 2, "x" * 300: 3, "ok": {"": 4}}
    metrics, notes = collect_metrics(["report"], {"report": report})
    assert metrics == {"report.q'<script>": 1, "report.ok.": 4}
    assert [note.partition(":")[0] for note in notes] == ["in report", "in report"]
    assert "control character" in notes[0] and "250 characters" in notes[1]


def test_dictionaries_flatten():
    report = {
        "0": {"precision": 1.0, "support": np.int64(3)},
        "macro avg": {"f1": 0.5},
        1: 2.0,
        "name": "x",
        "ok": True,
    }
    report["again"] = report
    metrics, _ = collect_metrics(["report"], {"report": report})
    assert metrics == {
        "report.0.precision": 1.0,
        "report.0.support": 3,
        "report.macro avg.f1": 0.5,
        "report.1": 2.0,
    }


def test_other_values_are_no_metrics():
    values = [True, np.bool_(True), "0.5", [1], np.arange(3), None, 1j, np.datetime64("2020"), object()]
    namespace = {f"v{i}": value for i, value in enumerate(values)}
    assert collect_metrics(namespace, namespace) == ({}, [])
