"""The Runs tab, the comparison and the report, on a store with real runs and on one with ten thousand."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import MetricRecord, NewRun, StepOutcome

pytestmark = pytest.mark.kernel

HTML = "<img src=x onerror='window.hurt = 1'>"
MANY = 10_000
PATIENCE = 20_000
"""Milliseconds that the screen has for what it must show."""

CELLS = (
    ("imports", "import math\nimport jupyter_mlops as mlops"),
    ("parameters", "rate: float = 0.1\nkind = 'linear'"),
    (
        "functions",
        "class Slope:\n    def __init__(self, rate):\n        self.rate = rate\n\n"
        "    def predict(self, xs):\n        return [self.rate * x for x in xs]",
    ),
    ("step:load", "xs = list(range(5))"),
    (
        "step:fit",
        "for epoch in range(10):\n    mlops.log_metric('loss', math.exp(-rate * epoch), step=epoch)\n"
        "slope = Slope(rate)\nif rate > 0.8:\n    raise ValueError('The rate is too high.')",
    ),
    ("step:draw", "import matplotlib.pyplot as plt\nplt.plot(xs, slope.predict(xs))\nplt.show()"),
    ("metrics", "score = 1 - slope.rate"),
)


@pytest.fixture(scope="module")
def runs(lab: Any) -> dict[str, str]:
    """Ids of real runs: one with the notebook's own values, one of other code and values, one that failed."""
    path = lab.write_notebook("slope.ipynb", *CELLS)
    found = {"first": mlops.run(path).run_id}
    other = [(tags, text.replace("1 - slope", "2 - slope")) for tags, text in CELLS]
    lab.write_notebook("slope.ipynb", *other)
    found["second"] = mlops.run(path, {"rate": 0.3, "kind": HTML}).run_id
    failed = mlops.run(path, {"rate": 0.9})
    assert failed.status == "failed"
    found["failed"] = failed.run_id
    return found


@pytest.fixture(scope="module")
def many(lab: Any, root: Path) -> Path:
    """The database of a project of its own with ten thousand runs."""
    folder = lab.folder / "many"
    (folder / ".mlops").mkdir(parents=True)
    (folder / "mlops.toml").touch()
    lab.write_notebook("many/churn.ipynb", ("step:load", "frame = 1"))
    sys.path.insert(0, str(root / "benchmarks"))
    try:
        from runs_store import fill
    finally:
        sys.path.pop(0)
    database = folder / ".mlops" / "mlops.db"
    fill(database, MANY)
    return database


@pytest.fixture
def saved(screen: Any) -> Callable[[], None]:
    """Wait until JupyterLab has saved its state, as a person does who reloads the page later."""
    puts: list[str] = []
    page = screen.page
    page.on("response", lambda answer: puts.append(answer.url) if _is_saving(answer) else None)

    def wait() -> None:
        before = len(puts)
        for _ in range(50):
            page.wait_for_timeout(100)
            if len(puts) > before:
                page.wait_for_timeout(300)
                return

    return wait


def _is_saving(answer: Any) -> bool:
    return "/api/workspaces/" in answer.url and answer.request.method == "PUT"


def _opened(screen: Any, path: str = "slope.ipynb", width: int = 500) -> Any:
    screen.open(path)
    view = screen.show_panel("runs", width=width)
    view.locator(".jp-mlops-Runs-row.jp-mod-run").first.wait_for(timeout=PATIENCE)
    return view


def _words(run_id: str) -> str:
    return "-".join(run_id.split("-")[2:-1])


def _row(view: Any, run_id: str) -> Any:
    return view.locator(".jp-mlops-Runs-body [role=row]", has_text=_words(run_id))


def _filter(view: Any, text: str) -> None:
    field = view.get_by_role("searchbox", name="Filter of runs")
    field.fill(text)
    field.press("Enter")


def _see(locator: Any, text: str) -> None:
    from playwright.sync_api import expect

    expect(locator).to_contain_text(text, timeout=PATIENCE)


def _count(locator: Any, number: int) -> None:
    from playwright.sync_api import expect

    expect(locator).to_have_count(number, timeout=PATIENCE)


