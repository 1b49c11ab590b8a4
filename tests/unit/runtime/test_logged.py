"""What code in a step logs: refused in words, or written where the engine finds it."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import subprocess
import sys
import threading
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.engine.logged import Logged, read_logged
from jupyter_mlops.runtime import journal, logged
from jupyter_mlops.runtime.context import ENVIRONMENT_VARIABLE
from jupyter_mlops.runtime.serializers import read_artifact
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import NewRun, StepOutcome


class Here:
    """A step, as far as logging is concerned."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "out"
        self.output.mkdir()
        self.objects = ObjectStore(folder / "objects")
        self.context = folder / "context.json"
        parameters = {"n": 3, "nothing": math.nan, "api_key": "hunter2"}
        raw = {"schema": 1, "step": "train", "name": "Train", "output_dir": str(self.output), "parameters": parameters}
        self.context.write_text(json.dumps(raw))

    def read(self) -> Logged:
        return read_logged(self.output, "train", self.objects)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    step = Here(tmp_path)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(step.context))
    monkeypatch.setattr(journal, "_process", journal._Process())
    return step


def test_numbers_of_all_kinds_are_kept_in_order(here):
    values = [1, 2.5, True, np.float32(0.5), np.int64(7), np.array(3.5), Decimal("1.5"), Fraction(1, 4)]
    for place, value in enumerate(values):
        mlops.log_metric("all", value, step=place)
    mlops.log_metric("odd", math.nan)
    mlops.log_metric("odd", -math.inf, step=np.int32(4))
    found = here.read().metrics
    of_all = [item for item in found if item.name == "all"]
    assert [item.value for item in of_all] == [1, 2.5, 1, 0.5, 7, 3.5, 1.5, 0.25]
    assert [item.iteration for item in of_all] == list(range(8))
    odd = [item for item in found if item.name == "odd"]
    assert math.isnan(odd[0].value) and odd[1].value == -math.inf and odd[1].iteration == 4
    assert all(item.time is not None and abs(item.time - found[0].time) < 60_000 for item in found)


REFUSED = [
    (TypeError, "the metric 'x' must be a number, not str ('0.3')", lambda: mlops.log_metric("x", "0.3")),
    (TypeError, "numpy.ndarray of shape (3,); one number of it", lambda: mlops.log_metric("x", np.zeros(3))),
    (TypeError, "must be a number, not complex", lambda: mlops.log_metric("x", 1j)),
    (TypeError, "must be a number, not None", lambda: mlops.log_metric("x", None)),
    (TypeError, "pandas.DataFrame of shape (1, 1)", lambda: mlops.log_metric("x", pd.DataFrame({"a": [1]}))),
    (TypeError, "the metric 'a.b' must be a number", lambda: mlops.log_metrics({"a": {"b": "x"}})),
    (TypeError, "takes a dictionary", lambda: mlops.log_metrics([1])),
    (TypeError, "takes a dictionary", lambda: mlops.log_params("x")),
    (TypeError, "the name of a metric is a text, not int", lambda: mlops.log_metric(3, 1)),
    (TypeError, "the step of the metric 'x' is a whole number, not float", lambda: mlops.log_metric("x", 1, step=1.5)),
    (ValueError, "does not fit into 64 bits", lambda: mlops.log_metric("x", 1, step=2**70)),
    (ValueError, "too large for a float", lambda: mlops.log_metric("x", 10**400)),
    (ValueError, "the name of a metric is empty", lambda: mlops.log_metric(" ", 1)),
    (ValueError, "control character", lambda: mlops.log_metric("a\nb", 1)),
    (ValueError, "up to 250 characters, not 300", lambda: mlops.log_metric("x" * 300, 1)),
    (ValueError, "the name of an artifact is empty", lambda: mlops.log_artifact(1, "")),
    (ValueError, "the value of the tag 't' has up to", lambda: mlops.set_tag("t", "x" * 10_000)),
    (ValueError, "neither a file nor a folder", lambda: mlops.log_artifact(os.devnull)),
    (FileNotFoundError, "there is no file 'nowhere.txt'", lambda: mlops.log_artifact("nowhere.txt")),
]


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(("error", "message", "call"), REFUSED, ids=[message for _, message, _ in REFUSED])
def test_what_cannot_be_kept_is_refused_in_a_run_and_outside(request, inside, error, message, call):
    step = request.getfixturevalue("here") if inside else None
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)
    assert step is None or step.read() == Logged()


