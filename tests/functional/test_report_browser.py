"""A browser opens the report of a real run: nothing in the console, no request, no scrolling sideways."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nbconvert import HTMLExporter

from jupyter_mlops import api, templates
from jupyter_mlops.pipeline.model import Edge, Pipeline, Step
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import ensure_home
from jupyter_mlops.store.records import NewRun, StepOutcome
from jupyter_mlops.tracking.report import OUTPUT_NOTEBOOK, write_report

FLAGS = """
--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync
"""
SIZES = tuple(itertools.product(("light", "dark"), (400, 1200)))
EVIL = "<script>document.title='harmed'</script><img src=x onerror=\"document.title='harmed'\">"

CELLS = (
    ("parameters", f"title = {EVIL!r}\nwide = 40"),
    ("imports", "import pandas as pd\nimport matplotlib.pyplot as plt\nfrom IPython.display import HTML, SVG, display"),
    ("step:load ../<b>&\"'", "frame = pd.DataFrame({f'a long name of a column {n}': [n] for n in range(wide)})\nframe"),
    ("step:draw", "fig, ax = plt.subplots()\nax.plot(frame.iloc[0])\nplt.show()\nprint('x' * 400)"),
    (
        "step:harm",
        'rows = len(frame)\ndisplay(HTML(title + \'<a href="javascript:harm()">link</a><iframe src="http://127.0.0.1:9">\'))\n'
        "display(HTML('<table><tr><td style=\"width: 3000px\">' + title + '</td></tr></table>'))\n"
        'display(SVG(\'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
        "<script>document.title = 1</script></svg>'))",
    ),
    ("metrics|step:score", "scores = {title: float(rows), 'b' * 200: 1.0}"),
    ("step:fail", "raise ValueError(title + 'y' * 300 + str(scores))"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Callable[..., Any]]:
    """Return a function that starts the browser that is given, once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened: list[Any] = []

        def start(program: str) -> Any:
            if not opened:
                opened.append(playwright.chromium.launch(executable_path=program, args=FLAGS.split()))
            return opened[0]

        yield start
        for item in opened:
            item.close()


@pytest.fixture
def look(browser: Callable[..., Any], require: Callable[..., str]) -> Callable[..., None]:
    """Return a function that opens a page in each scheme and width, and says what is wrong with it."""
    program = require("chromium", "chromium-browser", "google-chrome")

    def look_at(path: Path, title: str) -> None:
        for scheme, width in SIZES:
            page = browser(program).new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
            said: list[str] = []
            asked: list[str] = []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto(path.as_uri())
            page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true })")
            page.mouse.wheel(0, 100_000)
            room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            background = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert page.title() == title
            assert said == [], (scheme, width)
            assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
            assert room[0] <= room[1], f"it scrolls sideways at {width}"
            light = sum(map(int, background.removeprefix("rgb(").rstrip(")").split(","))) > 3 * 128
            assert light == (scheme == "light")
            page.close()

    return look_at


@pytest.fixture
def run_of(work: Path, notebook: Callable[..., str]) -> Any:
    (work / "odd.ipynb").write_text(notebook(*CELLS))
    result = api.run("odd.ipynb", output="out.ipynb", report="report.html", gates=[f"`{EVIL.replace('`', '')}` > 1"])
    assert [step.status for step in result.steps] == ["succeeded"] * 4 + ["failed"]
    return result


def test_reports_and_converted_notebooks_are_quiet_and_fit(work: Path, run_of: Any, look: Callable[..., None]) -> None:
    look(work / "report.html", f"odd · {run_of.run_id}")
    root = templates.root()
    exporter = HTMLExporter(
        template_name="mlops",
        extra_template_basedirs=[str(root / "nbconvert")],
        extra_template_paths=[str(root / "report")],
    )
    (work / "converted.html").write_text(exporter.from_filename(str(work / "out.ipynb"))[0], encoding="utf-8")
    look(work / "converted.html", "out")


def test_a_report_of_200_steps_is_quiet_and_fits(tmp_path: Path, look: Callable[..., None]) -> None:
    slugs = [f"s{number}" for number in range(200)]
    steps = tuple(Step(f"step {slug} with a name", slug, (f"c{slug}",)) for slug in slugs)
    edges = tuple(Edge(slugs[number // 3], slugs[number], (f"x{number}",)) for number in range(1, 200))
    pipeline = Pipeline("long", None, "python3", (), steps, edges, ())
    output = {"output_type": "stream", "name": "stdout", "text": "hello\n" * 20}
    cells = [
        {"cell_type": "code", "id": f"c{slug}", "source": "x = 1\n" * 20, "outputs": [output], "metadata": {}}
        for slug in slugs
    ]
    home = ensure_home(tmp_path / ".mlops")
    with Database(home.database) as database:
        run = database.create_run(NewRun("long", [(step.slug, step.name) for step in steps]))
        for slug in slugs:
            database.finish_step(run.run_id, slug, StepOutcome("succeeded", 0.1, cpu_seconds=0.1, peak_memory=10**8))
        database.finish_run(run.run_id, "succeeded")
        home.run(run.run_id).mkdir(parents=True)
        (home.run(run.run_id) / OUTPUT_NOTEBOOK).write_text(json.dumps({"cells": cells}))
        path = write_report(database, home, run.run_id, tmp_path / "report.html", pipeline=pipeline)
    look(path, f"long · {run.run_id}")
