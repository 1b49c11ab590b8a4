"""docs/diagnostics.md and the code agree: the same codes, severities and titles, and each example earns its code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.diagnostics import CODES
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.pipeline.slicer import slice_notebook

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "diagnostics.md"
SECTIONS = dict(re.findall(r"^### (MLO\d{3})\n(.*?)(?=^##|\Z)", DOCUMENT.read_text(encoding="utf-8"), re.M | re.S))
EXAMPLES = {
    code: match.group(1)
    for code, text in SECTIONS.items()
    if (match := re.search(r"```python\n(.*?)```", text, re.S)) is not None
}
MARKER = re.compile(r"# %% \[(?P<tags>[^\]]*)\] ?(?P<metadata>\{.*\})?")


def _cell(number: int, marker: re.Match[str], source: str) -> dict[str, Any]:
    metadata = json.loads(marker["metadata"] or "{}")
    count = metadata.pop("execution_count", None)
    metadata["tags"] = marker["tags"].split(", ")
    return {
        "id": f"cell-{number}",
        "cell_type": "code",
        "execution_count": count,
        "metadata": metadata,
        "outputs": [],
        "source": source.strip("\n"),
    }


def _notebook(example: str) -> dict[str, Any]:
    markers = list(MARKER.finditer(example))
    ends = [marker.start() for marker in markers[1:]] + [len(example)]
    cells = [
        _cell(number, marker, example[marker.end() : end])
        for number, (marker, end) in enumerate(zip(markers, ends, strict=True))
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def test_each_code_has_a_section_and_no_other() -> None:
    assert list(SECTIONS) == sorted(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_section_says_severity_title_cause_and_cure(code: str) -> None:
    severity, title = CODES[code]
    assert SECTIONS.get(code, "").startswith(f"{severity}: {title}\n")
    assert re.search(r"^\*\*Cause:\*\* [\w`].+\.$", SECTIONS[code], re.M)
    assert re.search(r"^\*\*Cure:\*\* [\w`].+\.$", SECTIONS[code], re.M)


@pytest.mark.parametrize("code", sorted(EXAMPLES))
def test_example_earns_its_code(code: str) -> None:
    pipeline = slice_notebook(parse_notebook(_notebook(EXAMPLES[code])))
    assert code in {item.code for item in pipeline.diagnostics}