def test_several_metrics_are_kept_all_or_none(here):
    with pytest.raises(TypeError):
        mlops.log_metrics({"good": 1, "bad": "x"})
    mlops.log_metrics({"auc": 0.5, "by": {"class 1": 1, 2: 0.25}}, step=3)
    found = here.read().metrics
    assert [(item.name, item.value, item.iteration) for item in found] == [
        ("auc", 0.5, 3),
        ("by.class 1", 1, 3),
        ("by.2", 0.25, 3),
    ]


def test_parameters_are_plain_and_never_replace_those_of_the_notebook(here):
    class Odd:
        def __repr__(self):
            raise RuntimeError("no")

    mlops.log_params({"depth": np.int64(3), "grid": (1, {"a": None}), "odd": Odd(), "db_password": "x", "n": 3})
    mlops.log_params({"nothing": math.nan, "depth": 4, "long": "y" * 20_000, "nested": {"api_key": "x"}})
    with pytest.raises(ValueError, match="'n' is a parameter of the notebook, and 3 in this run"):
        mlops.log_params({"n": 4})
    mlops.log_params({"api_key": "hunter2"})
    with pytest.raises(ValueError, match="'api_key' is a parameter") as caught:
        mlops.log_params({"api_key": "hunter3"})
    assert "hunter" not in str(caught.value)
    found = here.read().params
    assert found.pop("odd").endswith("Odd object")
    assert len(found.pop("long")) == 6000
    assert found == {
        "depth": 4,
        "grid": [1, {"a": None}],
        "db_password": "[redacted]",
        "nested": {"api_key": "[redacted]"},
    }


def test_halves_of_characters_can_be_recorded(here, tmp_path):
    mlops.log_params({"half": "a\ud800", "\u00e9 'quoted' <b>": {"nested": "\udcff"}})
    mlops.set_tag("half", "b\ud800")
    found = here.read()
    assert found.params["half"] == "a\\ud800" and found.tags == {"half": "b\\ud800"}
    with Database(tmp_path / "mlops.db") as database:
        run_id = database.create_run(NewRun("demo", [("train", "Train")])).run_id
        database.finish_step(run_id, "train", StepOutcome("succeeded", parameters=found.params, tags=found.tags))
        run = database.run(run_id)
    assert (dict(run.parameters), dict(run.tags)) == (dict(found.params), dict(found.tags))


def test_tags_are_texts_and_the_last_one_counts(here):
    mlops.set_tag("stage", "dev")
    mlops.set_tag("stage", 3)
    assert here.read().tags == {"stage": "3"}


def test_files_folders_bytes_and_values_become_artifacts(here, tmp_path):
    (tmp_path / "notes.txt").write_text("a note")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"\0\1")
    mlops.log_artifact(tmp_path / "notes.txt")
    (tmp_path / "notes.txt").write_text("changed afterwards")
    mlops.log_artifact(str(folder), "kept")
    mlops.log_artifact(b"raw", "bytes")
    mlops.log_artifact({"a": np.arange(3)}, "value")
    found = {item.names[0]: item for item in here.read().artifacts}
    assert {name: item.kind for name, item in found.items()} == {
        "notes.txt": "file",
        "kept": "file",
        "bytes": "file",
        "value": "value",
    }
    assert here.objects.path(found["notes.txt"].digest).read_text() == "a note"
    assert found["notes.txt"].preview == "file, 6 bytes: a note"
    assert found["notes.txt"].id == "train.logged:notes.txt"
    assert found["kept"].serializer == "folder"
    item = found["value"]
    value = read_artifact(here.objects.path(item.digest), item.serializer, item.names)["value"]
    assert value["a"].tolist() == [0, 1, 2]
    assert item.members["value"]["type"] == "dict"
    assert all(here.objects.verify(item.digest) for item in found.values())


