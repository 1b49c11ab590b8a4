"""Headings, and the names made of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.pipeline.suggest.headings import find_headings, short_name


def headings(source: str) -> list[tuple[int, str]]:
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": source}
    notebook = parse_notebook({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})
    return [(item.level, item.text) for item in find_headings(notebook)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("# One\ntext\n### Two ###", [(1, "One"), (3, "Two")]),
        ("One\n===\n\nTwo\n---", [(1, "One"), (2, "Two")]),
        ("```\n# a comment\n```\n# Real", [(1, "Real")]),
        ("~~~\n# no\n```\n# no\n~~~\n## Yes", [(2, "Yes")]),
        ("- a list\n---", []),
        ("#tag-like", [(1, "tag-like")]),
        ("# **Bold** [link](http://x) `code` <a id='x'></a>", [(1, "Bold link code")]),
        ("<h2 align='center'>Data &amp; more</h2>", [(2, "Data & more")]),
        ("    # indented code", []),
        ("#", []),
    ],
)
def test_headings(source: str, expected: list[tuple[int, str]]) -> None:
    assert headings(source) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("3. Train the model", "train the model"),
        ("3.1 Train", "train"),
        ("2) Clean", "clean"),
        ("IV. Results", "results"),
        ("Step 2: Split", "split"),
        ("Step 2", ""),
        ("7.", ""),
        ("The data", "data"),
        ("A/B test", "A/B test"),
        ("PCA and XGBoost Models", "PCA and XGBoost models"),
        ("Which one to trust?", "which one to trust"),
        ("Load (from disk)", "load"),
        ("Evaluation: accuracy, recall", "evaluation"),
        ("Example: US States Data", "US states data"),
        ("🚀 Deploy!", "deploy"),
        ("A Python List Is More Than Just a Python List", "python list is more than just"),
        ("数据 准备", "数据 准备"),
        ("3 models", "models"),
    ],
)
def test_short_names(text: str, name: str) -> None:
    assert short_name(text) == name


@given(st.text())
def test_any_heading_gives_a_name_that_a_tag_can_hold(text: str) -> None:
    name = short_name(text)
    assert name == " ".join(name.split())
    assert name == "" or any(letter.isalpha() for letter in name)
    assert len(name) <= 80
