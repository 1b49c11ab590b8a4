"""A step's log."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.engine import steplog
from jupyter_mlops.engine.steplog import Lines, StepLog, shorten_log


def test_lines_appear_as_they_are_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with StepLog(path) as log:
        assert path.read_text() == ""
        log.write("stdout", "one\ntw")
        assert path.read_text() == "one\n"
        log.write("stderr", "warning\n")
        log.write("stdout", "o\nlast")
        assert path.read_text() == "one\nwarning\ntwo\n"
        log.note("\x1b[31mValueError\x1b[0m: no\nat all")
        assert path.read_text() == "one\nwarning\ntwo\nlast\nValueError: no\nat all\n"
    with StepLog(path) as log:
        log.write("stdout", "again")
    assert path.read_text().endswith("at all\nagain\n"), "another attempt is appended"


def test_a_log_of_nothing_is_no_file(tmp_path: Path) -> None:
    with StepLog(tmp_path / "a.log"):
        pass
    assert not (tmp_path / "a.log").exists()
    with StepLog(tmp_path / "no such folder" / "a.log") as log:
        log.write("stdout", "the step goes on\n")


def test_a_log_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steplog, "_LARGEST_LOG", 10)
    with StepLog(tmp_path / "a.log") as log:
        for _ in range(9):
            log.write("stdout", "1234\n")
    assert (tmp_path / "a.log").read_text().splitlines()[1:] == [
        "1234",
        "[the rest of this log was left out: it grew too large]",
    ]


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        (["\r10%", "\r50%", "\r100%\n"], ["100%"]),
        (["a\r\n", "b\r", "\n"], ["a", "b"]),
        (["loading...\rdone      \n"], ["done      "]),
        (["no end"], ["no end"]),
        (["\r10%", "\r20%"], ["20%"]),
        (["\n\n"], ["", ""]),
        (["x" * 70_000], ["x" * 70_000]),
    ],
)
def test_what_is_overwritten_is_gone(pieces: list[str], lines: list[str]) -> None:
    source = Lines()
    found = [line for piece in pieces for line in source.add("stdout", piece)]
    assert found + source.rest() == lines


@given(st.text("ab\r\n", max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_it_does_not_matter_how_text_is_cut(text: str, cuts: list[int]) -> None:
    whole, pieces = Lines(), Lines()
    expected = whole.add("stdout", text) + whole.rest()
    places = [0, *sorted(cuts), len(text)]
    found = [line for a, b in pairwise(places) for line in pieces.add("stdout", text[a:b])]
    assert found + pieces.rest() == expected


def test_a_kernels_own_log_is_shortened_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.kernel.log"
    with path.open("ab") as kernel:
        kernel.write(b"x" * 5_000_000 + b"the end\n")
        kernel.flush()
        shorten_log(path)
        kernel.write(b"goes on\n")
    content = path.read_bytes()
    assert content.startswith(b"[the beginning of this log was left out")
    assert content.endswith(b"the end\ngoes on\n") and len(content) < 200_000
    shorten_log(path)
    assert path.read_bytes() == content
    shorten_log(tmp_path / "not there")
