"""Problems, suggestions, long notebooks, accessibility and the kernel, at the cells of a notebook."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.bars import (
    CELLS,
    MODEL,
    PLAIN,
    activate,
    ask_kernel,
    await_rest,
    await_tags,
    names,
    open_editor,
    open_notebook,
    set_source,
    tags,
    undo,
)


def test_a_problem_is_told_at_its_cell_with_its_cure_and_goes_when_it_is_mended(bars: Any) -> None:
    set_source(bars, 4, "total = sum(rows")
    problem = bars.page.locator(".jp-Cell").nth(4).locator(".jp-mlops-CellProblem")
    problem.wait_for()
    assert "MLO001" in problem.inner_text() and "Mend the cell" in problem.inner_text()
    status = bars.page.locator(".jp-mlops-NotebookStatus-button")
    assert status.inner_text() == "3 steps · 1 problem"
    problem.get_by_role("button", name="Explain MLO001").click()
    bars.page.get_by_text("Python can’t parse the cell").or_(
        bars.page.get_by_text("Python can't parse the cell")
    ).wait_for()
    activate(bars, 0)
    status.click()
    bars.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 4")
    set_source(bars, 4, "total = sum(rows)")
    problem.wait_for(state="hidden")


def test_suggested_steps_are_shown_then_applied_and_one_undo_takes_them_back(window: Any) -> None:
    screen = open_notebook(window, "suggest.ipynb", *PLAIN)
    screen.page.get_by_role("button", name="MLOps: Suggest steps").click()
    band = screen.page.get_by_role("region", name="Suggested steps")
    band.wait_for()
    proposed = screen.page.locator(".jp-mlops-Bar.jp-mod-proposed")
    assert proposed.count() > 0
    assert tags(screen) == [[]] * 4
    band.get_by_role("button", name="Dismiss").click()
    band.wait_for(state="detached")
    assert screen.page.locator(".jp-mlops-Bar:not(.lm-mod-hidden)").count() == 0
    activate(screen, 0)
    screen.command("jupyter-mlops:suggest-steps")
    band.get_by_role("button", name="Apply").click()
    band.wait_for(state="detached")
    assert tags(screen)[0] == ["imports"]
    assert any(tag.startswith("step:") for tags in tags(screen) for tag in tags)
    assert proposed.count() == 0
    undo(screen)
    await_tags(screen, [[], [], [], []])


def test_bars_are_hidden_and_stay_hidden(bars: Any) -> None:
    bars.command("jupyter-mlops:toggle-bars")
    bars.page.wait_for_selector(".jp-mlops-Bar", state="hidden")
    assert names(bars) == []
    assert bars.page.locator(".jp-mlops-Cell").count() == 0
    open_notebook(bars, "hidden.ipynb", *CELLS)
    bars.page.locator(".jp-mlops-NotebookStatus-button", has_text="3 steps").wait_for()
    assert names(bars) == []
    bars.command("jupyter-mlops:toggle-bars")
    bars.page.wait_for_function("() => document.querySelectorAll('.jp-mlops-Bar').length === 6")


def test_names_are_texts_and_nothing_in_them_is_executed(window: Any) -> None:
    evil = "<img src=x onerror=window.hurt=1><script>window.hurt=1</script>"
    screen = open_notebook(
        window,
        "evil.ipynb",
        (f"step:{evil}", "a = 1"),
        (f"step:other|after:{evil}", "b = a"),
        (f"step:third|after:nobody{evil}", "c = 1"),
    )
    screen.page.wait_for_selector(".jp-mlops-CellProblem")
    assert names(screen)[0] == evil
    open_editor(screen, 1)
    screen.page.wait_for_timeout(300)
    assert screen.page.evaluate("() => window.hurt") is None
    assert screen.page.locator(".jp-Notebook img").count() == 0


def test_in_a_long_notebook_only_the_bars_that_changed_are_touched(window: Any) -> None:
    cells = [(f"step:part {at // 4}" if at % 4 == 0 else "", f"v{at} = {at}") for at in range(200)]
    screen = open_notebook(window, "long.ipynb", *cells)
    await_rest(screen)
    activate(screen, 0)
    screen.page.keyboard.press("Enter")
    screen.page.evaluate(
        """() => {
            // more cells may be rendered meanwhile; what counts is that the bars that are there are left alone
            const known = new Set(document.querySelectorAll('.jp-mlops-Bar'));
            window.touched = new Set();
            new MutationObserver(records => records.forEach(record => {
                const { target } = record;
                const bar = (target.closest ? target : target.parentElement)?.closest('.jp-mlops-Bar');
                if (known.has(bar)) window.touched.add(bar);
            })).observe(
                document.querySelector('.jp-Notebook'), { subtree: true, characterData: true, childList: true }
            );
        }"""
    )
    with screen.page.expect_response(re.compile("jupyter-mlops/api/analysis")):
        screen.page.keyboard.type("\n# a remark, typed letter by letter", delay=20)
    screen.page.wait_for_timeout(1000)
    assert screen.page.evaluate("() => window.touched.size") == 0
    activate(screen, 0)
    screen.command("jupyter-mlops:set-kind", kind="step", step="first part")
    screen.page.wait_for_function("() => window.touched.size > 0")
    screen.page.wait_for_timeout(1000)
    touched = screen.page.evaluate("() => [...window.touched].map(bar => bar.querySelector('button').textContent)")
    assert touched == ["first part"] * 4


def test_cells_that_scroll_into_view_and_new_ones_have_bars(window: Any) -> None:
    cells = [(f"step:part {at // 4}" if at % 4 == 0 else "", f"v{at} = {at}") for at in range(200)]
    screen = open_notebook(window, "scroll.ipynb", *cells)
    screen.page.wait_for_selector(".jp-mlops-Bar")
    screen.command("jupyter-mlops:go-to-cell", cell="cell-199", line=1)
    last = screen.page.locator('.jp-Cell[data-windowed-list-index="198"] .jp-mlops-Bar-name')
    last.wait_for()
    assert last.text_content() == "part 49"
    screen.command("notebook:insert-cell-below")
    new = screen.page.locator('.jp-Cell[data-windowed-list-index="199"] .jp-mlops-Bar-name')
    new.wait_for()
    assert new.text_content() == "part 49"
    screen.command("notebook:delete-cell")
    screen.page.wait_for_function(f"() => {MODEL}.cells.length === 200")
    screen.command("jupyter-mlops:go-to-cell", cell="cell-1")
    first = screen.page.locator('.jp-Cell[data-windowed-list-index="0"] .jp-mlops-Bar')
    first.wait_for()
    assert first.count() == 1


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_everything_can_be_read_and_has_a_name(bars: Any, theme: str) -> None:
    bars.command("apputils:change-theme", theme=theme)
    bars.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
    set_source(bars, 5, "score = total /")
    bars.page.wait_for_selector(".jp-mlops-CellProblem")
    editor = open_editor(bars, 2)
    editor.get_by_text("Settings of the step").click()
    places = (".jp-mlops-Bar", ".jp-mlops-Editor", ".jp-mlops-Problems", ".jp-mlops-NotebookStatus")
    assert bars.axe(*places) == []


@pytest.mark.kernel
def test_values_of_a_run_come_into_the_kernel_and_overwrite_nothing_unasked(window: Any, root: Path) -> None:
    open_notebook(window, "load.ipynb", *CELLS)
    made = subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.cli", "run", "load.ipynb", "--format", "json"],
        cwd=window.lab.folder,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    run = json.loads(made.stdout)["run_id"]
    window.command("jupyter-mlops:load-into-kernel", run=run, step="sum-up")
    assert ask_kernel(window, "rows") == "[0, 1, 2]"
    ask_kernel(window, "globals().update(rows='mine')")
    window.page.evaluate(
        "run => void window.jupyterapp.commands.execute('jupyter-mlops:load-into-kernel', { run, step: 'sum-up' })", run
    )
    dialog = window.page.get_by_role("dialog")
    dialog.get_by_text("rows").first.wait_for()
    dialog.get_by_role("button", name="Keep them").click()
    dialog.wait_for(state="detached")
    assert ask_kernel(window, "rows") == "'mine'"
    window.page.evaluate(
        """run => {
            const wish = { run, artifact: 'total' };
            window.loaded = window.jupyterapp.commands.execute('jupyter-mlops:load-into-kernel', wish);
        }""",
        run,
    )
    assert window.page.evaluate("() => window.loaded") is True
    assert ask_kernel(window, "total") == "3"
