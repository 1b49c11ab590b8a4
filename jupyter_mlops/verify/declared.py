"""What steps did, against what the analysis says that they do."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.verify.evidence import Evidence
from jupyter_mlops.verify.model import Undeclared
from jupyter_mlops.verify.names import assigned_names
from jupyter_mlops.verify.workspace import Workspace

__all__ = ["undeclared"]

_INSTALLS = re.compile(r"\b(pip3?|conda|mamba|uv)\b.*\binstall\b")


def undeclared(
    pipeline: Pipeline, notebook: Notebook, evidence: Evidence, workspace: Workspace
) -> tuple[Undeclared, ...]:
    """List files, processes and changes that the analysis does not know of.

    Args:
        evidence: The pipeline's run.
        workspace: Where it took place.
    """
    folder = workspace.folder.relative_to(workspace.root).as_posix()
    numbers = {cell.id: cell.index for cell in notebook.cells}
    found: dict[tuple[str, str, str], Undeclared] = {}
    for step in pipeline.steps:
        if step.slug not in evidence.ends:
            continue
        for item in (*_files(pipeline, step, evidence, folder), *_mutations(notebook, step, evidence)):
            found.setdefault((item.step, item.kind, item.name), _on_page(item, notebook))
    return tuple(sorted(found.values(), key=lambda item: (numbers.get(item.cell or "", -1), item.line or 0, item.name)))


def _files(pipeline: Pipeline, step: Step, evidence: Evidence, folder: str) -> Iterator[Undeclared]:
    end = evidence.ends[step.slug]
    reads, writes = _known_files(pipeline, step)
    own: set[str] = set()
    for event in end.events:
        kind, name = event["kind"], str(event["name"])
        if kind == "process":
            if not step.touches_unknown_files and not _INSTALLS.search(name):
                yield _undeclared(event, step, "process", name)
            continue
        places = _places(name, folder, event)
        if kind == "write":
            own |= places
            if not step.writes_unknown_files and not _covers(writes, places):
                yield _undeclared(event, step, "write", _shown(name, folder))
        elif not step.touches_unknown_files and not _covers(reads | writes | own, places):
            yield _undeclared(event, step, "read", _shown(name, folder))
    for name in end.files:
        places = _places(name, folder, {})
        if not step.writes_unknown_files and not _covers(writes | own, places):
            yield _undeclared({"cell": step.cells[-1]}, step, "write", _shown(name, folder))


def _on_page(item: Undeclared, notebook: Notebook) -> Undeclared:
    """IPython does not count the empty lines that a cell begins with."""
    source = next((cell.source for cell in notebook.cells if cell.id == item.cell), "")
    empty = len(list(takewhile(lambda line: not line.strip(), source.split("\n"))))
    return item if item.line is None else replace(item, line=item.line + empty)


def _undeclared(event: Mapping[str, Any], step: Step, kind: Any, name: str) -> Undeclared:
    return Undeclared(event.get("cell"), event.get("line"), step.slug, kind, name)


def _known_files(pipeline: Pipeline, step: Step) -> tuple[set[str], set[str]]:
    """Paths that a step is known to read, and to write."""
    loaded = [pipeline.artifact(artifact_id) for artifact_id in step.loads]
    hidden = [name.partition(":")[2] for name in step.hidden if name.startswith("file:")]
    reads = [*step.files_read, *hidden, *(item.names[0] for item in loaded if item.kind == "file")]
    return {posixpath.normpath(path) for path in reads}, {posixpath.normpath(path) for path in step.files_written}


def _places(name: str, folder: str, event: Mapping[str, Any]) -> set[str]:
    """A file's path as the notebook may have written it: from its folder, or from where it went with ``chdir``."""
    bases = {folder, str(event.get("cwd") or folder)}
    return {posixpath.relpath(name, base) for base in bases}


def _shown(name: str, folder: str) -> str:
    return posixpath.relpath(name, folder)


def _covers(known: set[str], places: set[str]) -> bool:
    return any(place == path or place.startswith(f"{path}/") or path == "." for path in known for place in places)


def _mutations(notebook: Notebook, step: Step, evidence: Evidence) -> Iterator[Undeclared]:
    """Inputs that are still the same object at the end of the step, but hold something else."""
    begin, end = evidence.begins.get(step.slug), evidence.ends[step.slug]
    if begin is None:
        return
    known = {*step.mutates, *step.outputs} | assigned_names(notebook, step)
    for name, before in begin.values.items():
        after = end.values.get(name)
        if name in known or after is None or begin.ids.get(name) != end.ids.get(name):
            continue
        if before.digest is None or after.digest is None or before.digest == after.digest:
            continue
        cell = next(
            (
                item.cell
                for item in evidence.moments_of(step.slug)
                if name in item.values and item.values[name].digest != before.digest
            ),
            None,
        )
        yield Undeclared(cell, None, step.slug, "mutation", name)
