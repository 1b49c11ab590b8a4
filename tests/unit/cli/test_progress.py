"""The live display on a terminal."""

from __future__ import annotations

import io
import re
import sys
import time
from pathlib import Path

import pytest

from jupyter_mlops.cli.progress import Progress, progress
from jupyter_mlops.engine.events import CellStarted, RunStarted, StepFinished, StepOutput, StepRetrying, StepStarted
from jupyter_mlops.engine.result import StepFailure, StepResult


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "30")
    monkeypatch.delenv("CI", raising=False)
    return Terminal()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def watch(terminal: Terminal, count: int = 2, *, output: bool = False) -> str:
    """Let a run go by before the eyes of a terminal; return what it showed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        reporter = progress({"c": "cell 7: Train"}, shown=True, output=output)
        assert reporter is not None
        tell(reporter, count)
    return terminal.getvalue()


def tell(reporter: Progress, count: int) -> None:
    steps = tuple((f"step-{index}", f"step {index}") for index in range(count))
    with reporter.showing():
        reporter.handle(RunStarted("run", "churn", steps, Path()))
        reporter.handle(StepStarted("step-0", "step 0", 1))
        reporter.handle(CellStarted("step-0", "c", 1, 1))
        reporter.handle(StepOutput("step-0", "stdout", "[bold]hello[/bold] :smile:\n"))
        failure = StepFailure("user", "ValueError", "no good\nat all")
        reporter.handle(StepRetrying("step-0", "step 0", 1, 3, 2.0, failure))
        reporter.handle(StepStarted("step-0", "step 0", 1, 2))
        reporter.handle(StepFinished(StepResult("step 0", "step-0", "failed", seconds=0.4)))
        reporter.handle(StepFinished(StepResult("step 1", "step-1", "skipped", reason="step 0 failed")))


def test_live_table_ends_with_what_became_of_each_step(terminal: Terminal) -> None:
    text = plain(watch(terminal, output=True))
    assert "step 0 │ [bold]hello[/bold] :smile:" in text
    assert re.search(r"✗ step 0 failed in 0\.4 s *\n▌ - step 1 skipped: step 0 failed *\n$", text.replace("\r", ""))


def test_live_table_fits_a_low_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "10")
    text = plain(watch(terminal, 40))
    assert "33 more" in text
    assert "hello" not in text


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("TERM", "dumb")])
def test_plain_lines_where_nobody_watches(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    text = watch(terminal)
    assert "\x1b" not in text
    assert "] step 0 … cell 7: Train\n" in text
    assert "] step 0 … attempt 1 of 3 failed (ValueError: no good); again in 2 s\n" in text
    assert "] step 0 … failed in 0.4 s\n" in text
    assert "] step 1 … skipped: step 0 failed\n" in text


def test_nothing_is_watched_unasked() -> None:
    assert progress({}, shown=False, output=False) is None


def test_live_table_shows_the_current_cell_and_how_long_it_takes(terminal: Terminal) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        title = "cell 7: " + "a long line of code " * 10
        reporter = progress({"c": title}, shown=True, output=False)
        assert reporter is not None
        with reporter.showing():
            reporter.handle(RunStarted("run", "churn", (("a", "step a"),), Path()))
            reporter.handle(StepStarted("a", "step a", 1))
            time.sleep(0.02)
            reporter.handle(CellStarted("a", "c", 1, 1))
            reporter.live.refresh()  # type: ignore[attr-defined]
            failure = StepFailure("user", "OSError", "no route")
            reporter.handle(StepRetrying("a", "step a", 1, 2, 0.0, failure))
            reporter.live.refresh()  # type: ignore[attr-defined]
    text = plain(terminal.getvalue())
    assert re.search(r"step a cell 7: a long line of code .*… 0\.\d of 0\.\d s", text), "the time stays in sight"
    assert "step a attempt 1 of 2 failed (OSError: no route); again" in text
