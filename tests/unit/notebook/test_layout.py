"""Lines of the file for lines of the cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.notebook.layout import cell_layouts, source_lines

EXAMPLES = ("breast_cancer", "diabetes", "digits")


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_line_is_where_the_file_has_it(name: str, root: Path) -> None:
    text = (root / "examples" / f"{name}.ipynb").read_text(encoding="utf-8")
    file_lines = text.split("\n")
    cells = json.loads(text)["cells"]
    for cell, numbers in zip(cells, source_lines(text), strict=True):
        lines = "".join(cell["source"]).split("\n")
        assert len(numbers) == len(lines)
        for line, number in zip(lines, numbers, strict=True):
            assert json.dumps(line, ensure_ascii=False)[1:-1] in file_lines[number - 1]


def test_a_source_of_one_string_stands_on_one_line() -> None:
    text = json.dumps({"cells": [{"metadata": {}, "source": "a\nb\n"}, {"source": ""}, {}]}, indent=1)
    line = next(number for number, item in enumerate(text.split("\n"), 1) if '"source": "a' in item)
    assert source_lines(text) == [[line, line], [], []]


def test_pieces_need_not_be_lines() -> None:
    text = json.dumps({"cells": [{"source": ["a", "b\nc\n", "\n", "d\n", ""]}]}, indent=1)
    first = text.split("\n").index('    "a",') + 1
    assert source_lines(text) == [[first, first + 1, first + 2, first + 3]]


def test_what_looks_like_structure_inside_strings_is_none() -> None:
    cells = [{"outputs": [{"text": '"cells": [{"source": "x"}] \\" }'}], "source": ["y\n", "z"]}]
    text = json.dumps({"metadata": {"cells": [1, {"a": ["]"]}]}, "cells": cells}, indent=1)
    (layout,) = cell_layouts(text)
    assert [member.key for member in layout.members] == ["outputs", "source"]
    assert json.loads(text[layout.start : layout.end]) == cells[0]
    first = text.split("\n").index('    "y\\n",') + 1
    assert source_lines(text) == [[first, first + 1]]


def test_deep_nesting_is_no_recursion() -> None:
    deep = "[" * 50_000 + "]" * 50_000
    assert source_lines(f'{{"metadata": {deep}, "cells": [{{"outputs": {deep}, "source": "a"}}]}}') == [[1]]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text() | st.just("source"), json_values, max_size=4), max_size=4),
    st.sampled_from([None, 0, 1, 4, "\t"]),
    st.booleans(),
)
def test_members_are_found_in_any_json(cells: list[dict[str, object]], indent: int | str | None, ascii: bool) -> None:
    text = json.dumps({"a": cells, "cells": cells, "z": None}, indent=indent, ensure_ascii=ascii)
    layouts = cell_layouts(text)
    assert [json.loads(text[item.start : item.end]) for item in layouts] == cells
    found = [{member.key: json.loads(text[member.start : member.end]) for member in item.members} for item in layouts]
    assert found == cells
