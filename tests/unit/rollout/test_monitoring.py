"""The files for Prometheus and Grafana name what the server exports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from jupyter_mlops.api.monitoring import write_monitoring
from jupyter_mlops.deploy.measures import Measures
from jupyter_mlops.deploy.serving.metrics import Metrics
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.deploy.watching.watcher import Watcher, WatchSettings
from jupyter_mlops.errors import UsageError

RULES, DASHBOARD = "jupyter-mlops-rules.yml", "jupyter-mlops-dashboard.json"


def exported() -> dict[str, set[str]]:
    """The labels of each name on the server's page."""
    metrics = Metrics()
    watcher = Watcher(WatchSettings(), lambda version: None)
    metrics.registry.register(Measures(lambda: watcher.live("churn", "churn", Traffic.whole(1), (1,))))
    found: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        ends = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        labels = {label for sample in family.samples for label in sample.labels}
        for end in ends:
            found[family.name + end] = labels
    return found


def expressions(folder: Path) -> list[str]:
    rules = yaml.safe_load((folder / RULES).read_text("utf-8"))
    board = json.loads((folder / DASHBOARD).read_text("utf-8"))
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    found += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    found += [item["query"]["query"] for item in board["templating"]["list"] if item["type"] == "query"]
    return found


def test_each_name_in_the_files_is_one_that_the_server_exports(tmp_path: Path) -> None:
    write_monitoring(tmp_path)
    known = exported()
    named = {
        name
        for text in expressions(tmp_path)
        for name in re.findall(r"\b(?:mlops|model|rest_server|batch|request)_[a-z_]+\b", text)
        if name not in {"model_name"}
    }
    assert named - set(known) == set()
    assert {"mlops_drift_psi", "mlops_live_accuracy", "model_infer_request_failure_total"} <= named


def test_what_is_watched_is_on_the_dashboard(tmp_path: Path) -> None:
    write_monitoring(tmp_path)
    text = " ".join(expressions(tmp_path))
    assert {name for name in exported() if name.startswith("mlops_")} - {"mlops_model_failure_ratio"} <= set(
        re.findall(r"mlops_[a-z_]+", text)
    )


def test_the_files_are_whole(tmp_path: Path) -> None:
    write_monitoring(tmp_path, seconds=0.25)
    rules = yaml.safe_load((tmp_path / RULES).read_text("utf-8"))["groups"][0]["rules"]
    assert all(set(rule) == {"alert", "expr", "for", "labels", "annotations"} for rule in rules)
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 7
    assert any(rule["expr"].endswith("> 0.25") for rule in rules)
    board = json.loads((tmp_path / DASHBOARD).read_text("utf-8"))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)
    drift = next(panel for panel in board["panels"] if panel["title"].startswith("Drift of inputs"))
    assert [step["value"] for step in drift["fieldConfig"]["defaults"]["thresholds"]["steps"]] == [None, 0.1, 0.2]


def test_files_that_were_changed_stay(tmp_path: Path) -> None:
    assert [status for _, status in write_monitoring(tmp_path)] == ["written", "written"]
    assert [status for _, status in write_monitoring(tmp_path)] == ["unchanged", "unchanged"]
    (tmp_path / RULES).write_text("groups: []\n", "utf-8")
    with pytest.raises(UsageError, match="differs"):
        write_monitoring(tmp_path)
    assert [status for _, status in write_monitoring(tmp_path, force=True)] == ["replaced", "unchanged"]
