"""Two notebooks, cell by cell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.tracking.compare_code import compare_notebooks
from jupyter_mlops.tracking.compare_model import CellChange


def page(*cells: tuple[str, str] | tuple[str, str, str]) -> dict[str, Any]:
    return {
        "cells": [
            {
                "id": cell[0],
                "source": cell[1],
                "cell_type": "markdown" if cell[0].startswith("m") else "code",
                "metadata": {"tags": [cell[2]] if len(cell) > 2 else []},
            }
            for cell in cells
        ]
    }


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[CellChange]:
    return [cell for cell in compare_notebooks(before, after, {}, {}) if cell.differs]


A, B, C = ("a", "x = load()"), ("b", "y = x + 1"), ("c", "z = train(y, depth=3)")


def test_code_cells_changed_added_removed() -> None:
    (change,) = changes(page(A, B, C), page(A, ("b", "y = x + 2"), C))
    assert (change.status, change.id, change.number, change.other_number) == ("changed", "b", 2, 2)
    assert change.diff.splitlines() == ["@@ -1 +1 @@", "-y = x + 1", "+y = x + 2"]
    (added,) = changes(page(A, C), page(A, B, C))
    assert (added.status, added.number, added.other_number) == ("added", None, 2)
    (removed,) = changes(page(A, B, C), page(A, C))
    assert (removed.status, removed.number, removed.other_number) == ("removed", 2, None)


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("x = 1", "x  =  1  # one", "layout"),
        ("x = f(1,\n      2)", "x = f(1, 2)", "layout"),
        ("x = 1", "x = 1;", "same form?"),
        ("x", "x;", "changed"),
        ("%time x = 1", "x = 1", "changed"),
        ("x = (", "x = ( ", "changed"),
        ("x = 'a b'", "x = 'a  b'", "changed"),
        ("%%bash\nls", "%%bash\nls -l", "changed"),
    ],
)
def test_comments_and_layout_are_told_as_such(before: str, after: str, status: str) -> None:
    (change,) = changes(page(A, ("b", before)), page(A, ("b", after)))
    assert change.status == ("layout" if status == "same form?" else status)


def test_moved_cells_are_the_fewest_that_explain_the_order() -> None:
    found = changes(page(A, B, C), page(C, A, B))
    assert [(cell.id, cell.moved, cell.status) for cell in found] == [("c", True, "same")]


def test_renamed_ids_are_found_by_source_then_by_likeness() -> None:
    before = page(
        A, ("old-1", "frame = read('patients.csv')"), ("old-2", "model = Forest(100).fit(frame, labels)\nmodel")
    )
    after = page(
        A, ("new-1", "frame = read('patients.csv')"), ("new-2", "model = Forest(300).fit(frame, labels)\nmodel")
    )
    same, like = changes(before, after)
    assert (same.status, same.id, same.other_id) == ("same", "old-1", "new-1")
    assert (like.status, like.id, like.other_id) == ("changed", "old-2", "new-2")


def test_text_and_tags() -> None:
    text_cell, tagged = changes(page(("m1", "# A"), A, (*B, "step:x")), page(("m1", "# B"), A, (*B, "step:y")))
    assert text_cell.status == "text" and tagged.status == "tags" and tagged.tags == (("step:x",), ("step:y",))


def test_ids_equal_by_chance_join_nothing() -> None:
    found = changes(
        page(("cell-1", "import this"), ("cell-2", "x = 1")), page(("cell-1", "plot(y)"), ("cell-2", "print('bye', z)"))
    )
    assert sorted(cell.status for cell in found) == ["added", "added", "removed", "removed"]


CELLS = st.lists(
    st.tuples(st.sampled_from("abcdefg"), st.sampled_from(["x = 1", "y = x", "z = f(x, y)", ""])),
    max_size=7,
    unique_by=lambda c: c[0],
)


@given(CELLS, CELLS)
def test_each_cell_is_told_once_and_equal_notebooks_have_no_changes(
    before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    found = compare_notebooks(page(*before), page(*after), {}, {})
    olds = [cell.number for cell in found if cell.number is not None]
    news = [cell.other_number for cell in found if cell.other_number is not None]
    assert sorted(olds) == list(range(1, len(before) + 1)) and news == list(range(1, len(after) + 1))
    if before == after:
        assert not any(cell.differs for cell in found)
    elif not any(cell.differs for cell in found):
        raise AssertionError("a difference was not told")


def test_notebooks_that_are_none() -> None:
    for odd in ({"cells": None}, {"cells": [1, {"cell_type": "code"}, {"source": ["a", "b"], "metadata": None}]}, {}):
        assert isinstance(compare_notebooks(odd, page(A), {}, {}), tuple)
        assert isinstance(compare_notebooks(page(A), odd, {}, {}), tuple)
