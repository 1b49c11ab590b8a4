"""The bars at the cells of a notebook: what they show, and that each change through them can be undone."""

from __future__ import annotations

from typing import Any

from tests.lab.bars import (
    CELLS,
    MODEL,
    PLAIN,
    TAGS,
    activate,
    await_tags,
    metadata,
    names,
    open_editor,
    open_notebook,
    tags,
    undo,
)


def test_each_code_cell_shows_its_step_and_what_flows(bars: Any) -> None:
    assert names(bars) == ["imports", "parameters", "load", "load", "sum up", "metrics"]
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
    screen = open_notebook(window, "plain.ipynb", *PLAIN)
    screen.page.get_by_role("button", name="MLOps: Suggest steps").wait_for()
    assert screen.page.locator(".jp-mlops-Bar:not(.lm-mod-hidden)").count() == 0


def test_a_step_is_renamed_wherever_it_is_named_and_one_undo_takes_it_back(bars: Any) -> None:
    editor = open_editor(bars, 2)
    name = editor.get_by_label("Step name")
    assert name.input_value() == "load"
    name.fill("read rows")
    name.press("Enter")
    await_tags(bars, [["imports"], ["parameters"], ["step:read rows"], [], ["step:sum up"], ["metrics"]])
    assert names(bars)[2:4] == ["read rows", "read rows"]
    undo(bars)
    await_tags(bars, TAGS)
    bars.command("notebook:redo-cell-action")
    await_tags(bars, [["imports"], ["parameters"], ["step:read rows"], [], ["step:sum up"], ["metrics"]])


def test_quick_changes_are_undone_one_by_one(bars: Any) -> None:
    editor = open_editor(bars, 3)
    editor.get_by_label("Kind").select_option("skip")
    await_tags(bars, [*TAGS[:3], ["skip"], *TAGS[4:]])
    editor.get_by_label("Kind").select_option("setup")
    await_tags(bars, [*TAGS[:3], ["setup"], *TAGS[4:]])
    undo(bars)
    await_tags(bars, [*TAGS[:3], ["skip"], *TAGS[4:]])
    undo(bars)
    await_tags(bars, TAGS)


def test_a_cell_begins_a_new_step(bars: Any) -> None:
    editor = open_editor(bars, 3)
    editor.get_by_label("Kind").select_option("step")
    name = editor.get_by_label("Step name")
    assert name.input_value() == ""
    name.press("Enter")
    editor.get_by_label("Step name").fill("  look ")
    name.press("Enter")
    await_tags(bars, [*TAGS[:3], ["step:look"], *TAGS[4:]])
    assert bars.page.locator(".jp-mlops-NotebookStatus-button").inner_text() == "4 steps"


def test_settings_go_to_the_first_cell_of_the_step_and_are_checked(bars: Any) -> None:
    editor = open_editor(bars, 3)
    editor.get_by_text("Settings of the step, kept at its first cell").click()
    memory = editor.get_by_label("Memory")
    memory.fill("much")
    memory.press("Enter")
    editor.get_by_text("Write an amount, for example 4Gi or 512Mi.").wait_for()
    assert metadata(bars, "mlops") == [None] * 6
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
    assert metadata(bars, "mlops")[2] == wanted
    more = bars.page.locator(".jp-mlops-Bar-more").nth(2).inner_text()
    assert more == "4Gi · 2 × nvidia.com/gpu · cache off · retries 3"
    for _ in range(6):
        undo(bars)
    assert metadata(bars, "mlops") == [None] * 6


def test_a_step_waits_for_another_one(bars: Any) -> None:
    editor = open_editor(bars, 4)
    editor.get_by_label("Waits for").select_option("load")
    await_tags(bars, [*TAGS[:4], ["step:sum up", "after:load"], TAGS[5]])
    editor.get_by_role("button", name="Do not wait for load").click()
    await_tags(bars, TAGS)


def test_the_keyboard_opens_and_closes_the_editor_and_its_keys_are_not_commands(bars: Any) -> None:
    activate(bars, 2)
    bars.page.keyboard.press("t")
    bars.page.keyboard.press("e")
    editor = bars.page.get_by_role("group", name="Place in the pipeline")
    editor.wait_for()
    bars.page.wait_for_function("() => document.activeElement.tagName === 'SELECT'")
    for key in ("a", "d", "d", "x"):  # insert, delete, cut, where they are commands
        bars.page.keyboard.press(key)
    assert len(tags(bars)) == len(CELLS)
    bars.page.keyboard.press("Escape")
    editor.wait_for(state="detached")
    assert bars.page.evaluate("() => document.activeElement.classList.contains('jp-Cell')")


def test_several_cells_are_tagged_at_once(bars: Any) -> None:
    activate(bars, 3, 4)
    bars.command("jupyter-mlops:set-kind", kind="skip")
    await_tags(bars, [*TAGS[:3], ["skip"], ["skip"], TAGS[5]])
    undo(bars)
    await_tags(bars, TAGS)
    activate(bars, 2, 4)
    bars.command("jupyter-mlops:set-kind", kind="step", step="all")
    await_tags(bars, [*TAGS[:2], ["step:all"], [], [], TAGS[5]])


def test_the_boundary_of_a_step_is_dragged(bars: Any) -> None:
    bars.page.locator(".jp-Cell").nth(4).hover()
    grip = bars.page.locator(".jp-mlops-Bar-grip").nth(4).bounding_box()
    target = bars.page.locator(".jp-Cell").nth(3).bounding_box()
    bars.page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    bars.page.mouse.down()
    bars.page.mouse.move(grip["x"] + 5, target["y"] + 3, steps=5)
    assert bars.page.locator(".jp-Cell").nth(3).locator(".jp-mlops-DropLine").count() == 1
    bars.page.mouse.up()
    await_tags(bars, [*TAGS[:3], ["step:sum up"], [], TAGS[5]])
    assert bars.page.locator(".jp-mlops-DropLine").count() == 0
    undo(bars)
    await_tags(bars, TAGS)


def test_the_boundary_of_a_step_is_moved_by_the_keyboard(bars: Any) -> None:
    activate(bars, 4)
    bars.page.keyboard.press("t")
    bars.page.keyboard.press("ArrowUp")
    await_tags(bars, [*TAGS[:3], ["step:sum up"], [], TAGS[5]])
    bars.page.keyboard.press("t")
    bars.page.keyboard.press("ArrowDown")
    await_tags(bars, TAGS)