def test_figures_become_pictures(here):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    figure.subplots().plot([1, 2])
    mlops.log_artifact(figure, "curve")
    mlops.log_artifact(figure, "curve.svg")
    found = {item.names[0]: item for item in here.read().artifacts}
    assert {name: (item.kind, item.type) for name, item in found.items()} == {
        "curve": ("figure", "image/png"),
        "curve.svg": ("figure", "image/svg+xml"),
    }
    assert here.objects.path(found["curve"].digest).read_bytes().startswith(b"\x89PNG")


def test_a_value_that_cannot_be_saved_is_refused_with_the_reason(here):
    with pytest.raises(TypeError, match=r"log_artifact can't keep 'lock'.*: "):
        mlops.log_artifact(threading.Lock(), "lock")
    assert here.read().artifacts == ()


def _child() -> None:
    for place in range(50):
        mlops.log_metric("child", place, step=place)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_threads_and_forked_children_log_too(here):
    mlops.log_metric("parent", 1)
    threads = [threading.Thread(target=lambda: [mlops.log_metric("thread", 1) for _ in range(200)]) for _ in range(4)]
    child = multiprocessing.get_context("fork").Process(target=_child)
    for item in (*threads, child):
        item.start()
    for item in (*threads, child):
        item.join(60)
    found = here.read().metrics
    names = [item.name for item in found]
    assert (names.count("parent"), names.count("thread"), names.count("child")) == (1, 800, 50)
    assert [item.value for item in found if item.name == "child"] == list(range(50)), "each process keeps its order"
    assert len(list((here.output / "logged").glob("*.jsonl"))) == 2


def test_a_line_that_was_cut_off_by_a_kill_is_passed_over(here):
    mlops.log_metric("whole", 1)
    (path,) = (here.output / "logged").glob("*.jsonl")
    with path.open("a") as lines:
        lines.write('{"kind": "metric", "name": "cu')
    assert [item.name for item in here.read().metrics] == ["whole"]


def test_an_artifact_whose_file_is_missing_is_passed_over(here):
    mlops.log_artifact(b"x", "gone")
    (path,) = (here.output / "logged").glob("*.kept")
    path.unlink()
    assert here.read().artifacts == ()


@pytest.mark.parametrize("at_once", [True, False])
def test_a_loop_without_an_end_does_not_fill_the_disk(here, monkeypatch, at_once):
    monkeypatch.setattr(journal.journal(), "_left", 3)
    if at_once:
        mlops.log_metrics({str(place): place for place in range(10)})
    for place in range(10):
        mlops.log_metric("loss", place)
    found = here.read()
    assert [item.value for item in found.metrics] == [0, 1, 2]
    assert found.notes == ("it logged more than 1,000,000 values; those beyond were not kept",)


def test_outside_of_a_run_nothing_is_kept_and_that_is_said_once(tmp_path, monkeypatch):
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setattr(logged, "_process", logged._Process())
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        mlops.log_metrics({"a": 1})
        mlops.log_artifact(b"x", "x")
        mlops.set_tag("a", "b")
        mlops.log_params({"a": 1})
    assert [str(item.message) for item in seen] == [
        "jupyter_mlops: this is no step of a run: what is logged here is checked, and not kept"
    ]
    assert seen[0].filename == __file__
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_outlives_its_step_does_no_harm(here, monkeypatch):
    mlops.log_metric("a", 1)
    monkeypatch.setattr(logged, "_process", logged._Process(told=True))
    for path in (*(here.output / "logged").iterdir(), here.output / "logged", here.output):
        path.rmdir() if path.is_dir() else path.unlink()
    mlops.log_metric("a", 2)
    mlops.log_artifact(b"x", "x")
    assert not here.output.exists()


def test_logging_brings_nothing_else_of_the_package_along():
    code = (
        "import sys, warnings; warnings.simplefilter('ignore'); import jupyter_mlops as m; m.log_metric('a', 1); "
        "names = [name for name in sys.modules if name.startswith('jupyter_mlops.')]; "
        "print(*[name for name in names if not name.startswith('jupyter_mlops.runtime')])"
    )
    environment = {name: value for name, value in os.environ.items() if name != ENVIRONMENT_VARIABLE}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["jupyter_mlops._version"]
