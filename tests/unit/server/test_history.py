"""Runs, artifacts and models on record, as the panel asks for them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import ROOT, Client, Server

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import ensure_home
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord

sys.path.append(str(ROOT / "tests" / "unit" / "tracking"))

from histories import History, value

PROJECT = "history"


class Project:
    """A project with two runs: the second reuses the first step, fails in the other, and has odd numbers."""

    def __init__(self, root: Path) -> None:
        self.folder = root / PROJECT
        self.folder.mkdir(exist_ok=True)
        (self.folder / "pyproject.toml").touch()
        home = ensure_home(self.folder / ".mlops")
        figure = self._figure(home.objects)
        frame, model = (
            value("load", "frame", 1, preview="3 rows"),
            value("train", "model", 2, type="sklearn.ensemble.RandomForestClassifier"),
        )
        with Database(home.database) as database:
            history = History(database)
            documents = {"git-diff": "+x = 1"}
            self.first = history.start(parameters={"n": 1}, notebook=str(self.folder / "a.ipynb"))
            database.record_document(self.first, "git-diff", documents["git-diff"])
            history.step(self.first, "load", makes=[frame], key="k1")
            history.step(self.first, "train", takes=[frame], makes=[model, figure], metrics={"loss": 0.5})
            database.finish_run(self.first, "succeeded")
            self.second = history.start(parameters={"n": 2}, notebook=str(self.folder / "a.ipynb"))
            database.record_document(self.second, "git-diff", "")
            history.step(self.second, "load", "reused", makes=[frame], key="k1", reused=self.first)
            history.step(self.second, "train", "failed", takes=[frame], metrics={"loss": float("nan")})
            database.finish_run(self.second, "failed")

    @staticmethod
    def _figure(objects: Path) -> ArtifactRecord:
        content = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
        digest = ObjectStore(objects).put_bytes(content)
        return ArtifactRecord(
            "train.figure:c-train:1", "figure", ("figure of cell 2",), digest, len(content), "image/svg+xml"
        )


@pytest.fixture(scope="module")
def project(server: Server) -> Iterator[Project]:
    yield Project(server.root)


def test_a_page_of_runs_says_all_that_a_table_shows(client: Client, project: Project) -> None:
    page = client.get("runs", path=PROJECT, limit=1)
    assert (page["total"], page["more"], [run["run_id"] for run in page["runs"]]) == (2, True, [project.second])
    assert page["runs"][0]["metrics"] == {"loss": "NaN"}
    assert page["columns"]["metrics"] == ["loss"] and page["columns"]["params"] == ["n"]
    assert page["marks"][project.second]["dirty"] is False
    whole = client.get("runs", path=PROJECT, notebook=f"{PROJECT}/a.ipynb", sort=["started"])
    assert [run["run_id"] for run in whole["runs"]] == [project.first, project.second]
    assert whole["marks"][project.first]["dirty"] is True
    found = client.get("runs", path=PROJECT, filter="params.n = 1")
    assert (found["total"], found["runs"][0]["run_id"]) == (1, project.first)
    assert client.get("runs", path=PROJECT, run=[project.first])["total"] == 1


@pytest.mark.parametrize("query", [{"filter": "foo ="}, {"limit": "0"}, {"limit": "x"}, {"page": "-1"}, {"sort": "?"}])
def test_questions_that_make_no_sense_are_refused(client: Client, project: Project, query: dict[str, str]) -> None:
    status, problem = client.refused("GET", "runs", None, path=PROJECT, **query)
    assert status == 400 and problem["message"]


def test_a_run_is_shown_tagged_and_noted(client: Client, project: Project) -> None:
    found = client.get(f"runs/{project.first}", path=PROJECT)
    assert [step["status"] for step in found["steps"]] == ["succeeded", "succeeded"]
    where = f"runs/{project.first}"
    changed = client.send("PATCH", where, {"tags": {"a": "<b>"}, "note": "good"}, path=PROJECT)
    assert (changed["tags"], changed["note"]) == ({"a": "<b>"}, "good")
    changed = client.send("PATCH", where, {"tags": {"a": None}}, path=PROJECT)
    assert (changed["tags"], changed["note"]) == ({}, "good")
    assert client.send("PATCH", where, {"note": None}, path=PROJECT)["note"] is None
    status, problem = client.refused("PATCH", where, {"tags": {"nope": None}}, path=PROJECT)
    assert status == 404 and "nope" in problem["message"]


def test_the_notebook_and_the_report_of_a_run(client: Client, project: Project) -> None:
    found = client.get(f"runs/{project.first}/notebook", path=PROJECT)
    assert found["name"].endswith(".ipynb") and len(found["content"]["cells"]) == 2
    answer = client.ask("GET", f"runs/{project.first}/report", path=PROJECT)
    assert answer.body.startswith("<!DOCTYPE html>") and answer.headers["Content-Type"].startswith("text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy and "allow-scripts" not in policy and "default-src 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(f"runs/{project.first}/steps/train/log", path=PROJECT)["text"] == ""


def test_figures_are_sent_so_that_nothing_runs(client: Client, project: Project) -> None:
    (figure,) = client.get(f"runs/{project.first}/figures", path=PROJECT)["figures"]
    assert (figure["step"], figure["cell"], figure["number"]) == ("train", "c-train", 1)
    answer = client.ask("GET", f"runs/{project.first}/figures/{figure['digest']}", path=PROJECT)
    assert answer.headers["Content-Type"] == "image/svg+xml" and "<svg" in answer.body
    assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    assert client.refused("GET", f"runs/{project.first}/figures/{'0' * 64}", None, path=PROJECT)[0] == 404


def test_runs_are_compared(client: Client, project: Project) -> None:
    found = client.get("compare", path=PROJECT, run=[project.first, project.second])
    assert found["comparison"]["baseline"] == project.first and found["comparison"]["differs"]
    assert [row["name"] for row in found["comparison"]["parameters"]] == ["n"]
    assert len(found["figures"][project.first]) == 1
    assert client.refused("GET", "compare", None, path=PROJECT, run=[project.first])[0] == 400
    assert client.refused("GET", "compare", None, path=PROJECT)[1]["where"]["field"] == "run"


def test_lineage_leads_from_a_model_to_the_run(client: Client, project: Project) -> None:
    found = client.get("lineage", path=PROJECT, what=f"{project.first}:model", direction="up")
    assert {node["kind"] for node in found["nodes"]} >= {"artifact", "step"}
    assert client.refused("GET", "lineage", None, path=PROJECT, what="nothing-of-the-kind")[0] in (400, 404)
    assert client.refused("GET", "lineage", None, path=PROJECT, what="latest", direction="left")[0] == 400


def test_an_artifact_tells_what_made_and_used_it(client: Client, project: Project) -> None:
    (frame,) = client.get("artifacts", path=PROJECT, run=project.first, name="frame")["artifacts"]
    assert (frame["direction"], frame["preview"], frame["loadable"]) == ("out", "3 rows", True)
    assert [cell["id"] for cell in frame["producer"]["cells"]] in ([], ["c-load"])
    assert {(item["run_id"], item["step"]) for item in frame["consumers"]} == {
        (project.first, "train"),
        (project.second, "train"),
    }
    assert client.get("artifacts", path=PROJECT, digest=frame["digest"][:12])["artifacts"][0]["id"] == "load.frame"
    kinds = {item["kind"] for item in client.get("artifacts", path=PROJECT, run=project.first)["artifacts"]}
    assert kinds == {"value", "figure"}
    assert client.refused("GET", "artifacts", None, path=PROJECT)[0] == 400


def test_code_is_not_given_for_content_that_is_gone(client: Client, project: Project) -> None:
    body = {"run": project.first, "name": "model", "path": PROJECT}
    status, problem = client.refused("POST", "load-code", body)
    assert (status, problem["code"]) == (503, "infrastructure") and "missing" in problem["message"]
    assert client.refused("POST", "load-code", {"run": project.first, "path": PROJECT})[0] == 400


def test_a_model_is_registered_named_and_removed(client: Client, project: Project) -> None:
    wish = {"path": PROJECT, "source": f"{project.first}:model", "name": "churn", "aliases": ["champion"]}
    assert client.ask("POST", "models", wish).status == 201
    assert client.ask("POST", "models", wish).status == 200
    assert [item["name"] for item in client.get("models", path=PROJECT)["models"]] == ["churn"]
    assert client.get("models/churn", path=PROJECT)["shown"]["version"] == 1
    page = client.get("runs", path=PROJECT, limit=1)
    assert [run["run_id"] for run in page["pinned"]] == [project.first]
    assert page["marks"][project.first]["production"] is True
    lineage = client.get("lineage", path=PROJECT, what="model:churn@champion", direction="up")
    assert lineage["asked"] == "model:churn@champion"
    client.send("PUT", "models/churn/aliases/test", {"version": "champion"}, path=PROJECT)
    client.send("PATCH", "models/churn", {"description": "Who leaves?"}, path=PROJECT)
    assert client.get("models/churn", path=PROJECT, version="test")["model"]["description"] == "Who leaves?"
    client.send("DELETE", "models/churn/aliases/test", path=PROJECT)
    assert client.refused("DELETE", f"runs/{project.first}", None, path=PROJECT)[0] == 400
    assert client.refused("DELETE", "models/churn/1", None, path=PROJECT)[0] == 400
    assert client.send("DELETE", "models/churn/1", path=PROJECT, force="true")["versions"] == [1]
    assert client.send("DELETE", "models/churn", path=PROJECT)["whole"] is True
    for method, path in (("GET", "models/churn"), ("DELETE", "models/churn/7"), ("DELETE", "models/churn/aliases/x")):
        assert client.refused(method, path, None, path=PROJECT)[0] == 404, path


def test_a_run_that_has_ended_is_removed_and_not_stopped(client: Client, project: Project) -> None:
    status, problem = client.refused("POST", f"runs/{project.second}/stop", {}, path=PROJECT)
    assert status == 400 and "not going on" in problem["message"]
    removed = client.send("DELETE", f"runs/{project.second}", path=PROJECT)
    assert removed["runs"] == [project.second]
    assert client.refused("GET", f"runs/{project.second}", None, path=PROJECT)[0] == 404


def test_what_is_stored_is_json_that_browsers_read(client: Client, project: Project) -> None:
    text: Any = client.get("runs", path=PROJECT)
    json.loads(json.dumps(text, allow_nan=False))
