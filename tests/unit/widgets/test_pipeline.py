"""A pipeline's graph and the progress of its run, in a notebook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from inprocess import write_notebook

import jupyter_mlops as mlops
from jupyter_mlops.engine import events
from jupyter_mlops.engine.result import StepFailure, StepResult
from jupyter_mlops.errors import UsageError
from jupyter_mlops.widgets import pipeline as widget
from jupyter_mlops.widgets import progress

SCRIPT = "<script>alert('x')</script>"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "churn.ipynb"
    cells = [
        ("parameters", f"rate = 1\nlabel = {SCRIPT!r}"),
        (f"step:load {SCRIPT}", "rows = [rate, label]"),
        ("step:score", "score = rows[0]"),
    ]
    write_notebook(path, cells)
    return path


def test_the_graph_is_shown_as_html_and_text_with_nothing_that_runs(path: Path) -> None:
    shown = mlops.Pipeline.from_notebook(path)._repr_mimebundle_()
    assert set(shown) == {"text/html", "text/plain"}
    assert "<script" not in shown["text/html"] and "&lt;script&gt;" in shown["text/html"]
    assert "<svg" in shown["text/html"] and "rows" in shown["text/html"] and "rate" in shown["text/html"]
    assert "score" in shown["text/plain"] and "2 steps" in shown["text/plain"]


def test_a_frontend_gets_a_widget_besides(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widget, "has_frontend", lambda: True)
    shown = mlops.Pipeline.from_notebook(path)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert "2 steps" in shown["text/plain"]


def test_problems_are_shown_with_their_cell(tmp_path: Path) -> None:
    write_notebook(tmp_path / "bad.ipynb", [("step:a", "x = 1"), ("step:b|after:nowhere", "y = 2")])
    found = mlops.Pipeline.from_notebook(tmp_path / "bad.ipynb")
    assert found.model.diagnostics
    assert "cell 2" in repr(found) and "cell 2" in found.html()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.ipynb"):
        mlops.Pipeline.from_notebook(tmp_path / "none.ipynb")


def _visible(html: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL).split())


def test_progress_follows_the_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(progress, "has_frontend", lambda: True)
    monkeypatch.setattr(
        progress, "_target", lambda html, text: shown.append(html) or (lambda html, text: shown.append(html))
    )
    found = mlops.Pipeline.from_notebook(path)
    view = progress.RunView(found.model)
    load, score = (step.slug for step in found.model.steps)
    with view.shown():
        view.handle(events.RunStarted("brisk-otter", "churn", ((load, "load"), (score, "score")), path.parent))
        assert "starting" in _visible(shown[-1])
        view.handle(events.StepStarted(load, "load", 1))
        view.handle(events.CellStarted(load, "a", 1, 3))
        assert "load: cell 1 of 3" in _visible(shown[-1]) and "running" in _visible(shown[-1])
        view.handle(events.StepOutput(load, "stdout", f"{SCRIPT}\nsecond\n"))
        assert "load │ second" in _visible(shown[-1]) and "<script" not in shown[-1]
        view.handle(events.StepFinished(StepResult("load", load, "succeeded", seconds=1.25)))
        failure = StepFailure("user", "ValueError", "no rows", hint="Give it some.")
        view.handle(events.StepFinished(StepResult("score", score, "failed", seconds=0.5, error=failure)))
    assert "succeeded · 1.2 s" in _visible(shown[-1]) and "failed · 0.5 s" in _visible(shown[-1])
    assert repr(view).startswith("churn: 2 of 2 steps")


def _form(found: mlops.Pipeline) -> tuple[Any, dict[str, Any], Any, Any]:
    from jupyter_mlops.widgets.form import form

    graph, *fields, row = form(found).children
    return graph, {field.description: field for field in fields}, *row.children


def test_the_form_runs_with_what_was_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(widget.api, "run", lambda *args, **options: asked.append((args[1], options["reporter"])))
    graph, fields, button, note = _form(mlops.Pipeline.from_notebook(path))
    assert set(fields) == {"rate", "label"}
    button.click()
    fields["rate"].value = "7"
    button.click()
    assert [values for values, _ in asked] == [{}, {"rate": "7"}]
    asked[-1][1].handle(events.StepStarted("score", "score", 1))
    assert "running" in _visible(graph.value) and not note.value and not button.disabled


def test_the_form_says_what_is_wrong_with_a_value(path: Path) -> None:
    _, fields, button, note = _form(mlops.Pipeline.from_notebook(path))
    fields["rate"].value = "much"
    button.click()
    assert "rate" in note.value and not button.disabled


def test_the_form_of_a_broken_notebook_does_not_run(tmp_path: Path) -> None:
    write_notebook(tmp_path / "bad.ipynb", [("step:b|after:nowhere", "y = 2")])
    assert _form(mlops.Pipeline.from_notebook(tmp_path / "bad.ipynb"))[2].disabled


@pytest.mark.kernel
def test_a_run_without_a_frontend_prints_lines_and_returns_the_result(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[Any] = []

    class Watcher:
        def handle(self, event: Any) -> None:
            told.append(event)

    result = mlops.Pipeline.from_notebook(path).run({"rate": 3}, home=tmp_path / "store", reporter=Watcher())
    assert result.status == "succeeded"
    assert mlops.load("rows", home=tmp_path / "store")[0] == 3
    assert "score: succeeded" in capsys.readouterr().err
    assert isinstance(told[-1], events.RunFinished)
