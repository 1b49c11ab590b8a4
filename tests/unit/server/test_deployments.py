"""Deployments, as the façade has them, in the forms of the description."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from serving import validator

from jupyter_mlops.server import deployments as forms
from jupyter_mlops.server.problems import RequestProblem


class _Traffic:
    def to_json(self) -> list[dict[str, Any]]:
        return [{"version": 2, "weight": 90, "role": "stable"}, {"version": 3, "weight": 10, "role": "canary"}]


def test_a_deployment_names_the_runs_of_its_versions() -> None:
    found = SimpleNamespace(
        name="churn", model="churn", state="running", target="local", endpoint="http://127.0.0.1:1", problem=None,
        traffic=_Traffic(), created=1_700_000_000_000, changed=1_700_000_000_001,
    )  # fmt: skip
    plain = forms.deployment_json(found, {2: "run-2"}, ("a note",))
    validator("Deployment").validate(plain)
    assert [(item["version"], item["weight"], item["run_id"]) for item in plain["models"]] == [
        (2, 90, "run-2"),
        (3, 10, None),
    ]
    assert plain["created"] == "2023-11-14T22:13:20.000Z"


def test_numbers_of_a_deployment() -> None:
    validator("LiveNumbers").validate(forms.live_json(None))
    feature = {"name": "age", "psi": 0.3, "level": "alert", "missing": 0.0}
    drift = {"level": "alert", "rows": 500, "needed": 500, "waiting": 3, "reason": None, "features": [feature]}
    version = {
        "version": 2, "role": "stable", "weight": 100, "ready": True, "requests": 7, "rate": 0.5, "failures": 0.0,
        "p50": 1.5, "p95": 2.5, "p99": None, "drift": drift, "errors": {},
    }  # fmt: skip
    live = SimpleNamespace(measured=1_700_000_000_000, seconds=300.0, to_json=lambda: {"versions": [version]})
    plain = forms.live_json(live)
    validator("LiveNumbers").validate(plain)
    assert plain["versions"][0]["drift"]["features"] == [{"name": "age", "score": 0.3, "level": "alert"}]


def test_a_prediction() -> None:
    answer = SimpleNamespace(outputs={"predict": [1]}, seconds=0.01, version=2)
    validator("Prediction").validate(forms.prediction_json(answer, "churn"))


def test_a_version_on_trial_is_a_canary_and_all_the_requests_are_none() -> None:
    assert forms.request_of({"model": "churn", "weight": 10}).canary == 10
    for whole in ({}, {"weight": 100}, {"weight": None}):
        assert forms.request_of({"model": "churn", **whole}).canary is None


def test_without_the_extra_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert forms.availability() == {"available": True, "reason": None}
    monkeypatch.setattr(forms, "find_spec", lambda name: None if name == "uvicorn" else object())
    found = forms.availability()
    assert not found["available"] and "jupyter-mlops[deploy]" in found["reason"]
    with pytest.raises(RequestProblem, match="extra deploy"):
        forms.talks()
