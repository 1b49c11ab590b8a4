"""The bars at the cells of a notebook: what they show, and that each change through them is one that can be undone."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CELLS = (
    ("imports", "import math"),
    ("parameters", "n: int = 3"),
    ("step:load", "rows = list(range(n))"),
    ("", "rows[0]"),
    ("step:sum up", "total = sum(rows)"),
    ("metrics", "score = total / 2"),
)
TAGS = [["imports"], ["parameters"], ["step:load"], [], ["step:sum up"], ["metrics"]]
MODEL = "window.jupyterapp.shell.currentWidget.content.model.sharedModel"
PLAIN = (
    ("", "import math"),
    ("", "rows = [1, 2, 3]"),
    ("", "total = sum(rows)"),
    ("", "print(math.sqrt(total))"),
)


@pytest.fixture(scope="module")
def window(lab: Any, browser: Any) -> Iterator[Any]:
    """One JupyterLab for all tests; at their end the extension must have thrown no error."""
    from tests.lab.conftest import Screen

    context = browser.new_context(viewport={"width": 1400, "height": 900})
    shown = Screen(lab, context.new_page())
    ours: list[str] = []
    # closing notebooks in a hurry makes JupyterLab itself complain
    shown.page.on("pageerror", lambda error: ours.append(error.stack) if "jupyter-mlops" in (error.stack or "") else None)
    shown.open()
    commands = ("docmanager:open", "notebook:undo-cell-action", "jupyter-mlops:edit-cell", "jupyter-mlops:show-panel")
    for name in commands:
        shown.page.wait_for_function("name => window.jupyterapp?.commands.hasCommand(name)", arg=name)
    yield shown
    context.close()
    assert not ours, ours


def _open(window: Any, name: str, *cells: tuple[str, str]) -> Any:
    """Open a new notebook, and nothing else."""
    window.lab.write_notebook(name, *cells)
    window.page.evaluate(
        """async name => {
            const { commands, restored, shell } = window.jupyterapp;
            await restored;
            for (const widget of [...shell.widgets('main')]) {
                if (widget.context) {
                    widget.context.model.dirty = false;
                    void widget.context.sessionContext.shutdown();
                }
                widget.close();
            }
            const panel = await commands.execute('docmanager:open', { path: name });
            await panel.revealed;
            shell.activateById(panel.id);
        }""",
        name,
    )
    window.page.wait_for_selector(".jp-Notebook .jp-Cell")
    return window


def _axe(screen: Any, root: Path, *where: str) -> list[str]:
    """What a check of accessibility finds in these places."""
    if not screen.page.evaluate("() => 'axe' in window"):
        screen.page.add_script_tag(path=root / "labextension" / "node_modules" / "axe-core" / "axe.min.js")
    found: list[str] = screen.page.evaluate(
        """async places => {
            const found = await window.axe.run({ include: places.map(place => [place]) }, { resultTypes: ['violations'] });
            return found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.html}: ${node.failureSummary}`));
        }""",
        list(where),
    )
    return found


@pytest.fixture
def bars(window: Any) -> Any:
    """A notebook with three steps, open, with what flows through them."""
    _open(window, f"bars-{secrets.token_hex(4)}.ipynb", *CELLS)
    window.page.wait_for_selector(".jp-mlops-Bar-flow:not(:empty)")
    return window


def _names(screen: Any) -> list[str]:
    found: list[str] = screen.page.locator(".jp-mlops-Bar:not(.lm-mod-hidden) .jp-mlops-Bar-name").all_inner_texts()
    return found


def _metadata(screen: Any, name: str) -> list[Any]:
    found: list[Any] = screen.page.evaluate(
        f"name => {MODEL}.cells.map(cell => cell.getMetadata(name) ?? null)",
        name,
    )
    return found


def _tags(screen: Any) -> list[list[str]]:
    return [tags or [] for tags in _metadata(screen, "tags")]


def _await_tags(screen: Any, wanted: list[list[str]]) -> None:
    screen.page.wait_for_function(
        f"wanted => JSON.stringify({MODEL}.cells.map(cell => cell.getMetadata('tags') ?? [])) === wanted",
        arg=str(wanted).replace("'", '"').replace(", ", ","),
    )


def _undo(screen: Any) -> None:
    screen.command("notebook:undo-cell-action")


def _activate(screen: Any, position: int, last: int | None = None) -> None:
    """Make a cell the active one, or select cells up to another one."""
    screen.page.evaluate(
        """([first, last]) => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.deselectAll();
            notebook.activeCellIndex = first;
            if (last !== null) notebook.extendContiguousSelectionTo(last);
            notebook.mode = 'command';
            notebook.activeCell.node.focus();
        }""",
        [position, last],
    )


def _open_editor(screen: Any, position: int) -> Any:
    screen.page.locator(".jp-mlops-Bar-name").nth(position).click()
    editor = screen.page.get_by_role("group", name="Place in the pipeline")
    editor.wait_for()
    return editor


def test_each_code_cell_shows_its_step_and_what_flows(bars: Any) -> None:
    assert _names(bars) == ["imports", "parameters", "load", "load", "sum up", "metrics"]
    flows = bars.page.locator(".jp-mlops-Bar-flow").all_inner_texts()
    assert flows[2:] == ["→ rows", "", "rows → total", "total →"]
    title = bars.page.locator(".jp-mlops-Bar").nth(4).get_attribute("title")
    assert "Inputs: rows" in title and "Outputs: total" in title
    assert bars.page.locator(".jp-mlops-NotebookStatus-button").inner_text() == "3 steps"


def test_colours_are_those_of_the_steps(bars: Any) -> None:
    colours = bars.page.locator(".jp-mlops-Bar").evaluate_all(
        "bars => bars.map(bar => bar.style.getPropertyValue('--jp-mlops-colour'))"
    )
    assert colours[0] == colours[1]  # shared cells
    assert colours[2] == colours[3]
    assert len({colours[0], colours[2], colours[4], colours[5]}) == 4


def test_a_notebook_without_tags_has_no_bars_but_a_way_to_them(window: Any) -> None:
    screen = _open(window, "plain.ipynb", *PLAIN)
    screen.page.get_by_role("button", name="MLOps: Suggest steps").wait_for()
    assert screen.page.locator(".jp-mlops-Bar:not(.lm-mod-hidden)").count() == 0


def test_a_step_is_renamed_wherever_it_is_named_and_one_undo_takes_it_back(bars: Any) -> None:
    editor = _open_editor(bars, 2)
    name = editor.get_by_label("Step name")
    assert name.input_value() == "load"
    name.fill("read rows")
    name.press("Enter")
    _await_tags(bars, [["imports"], ["parameters"], ["step:read rows"], [], ["step:sum up"], ["metrics"]])
    assert _names(bars)[2:4] == ["read rows", "read rows"]
    _undo(bars)
    _await_tags(bars, TAGS)
    bars.command("notebook:redo-cell-action")
    _await_tags(bars, [["imports"], ["parameters"], ["step:read rows"], [], ["step:sum up"], ["metrics"]])


def test_quick_changes_are_undone_one_by_one(bars: Any) -> None:
    editor = _open_editor(bars, 3)
    editor.get_by_label("Kind").select_option("skip")
    _await_tags(bars, [*TAGS[:3], ["skip"], *TAGS[4:]])
    editor.get_by_label("Kind").select_option("setup")
    _await_tags(bars, [*TAGS[:3], ["setup"], *TAGS[4:]])
    _undo(bars)
    _await_tags(bars, [*TAGS[:3], ["skip"], *TAGS[4:]])
    _undo(bars)
    _await_tags(bars, TAGS)


def test_a_cell_begins_a_new_step(bars: Any) -> None:
    editor = _open_editor(bars, 3)
    editor.get_by_label("Kind").select_option("step")
    name = editor.get_by_label("Step name")
    assert name.input_value() == ""
    name.press("Enter")
    editor.get_by_label("Step name").fill("  look ")
    name.press("Enter")
    _await_tags(bars, [*TAGS[:3], ["step:look"], *TAGS[4:]])
    assert bars.page.locator(".jp-mlops-NotebookStatus-button").inner_text() == "4 steps"


def test_settings_go_to_the_first_cell_of_the_step_and_are_checked(bars: Any) -> None:
    editor = _open_editor(bars, 3)
    editor.get_by_text("Settings of the step, kept at its first cell").click()
    memory = editor.get_by_label("Memory")
    memory.fill("much")
    memory.press("Enter")
    editor.get_by_text("Write an amount, for example 4Gi or 512Mi.").wait_for()
    assert _metadata(bars, "mlops") == [None] * 6
    memory.fill("4Gi")
    memory.press("Enter")
    editor.get_by_label("Accelerator").fill("nvidia.com/gpu")
    editor.get_by_label("Accelerator").press("Enter")
    editor.get_by_label("How many").fill("2")
    editor.get_by_label("How many").press("Enter")
    editor.get_by_label("Cache").select_option("off")
    editor.get_by_label("Retries").fill("3")
    editor.get_by_label("Packages").fill("pandas>=2.1\nnumpy")
    editor.get_by_label("Retries").focus()
    wanted = {
        "memory": "4Gi",
        "accelerator": {"type": "nvidia.com/gpu", "count": 2},
        "cache": "off",
        "retries": 3,
        "packages": ["pandas>=2.1", "numpy"],
    }
    bars.page.wait_for_function(f"() => {MODEL}.cells[2].getMetadata('mlops')?.packages?.length === 2")
    assert _metadata(bars, "mlops")[2] == wanted
    more = bars.page.locator(".jp-mlops-Bar-more").nth(2).inner_text()
    assert more == "4Gi · 2 × nvidia.com/gpu · cache off · retries 3"
    for _ in range(6):
        _undo(bars)
    assert _metadata(bars, "mlops") == [None] * 6


def test_a_step_waits_for_another_one(bars: Any) -> None:
    editor = _open_editor(bars, 4)
    editor.get_by_label("Waits for").select_option("load")
    _await_tags(bars, [*TAGS[:4], ["step:sum up", "after:load"], TAGS[5]])
    editor.get_by_role("button", name="Do not wait for load").click()
    _await_tags(bars, TAGS)


def test_the_keyboard_opens_and_closes_the_editor_and_its_keys_are_not_commands(bars: Any) -> None:
    _activate(bars, 2)
    bars.page.keyboard.press("t")
    bars.page.keyboard.press("e")
    editor = bars.page.get_by_role("group", name="Place in the pipeline")
    editor.wait_for()
    bars.page.wait_for_function("() => document.activeElement.tagName === 'SELECT'")
    for key in ("a", "d", "d", "x"):  # insert, delete, cut, where they are commands
        bars.page.keyboard.press(key)
    assert len(_tags(bars)) == len(CELLS)
    bars.page.keyboard.press("Escape")
    editor.wait_for(state="detached")
    assert bars.page.evaluate("() => document.activeElement.classList.contains('jp-Cell')")


def test_several_cells_are_tagged_at_once(bars: Any) -> None:
    _activate(bars, 3, 4)
    bars.command("jupyter-mlops:set-kind", kind="skip")
    _await_tags(bars, [*TAGS[:3], ["skip"], ["skip"], TAGS[5]])
    _undo(bars)
    _await_tags(bars, TAGS)
    _activate(bars, 2, 4)
    bars.command("jupyter-mlops:set-kind", kind="step", step="all")
    _await_tags(bars, [*TAGS[:2], ["step:all"], [], [], TAGS[5]])


def test_the_boundary_of_a_step_is_dragged(bars: Any) -> None:
    bars.page.locator(".jp-Cell").nth(4).hover()
    grip = bars.page.locator(".jp-mlops-Bar-grip").nth(4).bounding_box()
    target = bars.page.locator(".jp-Cell").nth(3).bounding_box()
    bars.page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    bars.page.mouse.down()
    bars.page.mouse.move(grip["x"] + 5, target["y"] + 3, steps=5)
    assert bars.page.locator(".jp-Cell").nth(3).locator(".jp-mlops-DropLine").count() == 1
    bars.page.mouse.up()
    _await_tags(bars, [*TAGS[:3], ["step:sum up"], [], TAGS[5]])
    assert bars.page.locator(".jp-mlops-DropLine").count() == 0
    _undo(bars)
    _await_tags(bars, TAGS)


def test_the_boundary_of_a_step_is_moved_by_the_keyboard(bars: Any) -> None:
    _activate(bars, 4)
    bars.page.keyboard.press("t")
    bars.page.keyboard.press("ArrowUp")
    _await_tags(bars, [*TAGS[:3], ["step:sum up"], [], TAGS[5]])
    bars.page.keyboard.press("t")
    bars.page.keyboard.press("ArrowDown")
    _await_tags(bars, TAGS)


def test_a_problem_is_told_at_its_cell_with_its_cure_and_goes_when_it_is_mended(bars: Any) -> None:
    _set_source(bars, 4, "total = sum(rows")
    problem = bars.page.locator(".jp-Cell").nth(4).locator(".jp-mlops-CellProblem")
    problem.wait_for()
    assert "MLO001" in problem.inner_text() and "Mend the cell" in problem.inner_text()
    status = bars.page.locator(".jp-mlops-NotebookStatus-button")
    assert status.inner_text() == "3 steps · 1 problem"
    problem.get_by_role("button", name="Explain MLO001").click()
    bars.page.get_by_text("Python can’t parse the cell").or_(
        bars.page.get_by_text("Python can't parse the cell")
    ).wait_for()
    _activate(bars, 0)
    status.click()
    bars.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 4"
    )
    _set_source(bars, 4, "total = sum(rows)")
    problem.wait_for(state="hidden")


def test_suggested_steps_are_shown_then_applied_and_one_undo_takes_them_back(window: Any) -> None:
    screen = _open(window, "suggest.ipynb", *PLAIN)
    screen.page.get_by_role("button", name="MLOps: Suggest steps").click()
    band = screen.page.get_by_role("region", name="Suggested steps")
    band.wait_for()
    proposed = screen.page.locator(".jp-mlops-Bar.jp-mod-proposed")
    assert proposed.count() > 0
    assert _tags(screen) == [[]] * 4
    band.get_by_role("button", name="Dismiss").click()
    band.wait_for(state="detached")
    assert screen.page.locator(".jp-mlops-Bar:not(.lm-mod-hidden)").count() == 0
    _activate(screen, 0)
    screen.command("jupyter-mlops:suggest-steps")
    band.get_by_role("button", name="Apply").click()
    band.wait_for(state="detached")
    assert _tags(screen)[0] == ["imports"]
    assert any(tag.startswith("step:") for tags in _tags(screen) for tag in tags)
    assert proposed.count() == 0
    _undo(screen)
    _await_tags(screen, [[], [], [], []])


def test_bars_are_hidden_and_stay_hidden(bars: Any) -> None:
    bars.command("jupyter-mlops:toggle-bars")
    bars.page.wait_for_selector(".jp-mlops-Bar", state="hidden")
    assert _names(bars) == []
    assert bars.page.locator(".jp-mlops-Cell").count() == 0
    _open(bars, "hidden.ipynb", *CELLS)
    bars.page.wait_for_function("() => /3 steps/.test(document.querySelector('.jp-mlops-NotebookStatus-button')?.textContent)")
    assert _names(bars) == []
    bars.command("jupyter-mlops:toggle-bars")
    bars.page.wait_for_function("() => document.querySelectorAll('.jp-mlops-Bar').length === 6")


def test_names_are_texts_and_nothing_in_them_is_executed(window: Any) -> None:
    evil = "<img src=x onerror=window.hurt=1><script>window.hurt=1</script>"
    screen = _open(
        window,
        "evil.ipynb",
        (f"step:{evil}", "a = 1"),
        (f"step:other|after:{evil}", "b = a"),
        (f"step:third|after:nobody{evil}", "c = 1"),
    )
    screen.page.wait_for_selector(".jp-mlops-CellProblem")
    assert _names(screen)[0] == evil
    _open_editor(screen, 1)
    screen.page.wait_for_timeout(300)
    assert screen.page.evaluate("() => window.hurt") is None
    assert screen.page.locator(".jp-Notebook img").count() == 0


def test_in_a_long_notebook_only_the_bars_that_changed_are_touched(window: Any) -> None:
    cells = [(f"step:part {at // 4}" if at % 4 == 0 else "", f"v{at} = {at}") for at in range(200)]
    screen = _open(window, "long.ipynb", *cells)
    _await_rest(screen)
    _activate(screen, 0)
    screen.page.keyboard.press("Enter")
    screen.page.evaluate(
        """() => {
            window.touched = new Set();
            new MutationObserver(records => records.forEach(record => {
                const bar = record.target.parentElement?.closest('.jp-mlops-Bar') ?? record.target.closest?.('.jp-mlops-Bar');
                if (bar) window.touched.add(bar);
            })).observe(document.querySelector('.jp-Notebook'), { subtree: true, characterData: true, childList: true });
            window.frames_ = [];
            new PerformanceObserver(list => list.getEntries().forEach(entry => entry.scripts.forEach(script =>
                window.frames_.push([script.sourceURL, script.duration])
            ))).observe({ type: 'long-animation-frame', buffered: false });
        }"""
    )
    with screen.page.expect_response(re.compile("jupyter-mlops/api/analysis")):
        screen.page.keyboard.type("\n# a remark, typed letter by letter", delay=20)
    screen.page.wait_for_timeout(1000)
    assert screen.page.evaluate("() => window.touched.size") == 0
    ours = screen.page.evaluate("() => window.frames_.filter(([url]) => url.includes('jupyter-mlops'))")
    assert [duration for _, duration in ours if duration > 50] == []


def _await_rest(screen: Any) -> None:
    """Wait until no more cells are rendered, and the notebook has been analysed."""
    screen.page.evaluate(
        """async () => {
            let seen = -1;
            for (let turn = 0; turn < 60; turn++) {
                const count = document.querySelectorAll('.jp-mlops-Bar').length;
                if (count > 0 && count === seen) return;
                seen = count;
                await new Promise(resolve => setTimeout(resolve, 1000));
            }
            throw new Error('cells are still being rendered');
        }"""
    )


def test_cells_that_scroll_into_view_and_new_ones_have_bars(window: Any) -> None:
    cells = [(f"step:part {at // 4}" if at % 4 == 0 else "", f"v{at} = {at}") for at in range(200)]
    screen = _open(window, "scroll.ipynb", *cells)
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


def _set_source(screen: Any, position: int, source: str) -> None:
    screen.page.evaluate(f"([at, text]) => {MODEL}.cells[at].setSource(text)", [position, source])


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_everything_can_be_read_and_has_a_name(bars: Any, root: Path, theme: str) -> None:
    bars.command("apputils:change-theme", theme=theme)
    bars.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
    _set_source(bars, 5, "score = total /")
    bars.page.wait_for_selector(".jp-mlops-CellProblem")
    editor = _open_editor(bars, 2)
    editor.get_by_text("Settings of the step").click()
    places = (".jp-mlops-Bar", ".jp-mlops-Editor", ".jp-mlops-Problems", ".jp-mlops-NotebookStatus")
    assert _axe(bars, root, *places) == []


@pytest.mark.kernel
def test_values_of_a_run_come_into_the_kernel_and_overwrite_nothing_unasked(window: Any, root: Path) -> None:
    _open(window, "load.ipynb", *CELLS)
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
    assert _ask_kernel(window, "rows") == "[0, 1, 2]"
    _ask_kernel(window, "globals().update(rows='mine')")
    window.page.evaluate(
        "run => void window.jupyterapp.commands.execute('jupyter-mlops:load-into-kernel', { run, step: 'sum-up' })", run
    )
    dialog = window.page.get_by_role("dialog")
    dialog.get_by_text("rows").first.wait_for()
    dialog.get_by_role("button", name="Keep them").click()
    dialog.wait_for(state="detached")
    assert _ask_kernel(window, "rows") == "'mine'"
    window.page.evaluate(
        "run => { window.loaded = window.jupyterapp.commands.execute('jupyter-mlops:load-into-kernel', { run, artifact: 'total' }) }",
        run,
    )
    assert window.page.evaluate("() => window.loaded") is True
    assert _ask_kernel(window, "total") == "3"


def _ask_kernel(screen: Any, expression: str) -> str:
    found: str = screen.page.evaluate(
        """async asked => {
            const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
            const future = kernel.requestExecute({ code: '', silent: true, user_expressions: { asked } });
            return (await future.done).content.user_expressions.asked.data['text/plain'];
        }""",
        expression,
    )
    return found
