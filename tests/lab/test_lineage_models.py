"""The tabs Lineage and Models: from a registered model back to its cell; why nothing can be deployed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

NOTEBOOK = "breast_cancer.ipynb"
RUN_SECONDS = 300


@pytest.fixture(scope="module")
def run(lab: Any, root: Path) -> str:
    """A run of the example in the project that the panel shows; returns its id."""
    shutil.copy(root / "examples" / NOTEBOOK, lab.folder / NOTEBOOK)
    job = lab.api("POST", "jobs", {"kind": "run", "path": NOTEBOOK, "parameters": {"n_trees": 20}})
    deadline = time.monotonic() + RUN_SECONDS
    while job["state"] not in ("succeeded", "failed", "cancelled", "stopped", "lost"):
        assert time.monotonic() < deadline, job
        time.sleep(0.5)
        job = lab.api("GET", f"jobs/{job['id']}")
    assert job["state"] == "succeeded", job
    return str(job["run_id"])


@pytest.fixture
def model(lab: Any, run: str) -> str:
    """The forest of the run, registered; returns its name."""
    lab.api("POST", "models", {"source": f"{run}:forest", "name": "churn", "aliases": ["champion"]})
    return "churn"


def test_a_project_without_runs_is_told_what_the_tabs_are_for(lab: Any, screen: Any) -> None:
    """Comes before the first run."""
    lab.write_notebook("plain.ipynb", ("", "x = 1"))
    screen.open("plain.ipynb")
    view = screen.show_panel("lineage")
    view.get_by_text("No runs yet").wait_for()
    view = screen.show_panel("models")
    view.get_by_text("No models yet").wait_for()
    view.get_by_role("button", name="Run the notebook").click()
    screen.page.wait_for_selector("#jp-mlops-tab-pipeline[aria-selected=true]")


def test_what_a_run_made_is_registered(lab: Any, screen: Any, run: str) -> None:
    """Inline: run, artifact, name and alias; the list has it at once, and the registry too."""
    screen.open(NOTEBOOK)
    view = screen.show_panel("models", width=350)
    view.get_by_role("button", name="Register…").click()
    form = view.get_by_role("form", name="Register a model")
    made = form.get_by_label("What it made")
    made.locator("option", has_text="forest · RandomForestClassifier").wait_for(state="attached")
    made.select_option(value=f"{run}:train-forest/forest")
    form.get_by_label("Name").fill("a/b")
    assert form.get_by_role("button", name="Register").is_disabled()
    form.get_by_label("Name").fill("trees <b>")
    form.get_by_label("Alias").fill("champion")
    form.get_by_role("button", name="Register").click()
    card = view.get_by_role("region", name="Model trees <b>")
    card.get_by_text("roc_auc.forest").wait_for()
    (found,) = [one for one in lab.api("GET", "models")["models"] if one["name"] == "trees <b>"]
    assert found["aliases"] == {"champion": 1}
    card.get_by_role("button", name="Take the alias champion away").click()
    card.get_by_role("button", name="Take the alias champion away").wait_for(state="detached")
    (found,) = [one for one in lab.api("GET", "models")["models"] if one["name"] == "trees <b>"]
    assert found["aliases"] == {}
    card.get_by_role("button", name="Remove…").click()
    screen.page.locator(".jp-Dialog").get_by_role("button", name="Remove").click()
    card.get_by_text("All its versions were removed.").or_(view.get_by_text("No models yet")).first.wait_for()


def test_a_model_leads_back_to_the_cell_that_made_it(screen: Any, model: str) -> None:
    """Models, then the graph, then the artifact, then the cell."""
    screen.open(NOTEBOOK)
    view = screen.show_panel("models")
    view.get_by_role("region", name=f"Model {model}").get_by_role("button", name="Lineage", exact=True).click()
    graph = screen.page.get_by_role("group", name="Lineage of forest")
    graph.get_by_role("button", name="model churn version 1 (champion)").wait_for()
    graph.get_by_role("button", name="artifact forest").click()
    details = screen.page.get_by_role("region", name="Details of forest")
    details.get_by_text("sklearn.ensemble.RandomForestClassifier").wait_for()
    details.get_by_role("button", name="cell 12").click()
    screen.page.wait_for_function(
        """() => {
            const shell = window.jupyterapp.shell.currentWidget;
            return shell?.content?.activeCell?.model?.id === 'train-forest';
        }"""
    )


def test_a_graph_is_walked_by_keys_and_there_after_a_reload(lab: Any, screen: Any, run: str, model: str) -> None:
    """Arrow keys go from box to box, Enter chooses; the view keeps what it shows."""
    screen.open(NOTEBOOK)
    screen.command("jupyter-mlops:open-lineage", what=f"model:{model}", direction="up")
    graph = screen.page.get_by_role("group", name="Lineage of forest")
    forest = graph.get_by_role("button", name="artifact forest")
    forest.focus()
    up = "ArrowUp" if screen.page.get_by_role("button", name="Left to right").count() else "ArrowLeft"
    forest.press(up)
    screen.page.wait_for_function("() => document.activeElement?.ariaLabel?.startsWith('step train forest')")
    screen.page.keyboard.press("Enter")
    screen.page.get_by_role("region", name="Details of train forest").wait_for()
    screen.page.wait_for_timeout(1500)  # the layout is saved a little later
    screen.page.goto(f"{lab.url}lab?token={lab.token}")
    screen.page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=60_000)
    again = screen.page.get_by_role("group", name="Lineage of forest")
    again.get_by_role("button", name="artifact forest").wait_for(timeout=60_000)
    assert again.get_by_role("button", name="step evaluate").count() == 0


def test_the_tab_lists_what_made_the_latest_run(screen: Any, run: str) -> None:
    """As lists, with the details of what is chosen."""
    screen.open(NOTEBOOK)
    view = screen.show_panel("lineage", width=350)
    view.get_by_role("button", name="artifact X_train").first.click()
    details = view.get_by_role("region", name="Details of X_train")
    details.get_by_text("DataFrame 426 × 30").wait_for()
    details.get_by_role("button", name="Load into kernel").wait_for()
    search = view.get_by_role("combobox", name="Run, artifact, file or model")
    search.fill("no such thing")
    search.press("Enter")
    view.get_by_role("alert").get_by_text("no such thing").wait_for()


def test_deploy_says_why_it_is_disabled(lab: Any, screen: Any, model: str) -> None:
    """What the server gives as the reason stands beside the button."""
    reason = "The extra deploy is not installed here."

    def without(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "deploy": {"available": False, "reason": reason}})

    screen.page.route("**/jupyter-mlops/api/status*", without)
    screen.open(NOTEBOOK)
    view = screen.show_panel("models")
    card = view.get_by_role("region", name=f"Model {model}")
    button = card.get_by_role("button", name="Deploy…")
    button.wait_for()
    assert button.is_disabled()
    assert card.get_by_text(reason).is_visible()
