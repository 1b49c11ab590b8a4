"""docs/notebook.md and docs/getting-started.md are complete, and their examples are what they say."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.notebook.kale import SETTING_PREFIXES
from jupyter_mlops.notebook.model import Accelerator, Secret, StepSettings, Volume
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.notebook.settings import read_notebook_settings, read_settings
from jupyter_mlops.notebook.tags import EXACT_TAGS, PREFIX_TAGS
from jupyter_mlops.pipeline.slicer import slice_notebook

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOTEBOOK = (DOCS / "notebook.md").read_text(encoding="utf-8")
STARTED = (DOCS / "getting-started.md").read_text(encoding="utf-8")
TAGS = ("parameters", "imports", "functions", "setup", "step:", "after:", "in:", "out:", "metrics", "skip")
UNDERSTOOD = (*EXACT_TAGS, *(f"{prefix}:" for prefix in (*PREFIX_TAGS, *SETTING_PREFIXES)))
SETTINGS = [field.name for field in fields(StepSettings)]
MARKER = re.compile(r"^# %% \[(?P<tags>[^\]]*)\] ?(?P<metadata>\{.*\})?\n", re.M)


def _section(title: str) -> str:
    (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", NOTEBOOK, re.M | re.S)
    return text


def _blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document, re.M | re.S)


def _rows(table: str) -> dict[str, list[str]]:
    """Read the tables of a text: the cells of each row by the words in backticks of its first cell."""
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines() if line.startswith("|")]
    return {
        name: [cell.strip() for cell in cells[1:]] for cells in lines for name in re.findall(r"`([^`]+)`", cells[0])
    }


def _notebook(example: str) -> dict[str, Any]:
    parts = list(MARKER.finditer(example))
    ends = [part.start() for part in parts[1:]] + [len(example)]
    cells = [
        {
            "id": f"cell-{number}",
            "cell_type": "code",
            "execution_count": None,
            "metadata": {
                **json.loads(part["metadata"] or "{}"),
                "tags": [tag for tag in part["tags"].split(", ") if tag],
            },
            "outputs": [],
            "source": example[part.end() : end].strip("\n"),
        }
        for number, (part, end) in enumerate(zip(parts, ends, strict=True))
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "python3"}}, "cells": cells}


EXAMPLES = [block for block in _blocks(NOTEBOOK, "python") if "# %%" in block]


@pytest.mark.parametrize("tag", TAGS)
def test_each_tag_is_in_the_table_and_has_an_example(tag: str) -> None:
    table = NOTEBOOK.partition("\n## ")[0]
    assert any(name.startswith(tag) for name in _rows(table))
    assert any(written.startswith(tag) for block in EXAMPLES for written in _tags(block))


def _tags(example: str) -> list[str]:
    return [tag for marker in MARKER.finditer(example) for tag in marker["tags"].split(", ")]


@pytest.mark.parametrize("tag", UNDERSTOOD)
def test_each_tag_that_the_code_understands_is_documented(tag: str) -> None:
    assert re.search(rf"`{tag}" + ("" if tag.endswith(":") else "`"), NOTEBOOK)


@pytest.mark.parametrize("kind", ["int", "float", "str", "bool", "list", "dict"])
def test_each_type_of_parameter_is_documented(kind: str) -> None:
    assert kind in _rows(_section("`parameters`"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_is_understood(example: str) -> None:
    notebook = parse_notebook(_notebook(example))
    assert [item for item in notebook.diagnostics if item.severity != "info"] == []
    for cell in notebook.cells:
        compile(cell.source, cell.id, "exec")


def test_settings_table_has_exactly_the_settings_and_the_first_json_shows_them_all() -> None:
    rows = _rows(_section("Step settings"))
    assert set(rows) == set(SETTINGS)
    shown = json.loads(_blocks(NOTEBOOK, "json")[0])["mlops"]
    assert set(shown) == set(SETTINGS)
    settings, problems = read_settings(shown)
    assert problems == ()
    assert all(getattr(settings, name) not in (None, (), {}) for name in SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_has_type_values_and_a_valid_example(name: str) -> None:
    kind, values, example = _rows(_section("Step settings"))[name]
    assert kind and values
    settings, problems = read_settings({name: json.loads(example.strip("`"))})
    assert problems == ()
    assert getattr(settings, name) not in (None, (), {})


@pytest.mark.parametrize(("setting", "kind"), [("accelerator", Accelerator), ("secrets", Secret), ("volumes", Volume)])
def test_each_field_of_an_object_is_documented(setting: str, kind: type) -> None:
    row = " ".join(_rows(_section("Step settings"))[setting])
    for field in fields(kind):
        assert f"`{field.name}`" in row


def test_other_spellings_of_values_are_understood() -> None:
    spellings = {"timeout": "1h30m", "cache": False, "cpu": 0.5, "memory": "512Mi", "accelerator": "nvidia.com/gpu"}
    settings, problems = read_settings(spellings)
    assert problems == ()
    assert (settings.timeout, settings.cache, settings.cpu) == (5400.0, "off", "0.5")
    assert settings.accelerator == Accelerator("nvidia.com/gpu", 1)


def test_defaults_of_the_notebook_are_understood() -> None:
    found = read_notebook_settings(json.loads(_blocks(NOTEBOOK, "json")[1])["mlops"])
    assert found.diagnostics == ()
    assert (found.name, found.description) == ("tumours", "Two models compared")
    assert (found.defaults.memory, found.defaults.retries) == ("2Gi", 1)


@pytest.mark.parametrize("document", ["notebook.md", "getting-started.md", "../examples/README.md"])
def test_links_lead_somewhere(document: str) -> None:
    path = DOCS / document
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", path.read_text(encoding="utf-8")):
        linked = path.parent / target if target else path
        assert linked.is_file(), target
        if anchor:
            assert anchor in _anchors(linked.read_text(encoding="utf-8")), f"{target}#{anchor}"


def _anchors(document: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", document, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_getting_started_tags_the_cells_it_shows() -> None:
    (listing,) = _blocks(STARTED, "python")
    notebook = _notebook(listing)
    assert len(slice_notebook(parse_notebook(notebook)).steps) == 1

    tags = [row.split("|")[2].strip().strip("`") for row in STARTED.splitlines() if re.match(r"\| (the|`n|load)", row)]
    for cell, tag in zip(notebook["cells"], tags, strict=True):
        cell["metadata"]["tags"] = [tag]
    pipeline = slice_notebook(parse_notebook(notebook))

    assert [item for item in pipeline.diagnostics if item.severity != "info"] == []
    assert [step.slug for step in pipeline.steps] == ["load", "forest", "logistic", "metrics"]
    assert set(pipeline.upstream("forest")) == set(pipeline.upstream("logistic")) == {"load"}
    assert set(pipeline.upstream("metrics")) == {"load", "forest", "logistic"}
    assert [item.name for item in pipeline.parameters] == ["n_trees", "seed"]
