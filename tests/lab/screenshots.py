"""Takes the pictures of docs/images/ from a real JupyterLab, light and dark: ``make screenshots``."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
NOTEBOOK = "breast_cancer.ipynb"
RUN_SECONDS = 300


def _run(lab: Any, **parameters: Any) -> str:
    job = lab.api("POST", "jobs", {"kind": "run", "path": NOTEBOOK, "parameters": parameters})
    deadline = time.monotonic() + RUN_SECONDS
    while job["state"] not in ("succeeded", "failed"):
        assert time.monotonic() < deadline, job
        time.sleep(0.5)
        job = lab.api("GET", f"jobs/{job['id']}")
    assert job["state"] == "succeeded", job
    return str(job["run_id"])


@pytest.fixture(scope="module")
def runs(lab: Any, root: Path) -> list[str]:
    """Runs of the example with several values, and a registered model."""
    shutil.copy(root / "examples" / NOTEBOOK, lab.folder / NOTEBOOK)
    found = [_run(lab, n_trees=trees) for trees in (10, 40, 160)]
    lab.api("POST", "models", {"source": f"{found[-1]}:forest", "name": "tumour", "aliases": ["champion"]})
    return found


@pytest.mark.parametrize("theme", THEMES)
def test_pictures(screen: Any, runs: list[str], root: Path, theme: str) -> None:
    page = screen.page
    images = root / "docs" / "images"
    images.mkdir(exist_ok=True)

    def take(name: str) -> None:
        page.wait_for_timeout(1500)  # charts and graphs have settled
        page.screenshot(path=images / f"{name}-{theme}.png")

    screen.open(NOTEBOOK, theme=THEMES[theme])
    page.wait_for_selector(".jp-mlops-Bar-flow:not(:empty)", timeout=60_000)
    view = screen.show_panel("pipeline", width=400)
    view.get_by_role("button", name="Step evaluate").wait_for(timeout=60_000)
    take("pipeline")
    view = screen.show_panel("runs", width=500)
    rows = view.locator(".jp-mlops-Runs-row.jp-mod-run")
    rows.nth(3).wait_for(timeout=60_000)
    for position in (1, 2, 3):  # the first is pinned: it is in production
        rows.nth(position).get_by_role("checkbox").check()
    take("runs")
    view.get_by_role("button", name="Compare 3").click()
    page.locator(".jp-mlops-Compare").get_by_text("n_trees").first.wait_for(timeout=60_000)
    take("compare")
    view = screen.show_panel("lineage", width=400)
    screen.command("jupyter-mlops:open-lineage", what="model:tumour", direction="both")
    page.get_by_role("group", name="Lineage of forest").wait_for(timeout=60_000)
    take("lineage")
    view = screen.show_panel("models", width=400)
    view.get_by_role("region", name="Model tumour").wait_for(timeout=60_000)
    take("models")
