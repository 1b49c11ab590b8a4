"""What a run leaves on record besides its results: logged values, figures, estimators, surroundings."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import api
from jupyter_mlops.engine.abandoned import REASON, settle_abandoned
from jupyter_mlops.engine.result import RunResult
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, ensure_home
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import NewRun, RunRecord

CELLS = {
    "i": ("import jupyter_mlops as mlops\nimport os\nfrom sklearn.linear_model import LogisticRegression", ["imports"]),
    "p": ("n = 20\nrate: float = 0.5", ["parameters"]),
    "a": ("rows = [[i, -i] for i in range(n)]\nlabels = [i % 2 for i in range(n)]", ["step:load"]),
    "b": (
        "model = LogisticRegression(C=rate).fit(rows, labels)\n"
        "for epoch in range(3):\n    mlops.log_metric('loss', 1 / (epoch + 1), step=epoch)\n"
        "mlops.log_metric('odd', float('nan'))\nmlops.log_params({'kind': 'linear', 'n': n})\n"
        "mlops.set_tag('flavour', 'plain')\nmlops.log_artifact({'a': 1}, 'summary')",
        ["step:train"],
    ),
    "c": (
        "import matplotlib.pyplot as plt\nplt.plot(rows)\nplt.savefig('curve.png')\nmlops.log_artifact('curve.png')\n"
        "plt.show()",
        ["step:plot"],
    ),
    "d": ("loss = model.score(rows, labels)", ["metrics", "step:score"]),
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a notebook of cells, ``name=(source, tags)``."""

    def make(cells: dict[str, tuple[str, list[str]]], name: str = "demo") -> Path:
        raw = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": key,
                    "metadata": {"tags": tags},
                    "source": source,
                    "outputs": [],
                    "execution_count": None,
                }
                for key, (source, tags) in cells.items()
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.ipynb"
        path.write_text(json.dumps(raw), encoding="utf-8")
        return path

    return make


def statuses(result: RunResult) -> dict[str, str]:
    return {step.name: step.status for step in result.steps}


def told(database: Database, run: RunRecord) -> dict[str, Any]:
    """What a run has on record that a reused one must have, too."""
    history = database.metrics_of(run.run_id)
    return {
        "parameters": {name: (value, run.parameter_sources[name]) for name, value in run.parameters.items()},
        "metrics": {name: repr(value) for name, value in run.metrics.items()},
        "history": [(m.name, repr(m.value), m.step, m.iteration, m.time) for m in history if m.step != "score"],
        "tags": run.tags,
        "artifacts": [(a.id, a.kind, a.names, a.digest, a.type) for a in database.artifacts_of(run.run_id)],
        "training": database.document(run.run_id, "training", "train"),
    }


def test_the_analysis_knows_that_logging_changes_nothing(write: Write) -> None:
    cells = {
        **CELLS,
        "e": (
            "mlops.log_metrics({'x': 1})\nfrom jupyter_mlops import log_metric\nlog_metric('y', len(rows))",
            ["step:e"],
        ),
        "f": ("mlops.log_artifact('curve.png', name='again')\nmlops.log_artifact(rows, 'rows')", ["step:f"]),
    }
    found = {step.name: step for step in api.pipeline(write(cells)).steps}
    for step in found.values():
        assert step.volatile is None and not step.touches_unknown_files and not step.mutates and not step.draws
        assert not any("set_tag" in snippet.source for snippet in (*step.replay, *step.replay_loaded))
    assert found["plot"].files_updated == (), "it logs the file that it has just written"
    pipeline = api.pipeline(write(cells))
    assert ("plot", "f") in {(edge.source, edge.target) for edge in pipeline.edges}
    assert not {("train", "e"), ("plot", "e")} & {(edge.source, edge.target) for edge in pipeline.edges}
    unknown = api.pipeline(write({**CELLS, "f": ("path = input()\nmlops.log_artifact(path)", ["step:f"])}))
    assert unknown.step("f").touches_unknown_files


