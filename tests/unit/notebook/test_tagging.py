"""Tags are added, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.notebook.tagging import add_tags


def dumped(notebook: dict[str, Any]) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits"])
def test_stripped_tags_come_back_byte_for_byte(name: str, root: Path) -> None:
    text = (root / "examples" / f"{name}.ipynb").read_text(encoding="utf-8")
    notebook = json.loads(text)
    tags = {number: cell["metadata"].pop("tags", []) for number, cell in enumerate(notebook["cells"])}
    stripped = dumped(notebook)
    assert stripped != text
    assert add_tags(stripped, tags) == text


def test_present_tags_stay_and_none_comes_twice() -> None:
    text = dumped({"cells": [{"metadata": {"tags": ["mine", "imports"], "z": 1}, "source": []}]})
    assert add_tags(text, {0: ["imports"]}) == text
    changed = json.loads(add_tags(text, {0: ["imports", "step:a"]}))
    assert changed["cells"][0]["metadata"]["tags"] == ["mine", "imports", "step:a"]


def test_sorted_keys_stay_sorted_and_others_keep_their_order() -> None:
    cells = [{"metadata": {"collapsed": True, "vscode": {}}}, {"metadata": {"vscode": {}, "collapsed": True}}, {}]
    cells[2] = {"cell_type": "code", "source": ""}
    changed = json.loads(add_tags(dumped({"cells": cells}), {0: ["a"], 1: ["a"], 2: ["a"]}))["cells"]
    assert list(changed[0]["metadata"]) == ["collapsed", "tags", "vscode"]
    assert list(changed[1]["metadata"]) == ["vscode", "collapsed", "tags"]
    assert list(changed[2]) == ["cell_type", "metadata", "source"]


def test_what_json_can_write_in_two_ways_is_left_alone() -> None:
    text = '\ufeff{"cells": [{"metadata": {}, "n": 1e5, "s": "\\u00e9\\/é", "source": "x"}],  "nbformat":4}'
    assert add_tags(text, {0: ["step:é"]}) == text.replace('"metadata": {}', '"metadata": {"tags": ["step:é"]}')


def test_line_ends_and_indentation_are_the_file_s_own() -> None:
    text = json.dumps({"cells": [{"metadata": {}, "source": []}]}, indent="\t").replace("\n", "\r\n")
    changed = add_tags(text, {0: ["a"]})
    assert changed == json.dumps({"cells": [{"metadata": {"tags": ["a"]}, "source": []}]}, indent="\t").replace(
        "\n", "\r\n"
    )


metadata = st.dictionaries(
    st.text(max_size=4) | st.sampled_from(["collapsed", "jupyter", "vscode"]), st.none() | st.text(), max_size=4
)
cell = st.fixed_dictionaries(
    {"source": st.lists(st.text(max_size=5), max_size=2)},
    optional={
        "metadata": metadata | st.builds(lambda m, t: {**m, "tags": t}, metadata, st.lists(st.text())),
        "id": st.text(),
    },
)


@given(st.lists(cell, min_size=1, max_size=4), st.sampled_from([None, 0, 1, 2, "\t"]), st.data())
def test_only_the_tags_change(cells: list[dict[str, Any]], indent: int | str | None, data: st.DataObject) -> None:
    text = json.dumps({"cells": cells, "nbformat": 4}, indent=indent)
    number = data.draw(st.integers(0, len(cells) - 1))
    tags = data.draw(st.lists(st.text(min_size=1), min_size=1, max_size=3))
    wanted = json.loads(text)
    known = wanted["cells"][number].setdefault("metadata", {}).setdefault("tags", [])
    wanted["cells"][number]["metadata"]["tags"] = (
        list(dict.fromkeys([*known, *tags])) if set(tags) - set(known) else known
    )
    assert json.loads(add_tags(text, {number: tags})) == wanted
