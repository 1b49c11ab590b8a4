"""Comparisons as widget, HTML and text."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from inprocess import record_run, write_notebook

import jupyter_mlops as mlops
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import MetricRecord
from jupyter_mlops.widgets import ComparisonView, comparison

SCRIPT = "<script>alert('x')</script>"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "store"))
    path = tmp_path / "a.ipynb"
    made = []
    for number in range(2):
        cells = [
            ("parameters", f"rate = 1\nlabel = 'a'\nkept = {SCRIPT!r}"),
            ("step:load", "rows = [rate, label]"),
            ("step:score|metrics", f"# {SCRIPT}\nscore = rows[0] + {number}"),
        ]
        write_notebook(path, cells)
        run = record_run(path, tmp_path / "store", {"rate": 1 + number, "label": SCRIPT if number else "a"})
        with Database(tmp_path / "store" / "mlops.db") as database:
            history = [MetricRecord(SCRIPT, 1 / (place + 1 + number), "score", place) for place in range(5)]
            database.record_metrics(run, history)
        made.append(run)
    return made


def visible(html: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL).split())


def test_html_has_what_differs_and_no_script(runs: list[str]) -> None:
    view = mlops.compare(*runs)
    html = view.html()
    assert "<script" not in html and "&lt;script&gt;" in html
    assert "http" not in html and " on" not in re.sub(r">[^<]*<", "><", html).replace(" only", "")
    text = visible(html)
    for word in ("rate", "label", "score", "+2", "-score = rows[0] + 0", "+score = rows[0] + 1", "rows"):
        assert word in text
    assert "kept" not in text
    assert html.count("<polyline") == 2


def test_what_is_equal_is_shown_on_request(runs: list[str]) -> None:
    assert "kept" in visible(mlops.compare(*runs, everything=True).html())
    assert "kept" in visible(mlops.compare(*runs).html(everything=True))


def test_the_widget_shows_a_tab_for_each_kind_and_a_switch(runs: list[str]) -> None:
    view = mlops.compare(*runs)
    _, tabs, switch = view.widget.children
    titles = [tabs.get_title(position) for position in range(len(tabs.children))]
    assert titles == ["Metrics", "Parameters", "Code", "Data", "Steps", "Environment"]
    parameters = tabs.children[1]
    assert "label" in parameters.value and "kept" not in visible(parameters.value)
    assert "score = rows" not in parameters.value and "score = rows" in tabs.children[2].value
    switch.value = True
    assert "kept" in visible(parameters.value)
    switch.value = False
    assert "kept" not in visible(parameters.value)


def test_without_widgets_there_is_html_and_text(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "has_frontend", lambda: True)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    view = mlops.compare(*runs)
    assert view.widget is None
    assert set(view._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert "rate" in repr(view)


def test_a_terminal_gets_no_widget(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    view = mlops.compare(*runs)
    assert set(view._repr_mimebundle_()) == {"text/plain", "text/html"}
    monkeypatch.setattr(comparison, "has_frontend", lambda: True)
    shown = view._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert shown["text/plain"] == repr(view)


def test_the_baseline_is_the_first_or_the_one_that_is_named(runs: list[str]) -> None:
    assert mlops.compare(*runs).comparison.baseline == runs[0]
    view: ComparisonView = mlops.compare(runs[0], baseline=runs[1])
    assert view.comparison.baseline == runs[1]


@pytest.mark.parametrize("wrong", [(), ("latest",), ("latest", "latest"), ("latest", "nowhere")])
def test_runs_that_can_t_be_compared(runs: list[str], wrong: Any) -> None:
    with pytest.raises(UsageError):
        mlops.compare(*wrong)
