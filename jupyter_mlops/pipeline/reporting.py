"""Diagnostics and explanations in the forms that people, code reviews and code scanners read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.diagnostics import CODES, Diagnostic, Severity
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.explain import Explanation
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.places import cell_place, source_line

__all__ = [
    "DOCUMENT",
    "Source",
    "explanation_json",
    "explanation_lines",
    "github",
    "github_command",
    "of_step",
    "page",
    "sarif",
]

DOCUMENT = "docs/diagnostics.md"
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
_GROUPS = (
    ("takes", ("input",)),
    ("gives", ("output",)),
    ("changes", ("mutation",)),
    ("shares", ("state",)),
    ("reads", ("parameter",)),
    ("replays", ("replay",)),
    ("waits for", ("order",)),
)
_PREPOSITIONS = {"input": "from", "output": "to", "state": "from"}


@dataclass(frozen=True, slots=True)
class Source:
    """A notebook with its file.

    Args:
        file: How the file is called in reports, with slashes, as far as possible relative to the project.
        lines: For each cell, the line of the file for each line of its source; empty if it is not known.
    """

    notebook: Notebook
    pipeline: Pipeline
    file: str
    lines: Sequence[Sequence[int]] = ()

    def file_line(self, cell: str | None, line: int | None) -> int:
        """The line of the file for a line of a cell, or for a cell's first one; 1 if there is none."""
        found = next((item for item in self.notebook.cells if item.id == cell), None)
        if found is None or found.index >= len(self.lines):
            return 1
        known = self.lines[found.index]
        number = (line or 1) - 1
        return known[number] if 0 <= number < len(known) else known[0] if known else 1


def page(code: str) -> str:
    """Where the documentation explains a code."""
    return f"{DOCUMENT}#{code.lower()}"


def of_step(diagnostics: Iterable[Diagnostic], step: Step) -> list[Diagnostic]:
    """The diagnostics of a step's cells."""
    return [item for item in diagnostics if item.cell in step.cells]


# --- annotations of GitHub --------------------------------------------------------------------------------------------


