"""The whole story in a browser: from an untagged notebook to a registered model."""

from __future__ import annotations

from typing import Any

PATIENCE = 60_000
"""Milliseconds for a run on a machine that does much else."""
NOTEBOOK = "story.ipynb"
PANEL = "#jupyter-mlops-panel"
CELLS = (
    ("", "import numpy as np\nfrom sklearn.linear_model import LogisticRegression"),
    ("parameters", "rows = 40\nstrength = 1.0"),
    ("", "random = np.random.RandomState(7)\nX = random.normal(size=(rows, 3))\ny = (X[:, 0] > 0).astype(int)"),
    ("", "classifier = LogisticRegression(C=strength).fit(X, y)"),
    ("", "accuracy = classifier.score(X, y)\nprint(f'accuracy {accuracy:.2f}')"),
)
HEADINGS = {2: "## Load", 3: "## Train", 4: "## Evaluate"}
SOURCE = "window.jupyterapp.shell.currentWidget.content.model.sharedModel"


def _write(lab: Any) -> None:
    import json

    path = lab.write_notebook(NOTEBOOK, *CELLS)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        if number in HEADINGS:
            cells.append({"id": f"head-{number}", "cell_type": "markdown", "metadata": {}, "source": HEADINGS[number]})
        cells.append(cell)
    notebook["cells"] = cells
    path.write_text(json.dumps(notebook), encoding="utf-8")


def _rewrite(screen: Any, old: str, new: str) -> None:
    """Edit the cell that has a text, as typing does."""
    screen.page.evaluate(
        f"""([from, to]) => {{
            const cell = {SOURCE}.cells.find(cell => cell.getSource().includes(from));
            cell.setSource(cell.getSource().replace(from, to));
        }}""",
        [old, new],
    )


def _run(view: Any, button: str = "Run") -> None:
    view.get_by_role("button", name=button, exact=True).click(timeout=PATIENCE)


def _await_end(view: Any, state: str) -> None:
    view.locator(f".jp-mlops-Standing.jp-mod-{state}").wait_for(timeout=PATIENCE)


def _states(lab: Any) -> list[str]:
    """How the steps of the newest job ended."""
    newest = max(lab.api("GET", "jobs")["jobs"], key=lambda job: str(job["created"]))
    return [step["status"] for step in newest["steps"]]


def test_from_an_untagged_notebook_to_a_registered_model(screen: Any, lab: Any) -> None:
    page = screen.page
    _write(lab)
    screen.open(NOTEBOOK)
    view = screen.show_panel("pipeline", width=400)

    # steps are proposed, and taken over
    view.get_by_role("button", name="Suggest steps").first.click(timeout=PATIENCE)
    page.get_by_role("button", name="Apply", exact=True).click(timeout=PATIENCE)
    for name in ("Load", "Train", "Evaluate"):
        view.get_by_role("button", name=f"Step {name}").wait_for(timeout=PATIENCE)
    assert screen.axe(PANEL) == []

    # a first run, with a value of a parameter changed in the form
    view.get_by_label("rows").fill("60")
    view.get_by_label("rows").press("Tab")
    _run(view)
    _await_end(view, "succeeded")
    assert _states(lab) == ["succeeded"] * 3
    # the graph says how the run ended, and soon what the next one would do
    view.locator(".jp-mlops-Step:is(.jp-mod-succeeded, .jp-mod-reused)").nth(2).wait_for(timeout=PATIENCE)

    # a cell breaks: the failure leads to the cell; mended, the run goes on from there
    _rewrite(screen, "LogisticRegression(C=strength)", "LogisticRegression(C=strength, solver='nonsense')")
    _run(view)
    _await_end(view, "failed")
    view.get_by_text("Train failed").wait_for()
    assert "nonsense" in view.locator(".jp-mlops-Traceback").first.text_content()
    _rewrite(screen, "nonsense", "liblinear")
    view.get_by_role("button", name="Resume", exact=True).first.click(timeout=PATIENCE)
    _await_end(view, "succeeded")
    assert _states(lab) == ["reused", "succeeded", "succeeded"]

    # one more with another value; the two are compared
    view.get_by_label("strength").fill("0.01")
    view.get_by_label("strength").press("Tab")
    _run(view)
    page.wait_for_function("() => !document.querySelector('.jp-mlops-Standing.jp-mod-succeeded')", timeout=PATIENCE)
    _await_end(view, "succeeded")
    view = screen.show_panel("runs", width=500)
    view.locator(".jp-mlops-Runs-row.jp-mod-run").nth(2).wait_for(timeout=PATIENCE)
    for position in (0, 1):
        row = view.locator(".jp-mlops-Runs-body [role=row].jp-mod-run").nth(position)
        row.get_by_role("checkbox").check()
    assert screen.axe(PANEL) == []
    view.get_by_role("button", name="Compare 2").click()
    compared = page.locator(".jp-mlops-Compare")
    compared.get_by_text("strength").first.wait_for(timeout=PATIENCE)

    # the model's lineage leads to the cell that made it
    newest = lab.api("GET", f"runs?path={NOTEBOOK}&limit=1")["runs"][0]["run_id"]
    screen.command("docmanager:open", path=NOTEBOOK)
    view = screen.show_panel("lineage", width=400)
    search = view.get_by_role("combobox", name="Run, artifact, file or model")
    search.fill(f"{newest}:classifier")
    search.press("Enter")
    view.get_by_role("button", name="artifact classifier").first.click(timeout=PATIENCE)
    details = view.get_by_role("region", name="Details of classifier")
    details.get_by_text("LogisticRegression").first.wait_for(timeout=PATIENCE)
    details.get_by_role("button", name="cell", exact=False).first.click()
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.content?.activeCell?.model?.id === 'cell-4'", timeout=PATIENCE
    )

    # registered
    view = screen.show_panel("models", width=400)
    view.get_by_role("button", name="Register…").first.click(timeout=PATIENCE)
    form = view.get_by_role("form", name="Register a model")
    made = form.get_by_label("What it made")
    option = made.locator("option", has_text="classifier")
    option.wait_for(state="attached", timeout=PATIENCE)
    made.select_option(value=option.get_attribute("value"))
    form.get_by_label("Name").fill("churn")
    form.get_by_role("button", name="Register").click()
    card = view.get_by_role("region", name="Model churn")
    card.wait_for(timeout=PATIENCE)
    assert screen.axe(PANEL) == []