@pytest.mark.kernel
def test_all_is_recorded_and_recorded_again_when_it_is_reused(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    notebook, cache = write(CELLS), tmp_path / "cache"
    (notebook.parent / "mlops.toml").write_text(f'[cache]\nurl = "{cache.as_uri()}"\n')
    home = Home(tmp_path / "home")
    first = api.run(notebook, {"rate": 0.25}, home=home.root, sources={"rate": "-p"}, command="jupyter mlops run")
    assert set(statuses(first).values()) == {"succeeded"}
    again = api.run(notebook, {"rate": 0.25}, home=home.root, sources={"rate": "-p"})
    assert set(statuses(again).values()) == {"reused"}
    with Database(home.database) as database:
        runs = [database.run(result.run_id) for result in (first, again)]
        one, other = (told(database, run) for run in runs)
        assert one == other
        assert one["parameters"] == {
            "n": (20, "default"),
            "rate": (0.25, "-p"),
            "kind": ("linear", "step train"),
        }
        assert [item[:4] for item in one["history"] if item[0] == "loss"] == [
            ("loss", repr(1 / (epoch + 1)), "train", epoch) for epoch in range(3)
        ]
        assert math.isnan(first.metrics["odd"]) and first.metrics["loss"] == again.metrics["loss"], "the later step's"
        assert len(database.metrics_of(runs[1].run_id, "loss")) == 4
        ids = {item[0]: item for item in one["artifacts"]}
        assert ids["train.logged:summary"][1] == "value" and ids["plot.logged:curve.png"][1] == "file"
        assert ids["plot.figure:c:1"][2:3] == (("figure of cell 5",),) and ids["plot.figure:c:1"][4] == "image/png"
        training = json.loads(one["training"])["model"]
        assert (training["known"], training["arguments"]) == ("exactly", ["rows", "labels"])
        made = {item.id: item for item in database.artifacts_of(runs[0].run_id)}
        assert {item["digest"] for item in training["data"]} == {
            item.digest for item in made.values() if {"rows", "labels"} & set(item.names)
        }
        estimator = next(m for item in made.values() for name, m in item.members.items() if name == "model")
        assert estimator["schema"]["estimator"]["parameters"]["C"] == 0.25
        environment = json.loads(database.document(runs[0].run_id, "environment") or "")
        assert environment["distributions"]["scikit-learn"] and environment["implementation"] == "CPython"
        assert database.document(runs[0].run_id, "command") == "jupyter mlops run"
        assert (runs[0].trigger, database.document(runs[0].run_id, "git-diff")) == ("hand", None)
    objects = ObjectStore(home.objects)
    assert all(objects.verify(item.digest) for item in first.artifacts)
    names = [item.name for item in first.artifacts]
    assert {"summary", "curve.png", "figure of cell 5"} <= set(names)

    # in a store that has nothing yet, from the shared cache
    (notebook.parent / "curve.png").unlink()
    elsewhere = Home(tmp_path / "elsewhere")
    shared = api.run(notebook, {"rate": 0.25}, home=elsewhere.root, sources={"rate": "-p"})
    assert set(statuses(shared).values()) == {"reused"}
    with Database(elsewhere.database) as database:
        assert told(database, database.run(shared.run_id)) == one


@pytest.mark.kernel
def test_what_was_logged_survives_failures_and_kills(write: Write, tmp_path: Path) -> None:
    cells = {
        "i": CELLS["i"],
        "p": CELLS["p"],
        "a": ("mlops.log_metric('early', 1)\nx = 1\nmlops.log_metric('loss', 'low')", ["step:refused"]),
        "b": (
            "mlops.log_metric('before', 2)\nmlops.log_artifact(b'x', 'blob')\nos.kill(os.getpid(), 9)",
            ["step:killed"],
        ),
        "c": ("mlops.log_params({'n': 21})", ["step:conflict"]),
    }
    result = api.run(write(cells), home=tmp_path / "home")
    errors = {step.name: step.error for step in result.steps}
    refused, conflict = errors["refused"], errors["conflict"]
    assert refused is not None and conflict is not None
    assert (refused.cell, refused.line) == ("a", 3)
    assert refused.message == "TypeError: the metric 'loss' must be a number, not str ('low')"
    assert "runtime" not in refused.traceback, "the user's code alone"
    assert conflict.message.startswith("ValueError: 'n' is a parameter of the notebook, and 20 in this run")
    assert result.metrics == {"early": 1, "before": 2}
    with Database(tmp_path / "home" / "mlops.db") as database:
        assert [item.id for item in database.artifacts_of(result.run_id)] == ["killed.logged:blob"]
        assert database.run(result.run_id).parameters["n"] == 20
        log = database.document(result.run_id, "log", "refused")
        assert log is not None and "TypeError" in (result.directory / log).read_text()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.kernel
def test_the_surroundings_of_a_run_in_a_repository(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/name")
    notebook = write({"a": ("x = 1", ["step:a"])})
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=notebook.parent, check=True)
    write({"a": ("x = 2", ["step:a"])})
    result = api.run(notebook, home=tmp_path / "home")
    with Database(tmp_path / "home" / "mlops.db") as database:
        run = database.run(result.run_id)
        text = database.document(run.run_id, "git-diff")
        assert run.trigger == "ci" and run.tags["ci.repository"] == "owner/name"
        assert run.commit is not None and text is not None and "x = 2" in text
        assert [stays for _, stays in database.unwanted(0, None)] == ["it is the pipeline's newest that succeeded"]
        assert database.may_be_forgotten(run.run_id), "facts of CI are no tags that somebody gave"


def test_what_a_killed_run_had_logged_is_recorded_by_the_next(tmp_path: Path) -> None:
    home = ensure_home(tmp_path / "home")
    with Database(home.database) as database:
        run_id = database.create_run(NewRun("demo", [("a", "A"), ("b", "B")])).run_id
        database.start_step(run_id, "b")
        folder = home.tmp / run_id / "02-b" / "logged"
        folder.mkdir(parents=True)
        lines = [
            {"kind": "metric", "name": "m", "value": 1.5, "step": 2, "time": 3},
            {"kind": "tag", "name": "t", "value": "v"},
        ]
        (folder / "1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "me')
        database._connection.execute("UPDATE runs SET pid = ? WHERE run_id = ?", (2**22 + os.getpid(), run_id))
        assert settle_abandoned(database, home) == [run_id]
        run = database.run(run_id)
        assert run.status == "failed" and run.metrics == {"m": 1.5} and run.tags == {"t": "v"}
        assert {step.slug: step.reason for step in database.steps_of(run_id)} == {"a": None, "b": REASON}
        assert not (home.tmp / run_id).exists()


def test_logged_parameters_never_replace_declared_ones_and_the_later_step_counts(tmp_path: Path) -> None:
    with Database(tmp_path / "mlops.db") as database:
        new = NewRun("demo", [("a", "A"), ("b", "B")], {"n": 1}, {"n": "-p"})
        run_id = database.create_run(new).run_id
        database.record_parameters(run_id, "b", {"n": 2, "kind": "late", "x": math.nan})
        database.record_parameters(run_id, "a", {"kind": "early", "own": [1]})
        run = database.run(run_id)
        assert math.isnan(dict(run.parameters)["x"])
        assert {k: v for k, v in run.parameters.items() if k != "x"} == {"n": 1, "kind": "late", "own": [1]}
        assert run.parameter_sources["kind"] == "step B" and run.parameter_sources["n"] == "-p"
        assert next(iter(run.parameters)) == "n"