def github(source: Source, diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Write workflow commands that GitHub shows as annotations, one line each."""
    lines = []
    for item in diagnostics:
        line = source.file_line(item.cell, item.line)
        text = _sentence(source, item)
        lines.append(github_command(_COMMANDS[item.severity], text, file=source.file, line=str(line), title=item.code))
    return lines


def github_command(level: str, text: str, **properties: str) -> str:
    """Write one workflow command.

    Args:
        level: ``error``, ``warning`` or ``notice``.
    """
    shown = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items())
    return f"::{level} {shown}::{_escape(text)}"


def _sentence(source: Source, item: Diagnostic) -> str:
    """Place, cause and cure as one text."""
    place = cell_place(source.notebook, item.cell, item.line, source.pipeline)
    head = f"{place}: {item.message}" if place else item.message
    return f"{head}\n{item.hint}" if item.hint else head


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


# --- SARIF ------------------------------------------------------------------------------------------------------------


def sarif(source: Source, diagnostics: Iterable[Diagnostic], *, version: str, uri: str) -> dict[str, Any]:
    """Write a log of SARIF 2.1.0, the format that code scanners exchange.

    Args:
        version: Of this program.
        uri: The notebook's file as a URI reference.
    """
    codes = sorted(CODES)
    driver = {"name": "jupyter-mlops", "version": version, "rules": [_rule(code) for code in codes]}
    results = [_result(source, item, codes.index(item.code), uri) for item in diagnostics]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    severity, title = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title}."},
        "help": {"text": f"Cause, cure and an example: {page(code)}"},
        "helpUri": page(code),
        "defaultConfiguration": {"level": _LEVELS[severity]},
    }


def _result(source: Source, item: Diagnostic, rule: int, uri: str) -> dict[str, Any]:
    line = source_line(source.notebook, item.cell, item.line)
    region: dict[str, Any] = {"startLine": source.file_line(item.cell, item.line)}
    if line is not None and line.strip():
        region["snippet"] = {"text": line}
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
    logical = _logical(source, item.cell)
    if logical:
        location["logicalLocations"] = logical
    text = "\0".join((item.code, item.cell or "", (line or "").strip(), item.message))
    fingerprint = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return {
        "ruleId": item.code,
        "ruleIndex": rule,
        "level": _LEVELS[item.severity],
        "message": {"text": _sentence(source, item)},
        "locations": [location],
        "partialFingerprints": {"codeCellLine/v1": fingerprint},
    }


def _logical(source: Source, cell: str | None) -> list[dict[str, str]]:
    """The cell, and the step it belongs to."""
    if cell is None:
        return []
    owner = next((step for step in source.pipeline.steps if cell in step.cells), None)
    if owner is None:
        return [{"name": cell, "fullyQualifiedName": cell, "kind": "cell"}]
    return [
        {"name": cell, "fullyQualifiedName": f"{owner.slug}/{cell}", "kind": "cell"},
        {"name": owner.name, "fullyQualifiedName": owner.slug, "kind": "step"},
    ]


# --- explanations -----------------------------------------------------------------------------------------------------


def explanation_lines(source: Source, step: Step, reasons: Iterable[Explanation]) -> list[str]:
    """Say why a step takes, gives, changes, replays and waits for what it does, each with its line of code."""
    own = [item for item in reasons if item.step == step.slug]
    names = {item.slug: item.name for item in source.pipeline.steps}
    lines = [f"{step.name}  ({_number(source, step.cells[0])})" if step.cells else step.name]
    for title, kinds in _GROUPS:
        found = [item for item in own if item.kind in kinds]
        shown = _replayed(source, found) if title == "replays" else [_line(source, item, names) for item in found]
        lines += [f"  {title}", *(f"    {line}" for line in dict.fromkeys(shown))] if shown else []
    if not own:
        lines.append("  Nothing crosses the boundary of this step.")
    return lines


def _line(source: Source, item: Explanation, names: dict[str, str]) -> str:
    others = ", ".join(names.get(slug, slug) for slug in item.other)
    what = names.get(item.name, item.name) if item.kind == "order" else item.name
    if others and item.kind in _PREPOSITIONS:
        what += f" {_PREPOSITIONS[item.kind]} {others}"
    return f"{what}: {item.text} ({_code(source, item)})"


def _replayed(source: Source, found: Sequence[Explanation]) -> list[str]:
    """Names that one line defines stand together."""
    by_place: dict[tuple[str, int], list[Explanation]] = {}
    for item in found:
        by_place.setdefault((item.cell, item.line), []).append(item)
    return [
        f"{', '.join(dict.fromkeys(item.name for item in items))} ({_code(source, items[0])})"
        for items in by_place.values()
    ]


def _number(source: Source, cell: str) -> str:
    return cell_place(source.notebook, cell).partition(" (")[0]


def _code(source: Source, item: Explanation) -> str:
    """Cell, line and what stands there."""
    code = (source_line(source.notebook, item.cell, item.line) or "").strip().expandtabs()[:100]
    return f"{_number(source, item.cell)}, line {item.line}" + (f": `{code}`" if code else "")


def explanation_json(source: Source, step: Step, reasons: Iterable[Explanation]) -> dict[str, Any]:
    """What ``check --explain STEP --format json`` prints."""
    return {
        "schema": 1,
        "name": source.pipeline.name,
        "notebook": str(source.notebook.path) if source.notebook.path else None,
        "step": {"name": step.name, "slug": step.slug, "cells": list(step.cells)},
        "reasons": [
            {
                "kind": item.kind,
                "name": item.name,
                "other": list(item.other),
                "text": item.text,
                "cell": item.cell,
                "line": item.line,
                "source": source_line(source.notebook, item.cell, item.line),
            }
            for item in reasons
            if item.step == step.slug
        ],
        "diagnostics": [
            {
                "code": item.code,
                "severity": item.severity,
                "message": item.message,
                "cell": item.cell,
                "line": item.line,
                "hint": item.hint,
            }
            for item in of_step(source.pipeline.diagnostics, step)
        ],
    }
