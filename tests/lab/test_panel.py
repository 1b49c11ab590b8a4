"""The side panel is there, and is no burden to who does not open it."""

from __future__ import annotations

from typing import Any


def test_the_panel_opens_with_four_tabs_that_the_keyboard_reaches(screen: Any, lab: Any) -> None:
    lab.write_notebook("small.ipynb", ("step:load", "frame = [1, 2, 3]"), ("step:sum", "total = sum(frame)"))
    screen.open("small.ipynb")
    screen.show_panel("pipeline")
    tabs = screen.page.get_by_role("tablist", name="MLOps").get_by_role("tab")
    assert tabs.all_inner_texts() == ["Pipeline", "Runs", "Lineage", "Models"]
    tabs.nth(0).focus()
    screen.page.keyboard.press("ArrowRight")
    assert tabs.nth(1).get_attribute("aria-selected") == "true"
    screen.page.keyboard.press("ArrowLeft")
    screen.page.keyboard.press("ArrowLeft")
    assert tabs.nth(3).get_attribute("aria-selected") == "true"