def test_a_project_without_runs_says_how_to_get_some(screen: Any, lab: Any) -> None:
    (lab.folder / "new").mkdir()
    (lab.folder / "new" / "mlops.toml").touch()
    lab.write_notebook("new/empty.ipynb", ("step:load", "frame = 1"))
    screen.open("new/empty.ipynb")
    view = screen.show_panel("runs")
    _see(view, "No runs yet")
    view.get_by_role("button", name="Go to Pipeline").click()
    screen.page.wait_for_selector("#jp-mlops-tab-pipeline[aria-selected=true]")


def test_runs_are_listed_below_the_notebook_as_it_is_now(screen: Any, runs: dict[str, str]) -> None:
    view = _opened(screen)
    _count(view.locator(".jp-mlops-Runs-body [role=row]"), 3)
    _see(view.locator(".jp-mod-workspace"), "0.1")
    _see(_row(view, runs["second"]), "1.7")
    assert _row(view, runs["failed"]).get_by_role("img", name="failed").count() == 1
    # a value with HTML in it is a text
    _see(_row(view, runs["second"]), HTML)
    assert screen.page.evaluate("window.hurt") is None
    _row(view, runs["second"]).locator(".jp-mlops-Runs-name").click()
    details = view.get_by_role("region", name=f"Run {_words(runs['second'])}")
    _see(details, HTML)


def test_a_wrong_filter_shows_where_it_is_wrong(screen: Any, runs: dict[str, str]) -> None:
    view = _opened(screen)
    _filter(view, "metrics.score > 1")
    _count(view.locator(".jp-mlops-Runs-body [role=row]"), 1)
    _filter(view, "metrics.score >> 1")
    alert = view.get_by_role("alert")
    _see(alert, "can't stand here")
    first, caret = alert.locator("pre").inner_text().split("\n")[:2]
    assert first[caret.index("^")] == ">" and first.index(">") < caret.index("^")
    # what was there before is still there
    assert view.locator(".jp-mlops-Runs-body [role=row]").count() == 1
    _filter(view, "metrics.scor > 1")
    _see(view, "did you mean metrics.score")
    view.get_by_role("button", name="Show all runs").click()
    _count(view.locator(".jp-mlops-Runs-body [role=row]"), 3)


def test_order_columns_and_filter_are_there_after_a_reload(
    screen: Any, runs: dict[str, str], saved: Callable[[], None]
) -> None:
    view = _opened(screen)
    view.get_by_role("columnheader", name="score").get_by_role("button").click()
    _see(view.locator(".jp-mlops-Runs-body [role=row]").first, _words(runs["second"]))
    view.get_by_role("button", name="Columns").click()
    view.get_by_label("Machine").check()
    view.get_by_role("button", name="Pin Machine").click()
    view.get_by_label("Where", exact=True).uncheck()
    _filter(view, 'status = "succeeded"')
    _count(view.locator(".jp-mlops-Runs-body [role=row]"), 2)
    saved()
    screen.page.reload()
    view = screen.page.locator("#jp-mlops-view")
    _count(view.locator(".jp-mlops-Runs-body [role=row]"), 2)
    heads = view.get_by_role("columnheader")
    names = [text.strip(" ▼▲\n") for text in heads.all_inner_texts()]
    assert names[:2] == ["Run", "Machine"] and "Where" not in names
    assert view.get_by_role("columnheader", name="score").get_attribute("aria-sort") == "descending"


