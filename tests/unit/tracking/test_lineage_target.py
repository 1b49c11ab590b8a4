"""What somebody means who asks for a lineage."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from histories import STEPS, History, read, value

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.objects import hash_bytes
from jupyter_mlops.tracking.lineage import trace


def test_files_are_found_by_content_then_by_path(history: History, tmp_path: Path) -> None:
    run = history.churn(data=b"1,2")
    file = tmp_path / "patients.csv"
    file.write_bytes(b"1,2")
    found = trace(history.database, "patients.csv", folder=tmp_path)
    assert found.node(found.start).kind == "file" and run in found.runs and found.notes == ()

    file.write_bytes(b"9,9")
    changed = trace(history.database, "patients.csv", folder=tmp_path)
    assert changed.start == found.start
    assert "has changed: no run has seen what it holds now" in changed.notes[0]

    file.unlink()
    gone = trace(history.database, str(file), folder=tmp_path)
    assert gone.start == found.start and "is not there now" in gone.notes[0]

    (tmp_path / "README.md").write_text("x")
    with pytest.raises(UsageError, match=r"No run on record has read or made README\.md"):
        trace(history.database, "README.md", folder=tmp_path)


def test_a_file_is_found_from_wherever_its_path_is_given(history: History, tmp_path: Path) -> None:
    run = history.start(steps=STEPS[:1])
    history.step(run, "load", takes=[read("../data/patients.csv", b"old")])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "patients.csv").write_bytes(b"new")
    for folder, text in ((tmp_path, "data/patients.csv"), (tmp_path / "data", "patients.csv")):
        found = trace(history.database, text, "down", folder=folder)
        assert run in found.runs and "has changed" in found.notes[0]


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        ("", "is empty", "RUN:NAME"),
        ("nope", 'no run, artifact or file "nope"', "latest"),
        ("latest:modle", 'did you mean "model"', "It has"),
        ("latest:nope/model", "no artifact, file or step", "It has"),
        ("latest:", "no artifact, file or step", "It has"),
        ("deadbeef", "no run, artifact or file", "digest"),
        ("2026", "More than one run is called", "Give more"),
        ("x\x00y", r"x\\x00y", "RUN"),
        ("a\nb", r"a\\nb", "RUN"),
        ("f" * 5000, "no run, artifact or file", "RUN"),
    ],
)
def test_what_is_not_understood_is_said(history: History, asked: str, message: str, hint: str) -> None:
    history.churn()
    history.churn()
    with pytest.raises(UsageError, match=message) as caught:
        trace(history.database, asked)
    assert hint in (caught.value.hint or "")


def test_the_beginning_of_two_digests_is_told_with_both(history: History) -> None:
    run = history.start()
    for number in range(400):  # enough that two begin alike
        history.step(run, "load", makes=[value("load", "x", number)])
    digests = sorted(hash_bytes(repr(number).encode()) for number in range(400))
    prefix = next(a[:4] for a, b in itertools.pairwise(digests) if a[:4] == b[:4])
    with pytest.raises(UsageError, match="More than one artifact's digest begins"):
        trace(history.database, prefix)


def test_one_name_in_two_steps_needs_the_step(history: History) -> None:
    run = history.start()
    history.step(run, "load", makes=[value("load", "frame", 1)])
    history.step(run, "train", makes=[value("train", "frame", 2)])
    with pytest.raises(UsageError, match="load/frame, train/frame"):
        trace(history.database, f"{run}:frame")
    for asked in ("train/frame", "Train/frame", "train.frame"):
        assert trace(history.database, f"{run}:{asked}").node(f"artifact:{run}/train.frame")
    assert trace(history.database, f"{run}:Load data").start == f"step:{run}/load"
