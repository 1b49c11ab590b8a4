"""Hidden cells that note what a kernel holds, and what they have noted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.runtime.states import STATES
from jupyter_mlops.steps.cells import own_cell
from jupyter_mlops.verify.names import observed_names
from jupyter_mlops.verify.workspace import Leavings, Workspace

__all__ = ["Moment", "Observation", "Value", "install_probe", "read_notes"]

PACKAGE = "mlops_probe"
_ROLE = "probe"
_UNCOMPARED_STATES = frozenset({"figures", "logging", "warnings"})
"""Importing a library changes them: a step that imports less than the whole notebook differs for no reason."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable held.

    Args:
        digest: Equal for equal contents; None if nobody can tell.
        parts: For each of its parts, digest and preview.
    """

    type: str
    digest: str | None
    preview: str
    parts: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """What there was when a step began, after one of its cells, or when it ended.

    Args:
        linked: Pairs of names through which one object could be changed; noted at the beginning.
        states: Digests of hidden states.
        groups: For each group of variables that are saved together, by its first name, how they share.
        files: For each file that the step has changed, its digest; None if it is gone.
        events: Files opened and processes started.
    """

    moment: str
    step: str
    cell: str | None
    values: Mapping[str, Value]
    linked: Sequence[Sequence[str]] = ()
    ids: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str | None] = field(default_factory=dict)
    files: Mapping[str, str | None] = field(default_factory=dict)
    events: Sequence[Mapping[str, Any]] = ()


def install_probe(folder: Path) -> Path:
    """Copy what runs in the kernel; return the folder to put on its module path."""
    source = Path(__file__).parent / "probe"
    shutil.copytree(source, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    return folder


class Observation:
    """Observes one run: the engine's ``Instruments``.

    Args:
        pipeline: The pipeline whose steps are looked at, also where the notebook runs whole.
        place: A new folder for orders and notes.
        probe: Where the probe is installed.
        watch: Whether to listen to files being opened and processes being started.
    """

    def __init__(
        self, pipeline: Pipeline, notebook: Notebook, workspace: Workspace, place: Path, probe: Path, *, watch: bool
    ) -> None:
        place.mkdir(parents=True)
        self._left = place / "left"
        self._leavings: dict[str, Leavings] = {}
        self._sources = _file_sources(pipeline)
        self._last: str | None = None
        self._workspace = workspace
        self._probe = probe
        self._step_of = {cell: step.slug for step in pipeline.steps for cell in step.cells}
        self._orders = place / "orders.json"
        self.notes = place / "notes.jsonl"
        orders = {
            "notes": str(self.notes),
            "root": str(workspace.root),
            "project": str(workspace.project),
            "watch": watch,
            "steps": {step.slug: _order(pipeline, notebook, step) for step in pipeline.steps},
        }
        self._orders.write_text(json.dumps(orders), encoding="utf-8")

    def folder(self, step: Step) -> Path:
        """A fresh copy of the project for each kernel.

        Where nobody can tell which files a step touches, it finds what the steps before it have left.
        """
        if self._last is not None and any(self._last in sources for sources in self._sources.values()):
            self._leavings[self._last] = self._workspace.keep(self._left / self._last)
        self._last = step.slug
        sources = self._sources.get(step.slug, ())
        return self._workspace.renew([self._leavings[slug] for slug in sources if slug in self._leavings])

    def instrument(self, step: Step, notebook: Mapping[str, Any]) -> dict[str, Any]:
        """Put a probe before the first cell of each step, and after each of its cells."""
        cells = list(notebook["cells"])
        last = {self._step_of[cell["id"]]: cell["id"] for cell in cells if cell["id"] in self._step_of}
        begun: set[str] = set()
        made = [self._starting_cell()]
        for cell in cells:
            slug = self._step_of.get(cell["id"])
            if slug is not None and slug not in begun:
                begun.add(slug)
                made.append(_probe_cell("begin", len(made), slug))
            made.append(cell)
            if slug is not None:
                moment = "end" if cell["id"] == last[slug] else "cell"
                made.append(_probe_cell(moment, len(made), slug, cell["id"]))
        return {**notebook, "cells": made}

    def _starting_cell(self) -> dict[str, Any]:
        code = str(self._probe)
        source = (
            f"import sys; sys.path.insert(0, {code!r}); import {PACKAGE}; sys.path.remove({code!r}); "
            f"{PACKAGE}.start({str(self._orders)!r})"
        )
        return own_cell(_ROLE, f"exec({source!r}, {{}})")


def _order(pipeline: Pipeline, notebook: Notebook, step: Step) -> dict[str, Any]:
    groups = [item.names for item in pipeline.artifacts_of(step.slug) if item.kind == "value" and len(item.names) > 1]
    return {
        "names": observed_names(notebook, step),
        "inputs": step.inputs,
        "groups": groups,
        "states": [name for name in STATES if name not in _UNCOMPARED_STATES],
    }


def _file_sources(pipeline: Pipeline) -> dict[str, tuple[str, ...]]:
    """For each step, the steps before it whose files it may need without the pipeline knowing their paths."""
    ancestors: dict[str, set[str]] = {}
    sources: dict[str, tuple[str, ...]] = {}
    earlier: list[Step] = []
    for step in pipeline.steps:
        above = set(pipeline.upstream(step.slug))
        ancestors[step.slug] = above.union(*(ancestors.get(slug, ()) for slug in above))
        found = [other.slug for other in earlier if other.slug in ancestors[step.slug] and _hands_files(other, step)]
        sources[step.slug] = tuple(found)
        earlier.append(step)
    return sources


def _hands_files(first: Step, second: Step) -> bool:
    known = second.files_read or second.files_written or any(name.startswith("file") for name in second.hidden)
    if first.writes_unknown_files:
        return bool(second.touches_unknown_files or second.writes_unknown_files or known)
    return bool(first.files_written) and (second.touches_unknown_files or second.writes_unknown_files)


def _probe_cell(moment: str, number: int, *arguments: str) -> dict[str, Any]:
    shown = ", ".join(map(repr, arguments))
    return own_cell(_ROLE, f"__import__({PACKAGE!r}).{moment}({shown}, globals())", suffix=f"-{number}")


def read_notes(path: Path) -> list[Moment]:
    """Read what the probes of a run have noted, in the order of time."""
    if not path.exists():
        return []
    lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines()
    return [_moment(json.loads(line)) for line in lines]


def _moment(note: Mapping[str, Any]) -> Moment:
    values = {
        name: Value(
            item["type"],
            item["digest"],
            item["preview"],
            {label: (digest, text) for label, (digest, text) in item["parts"].items()},
        )
        for name, item in note["values"].items()
    }
    rest = {key: note[key] for key in ("linked", "ids", "states", "groups", "files", "events") if key in note}
    return Moment(note["moment"], note["step"], note["cell"], values, **rest)