def test_a_comparison_shows_what_differs_and_is_there_after_a_reload(
    screen: Any, runs: dict[str, str], saved: Callable[[], None]
) -> None:
    view = _opened(screen)
    for name in ("first", "second"):
        _row(view, runs[name]).get_by_role("checkbox").click()
    view.get_by_role("button", name="Compare 2").click()
    page = screen.page
    compare = page.locator(".jp-mlops-Compare")
    table = compare.locator(".jp-mlops-Compare-table")
    _see(table.locator("tr", has_text="rate"), "0.3")
    _see(table.locator("tr", has_text="score"), "0.8")
    assert table.get_by_text("xs", exact=True).count() == 0
    compare.get_by_label("Only what differs").uncheck()
    _see(table, "xs")
    compare.get_by_label("Only what differs").check()
    _see(compare.locator(".jp-mlops-CellDiff"), "+score = 2 - slope.rate")
    for name in ("Bars of the metrics", "Curves of the metrics", "Parallel coordinates", "loss against rate"):
        page.locator(f"figure[aria-label^='{name}'] svg").wait_for(timeout=PATIENCE)
    pictures = compare.locator(".jp-mlops-Figures img")
    _count(pictures, 2)
    pictures.first.scroll_into_view_if_needed()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-mlops-Figures img')].every(image => image.naturalWidth > 0)"
    )
    compare.get_by_label(f"Make {_words(runs['second'])} the baseline").click()
    _see(table.locator("thead th").nth(2), _words(runs["second"]))
    saved()
    page.reload()
    _see(page.locator(".jp-mlops-Compare-table thead th").nth(2), _words(runs["second"]))
    assert page.evaluate("window.hurt") is None


def test_a_report_is_shown_where_nothing_in_it_is_executed(screen: Any, runs: dict[str, str]) -> None:
    view = _opened(screen)
    _row(view, runs["failed"]).locator(".jp-mlops-Runs-name").click()
    view.get_by_role("button", name="Report", exact=True).click()
    frame = screen.page.locator("iframe.jp-mlops-Report")
    frame.wait_for(timeout=PATIENCE)
    assert frame.get_attribute("sandbox") == ""
    _see(frame.content_frame.locator("body"), "The rate is too high.")


def test_tags_and_notes_are_edited_in_place(screen: Any, lab: Any, runs: dict[str, str]) -> None:
    view = _opened(screen)
    _row(view, runs["first"]).locator(".jp-mlops-Runs-name").click()
    field = view.get_by_label("Add a tag")
    field.fill(f"team={HTML}")
    field.press("Enter")
    _see(view.locator(".jp-mlops-Tag"), f"team={HTML}")
    note = view.get_by_label("Note", exact=True)
    note.fill("The one to beat.")
    note.press("Control+Enter")
    _see(view.get_by_role("grid"), "The one to beat.")
    detail = lab.api("GET", f"runs/{runs['first']}")
    assert (detail["tags"], detail["note"]) == ({"team": HTML}, "The one to beat.")
    view.get_by_label("Take away the tag team").click()
    _count(view.locator(".jp-mlops-Tag"), 0)
    assert lab.api("GET", f"runs/{runs['first']}")["tags"] == {}


def test_restoring_a_version_makes_a_new_file_each_time(screen: Any, lab: Any, runs: dict[str, str]) -> None:
    before = (lab.folder / "slope.ipynb").read_text("utf-8")
    view = _opened(screen)
    _row(view, runs["first"]).locator(".jp-mlops-Runs-name").click()
    names = [f"slope ({_words(runs['first'])}{number}).ipynb" for number in ("", " 2")]
    for name in names:
        view.get_by_role("button", name="Restore this version").click()
        screen.page.get_by_role("tab", name=name).wait_for(timeout=PATIENCE)
    for name in names:
        sources = ["".join(cell["source"]) for cell in json.loads((lab.folder / name).read_text("utf-8"))["cells"]]
        assert sources[-1] == "score = 1 - slope.rate"
    assert "2 - slope" in before and "2 - slope" in (lab.folder / "slope.ipynb").read_text("utf-8")
    assert not list(lab.folder.glob("Untitled*"))


def test_what_a_run_made_is_registered_and_a_champion_is_pinned(screen: Any, lab: Any, runs: dict[str, str]) -> None:
    view = _opened(screen)
    _row(view, runs["second"]).locator(".jp-mlops-Runs-name").click()
    view.get_by_role("button", name="Register…").click()
    form = view.get_by_role("form", name="Register a model")
    form.get_by_label("Model name").fill("slope")
    form.get_by_label("What").select_option(label="slope · Slope · fit")
    form.get_by_label("Make it the champion").check()
    form.get_by_role("button", name="Register").click()
    pinned = view.locator(".jp-mlops-Runs-top .jp-mod-run")
    _see(pinned, _words(runs["second"]))
    _see(pinned, "in production")
    versions = lab.api("GET", "models/slope")
    assert "champion" in json.dumps(versions)


