"""What somebody waits for in the browser: the Runs tab over many runs, and the graph of a large pipeline."""

from __future__ import annotations

import contextlib
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from budget import Row
from measuring import Effort
from runs_store import fill

from jupyter_mlops.store.home import ensure_home

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
STEPS = 200
_RUNS_BAR = 500
_GRAPH_BAR = 1000
"""Milliseconds."""
_WAIT = """([tab, wanted]) => new Promise(done => {
    const start = performance.now();
    const look = () => document.querySelectorAll(wanted).length
        ? requestAnimationFrame(() => done(performance.now() - start)) : requestAnimationFrame(look);
    window.jupyterapp.commands.execute('jupyter-mlops:show-panel', { tab });
    look();
})"""


def measure(effort: Effort) -> list[Row]:
    """Open tabs again and again; take the medians."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        return [Row("the panel in a browser", None, 0, "ms", note="no Chromium here")]
    tries = max(3, effort.tries)
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as name, _screen(Path(name), program) as screen:
        fill(ensure_home(screen.lab.folder / ".mlops").database, effort.runs)
        runs = _opening(screen, "churn.ipynb", "runs", ".jp-mlops-Runs-row.jp-mod-run", tries)
        graph = _opening(screen, "long.ipynb", "pipeline", ".jp-mlops-Step", tries)
    return [
        _row(f"Runs tab over {effort.runs:,} runs, click to first paint", runs, _RUNS_BAR),
        _row(f"graph of {STEPS} steps, click to laid out", graph, _GRAPH_BAR),
    ]


def _row(what: str, took: list[float], bar: int) -> Row:
    return Row(what, statistics.median(took), bar, "ms", note=f"median of {len(took)}, the first {took[0]:.0f} ms")


def _opening(screen: Any, notebook: str, tab: str, wanted: str, tries: int) -> list[float]:
    screen.open(notebook)
    screen.show_panel("models")
    screen.page.wait_for_timeout(5000)  # the notebook has been analysed
    took = []
    for _ in range(tries):
        took.append(float(screen.page.evaluate(_WAIT, [tab, wanted])))
        screen.show_panel("models")
        screen.page.wait_for_timeout(500)
    return took


@contextlib.contextmanager
def _screen(place: Path, program: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    from tests.lab.conftest import FLAGS, Screen, served

    with served(HERE.parent, place) as lab, sync_playwright() as playwright:
        lab.write_notebook("churn.ipynb", ("step:load", "frame = 1"))
        cells = [(f"step:s{n}", f"v{n} = v{max(0, n - 1)} + 1" if n else "v0 = 1") for n in range(STEPS)]
        lab.write_notebook("long.ipynb", *cells)
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS.split())
        yield Screen(lab, browser.new_context(viewport={"width": 1400, "height": 900}).new_page())
        browser.close()
