from __future__ import annotations

import copy
import re
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.notebook.upgrade import assign_ids, upgrade_notebook

ids = st.one_of(st.none(), st.integers(), st.sampled_from(["a", "b", "a-1"]), st.text(max_size=70))
triples = st.lists(st.tuples(ids, st.sampled_from(["code", "markdown", "raw"]), st.sampled_from(["", "x", "y\n"])))


def cell(source: Any = "x = 1", kind: str = "code", **more: Any) -> dict[str, Any]:
    outputs = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **outputs, **more}


def notebook(*cells: dict[str, Any], minor: int = 4) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": minor}


@given(triples)
def test_ids_are_valid_unique_and_always_the_same(cells: list[tuple[object, str, str]]) -> None:
    given_ids = assign_ids(cells)
    assert len(set(given_ids)) == len(cells)
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", cell_id) for cell_id in given_ids)
    assert assign_ids(iter(cells)) == given_ids
    valid = {found for found, _, _ in cells if isinstance(found, str) and re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", found)}
    assert valid <= set(given_ids)


@given(triples, st.tuples(st.none(), st.just("markdown"), st.just("new text")))
def test_a_new_cell_does_not_change_the_ids_of_others(
    cells: list[tuple[object, str, str]], new: tuple[None, str, str]
) -> None:
    before = assign_ids(cells)
    assert assign_ids([new, *cells])[1:] == before
    assert assign_ids([*cells, new])[:-1] == before


def test_the_first_of_two_equal_ids_keeps_it() -> None:
    first, second, third = assign_ids([("a", "code", "1"), ("a", "code", "2"), ("a", "code", "2")])
    assert first == "a"
    assert second.startswith("a-")
    assert third.startswith("a-") and third != second


def test_a_made_id_gives_way_to_one_that_is_there() -> None:
    made = assign_ids([(None, "code", "x")])[0]
    replaced, kept = assign_ids([(None, "code", "x"), (made, "code", "y")])
    assert kept == made
    assert replaced != made


def test_a_source_with_a_lone_surrogate_gets_an_id() -> None:
    assert assign_ids([(None, "code", "x = '\ud800'")])[0]


@pytest.mark.parametrize("minor", range(6))
def test_the_upgraded_notebook_is_valid_nbformat_4_5(minor: int) -> None:
    raw = notebook(
        cell(["import x\n", "x"]), cell("text", "markdown", attachments={"a.png": {"image/png": "aGk="}}), minor=minor
    )
    upgraded = upgrade_notebook(raw)
    nbformat.validate(nbformat.from_dict(upgraded))
    assert (upgraded["nbformat"], upgraded["nbformat_minor"]) == (4, 5)
    assert upgraded["cells"][0]["source"] == "import x\nx"
    assert upgraded["cells"][1]["attachments"] == {"a.png": {"image/png": "aGk="}}


def test_what_is_missing_in_a_code_cell_is_filled_in() -> None:
    upgraded = upgrade_notebook(notebook({"cell_type": "code", "source": "x", "execution_count": "3"}))
    nbformat.validate(nbformat.from_dict(upgraded))
    assert upgraded["cells"][0]["execution_count"] is None


def test_the_original_is_not_changed_and_outputs_are_not_copied() -> None:
    outputs = [{"output_type": "stream", "name": "stdout", "text": ["a\n", "b\n"]}]
    raw = notebook(cell(["a\n", "b"], outputs=outputs), cell(["a\n", "b"]))
    before = copy.deepcopy(raw)
    upgraded = upgrade_notebook(raw)
    assert raw == before
    assert upgraded["cells"][0]["outputs"] is outputs
    assert upgraded["cells"][0] is not raw["cells"][0]


def test_a_newer_minor_version_stays() -> None:
    assert upgrade_notebook(notebook(minor=7))["nbformat_minor"] == 7