def test_only_deleting_asks_in_a_dialog(screen: Any, lab: Any, runs: dict[str, str]) -> None:
    with Database(lab.folder / ".mlops" / "mlops.db") as database:
        doomed = database.create_run(NewRun("doomed", (("a", "A"),), {})).run_id
        database.finish_run(doomed, "cancelled")
    view = _opened(screen)
    _row(view, doomed).locator(".jp-mlops-Runs-name").click()
    for answer, count in (("Cancel", 1), ("Delete", 0)):
        view.get_by_role("button", name="Delete", exact=True).click()
        screen.page.locator(".jp-Dialog").get_by_role("button", name=answer).click()
        _count(_row(view, doomed), count)
    assert doomed not in json.dumps(lab.api("GET", "runs"))


def test_runs_of_other_processes_appear_and_go_on(screen: Any, lab: Any, runs: dict[str, str]) -> None:
    view = _opened(screen)
    with Database(lab.folder / ".mlops" / "mlops.db") as database:
        run = database.create_run(NewRun("other", (("a", "A"),), {"rate": 0.5})).run_id
        _see(_row(view, run), "0.5")
        database.finish_step(run, "a", StepOutcome("succeeded", metrics=[MetricRecord("score", 0.4321)]))
        database.finish_run(run, "succeeded")
        _see(_row(view, run), "0.4321")
        database.finish_run(run, "failed")


def test_ten_thousand_runs_scroll_and_stay_where_they_are(screen: Any, many: Path) -> None:
    view = _opened(screen, "many/churn.ipynb")
    grid = view.get_by_role("grid")
    _see(view, f"{MANY:,} runs")
    assert int(grid.get_attribute("aria-rowcount") or 0) > MANY
    assert view.locator("[role=row]").count() < 100
    grid.evaluate("node => (node.scrollTop = node.scrollHeight / 2)")
    middle = view.locator(f".jp-mlops-Runs-body .jp-mod-run[aria-rowindex='{MANY // 2 + 2}']")
    middle.wait_for(timeout=PATIENCE)
    seen = _first_seen(grid)
    with Database(many) as database:
        for _ in range(3):
            run = database.create_run(NewRun("churn", (("a", "A"),), {})).run_id
            database.finish_run(run, "succeeded")
    _see(view, f"{MANY + 3:,} runs")
    screen.page.wait_for_timeout(300)
    assert _first_seen(grid) == seen
    grid.evaluate("node => (node.scrollTop = node.scrollHeight)")
    view.locator(f"[aria-rowindex='{MANY + 4}'].jp-mod-run").wait_for(timeout=PATIENCE)
    assert view.locator("[role=row]").count() < 100


def _first_seen(grid: Any) -> str:
    """Id of the run that stands first below the table's head."""
    return str(
        grid.evaluate(
            """grid => {
                const top = grid.querySelector('.jp-mlops-Runs-top').getBoundingClientRect().bottom;
                const rows = [...grid.querySelectorAll('.jp-mlops-Runs-body .jp-mod-run')];
                const seen = rows.filter(row => row.getBoundingClientRect().top >= top - 1);
                seen.sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top);
                return seen[0].querySelector('.jp-mlops-Runs-name').title;
            }"""
        )
    )


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_tab_and_comparison_are_accessible(screen: Any, runs: dict[str, str], theme: str) -> None:
    screen.open("slope.ipynb", theme=theme)
    view = screen.show_panel("runs", width=350)
    for name in ("first", "second"):
        _row(view, runs[name]).get_by_role("checkbox").click()
    _row(view, runs["second"]).locator(".jp-mlops-Runs-name").click()
    view.get_by_role("button", name="Columns").click()
    assert screen.axe("#jp-mlops-view") == []
    view.get_by_role("button", name="Compare 2").click()
    screen.page.locator(".jp-mlops-Compare svg").first.wait_for(timeout=PATIENCE)
    assert screen.axe(".jp-mlops-Compare") == []
