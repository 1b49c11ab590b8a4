"""Code with which a kernel of any environment loads what a run made; nothing of the content is read here."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.magics import python_source
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.pipeline.model import Snippet, Step
from jupyter_mlops.runtime.secret_names import is_secret
from jupyter_mlops.steps.notebook import replay_source
from jupyter_mlops.store.records import ArtifactRecord
from jupyter_mlops.tracking.locating import ABSENT, find_made, find_step
from jupyter_mlops.tracking.values import RunReader, bindings

__all__ = ["LoadCode", "code_for_inputs", "code_for_value"]

_FUTURE = re.compile(r"^from\s+__future__\s+import\b.*$", re.MULTILINE)
_LOAD = """\
def __mlops_load__(bundle, context):
    import sys
    if bundle not in sys.path:
        sys.path.append(bundle)
    from mlops_runtime.context import parse_context
    from mlops_runtime.step import load
    load(globals(), parse_context(context))
__mlops_load__({bundle!r}, {context!r})
del __mlops_load__"""
_DEFINE = """\
for __mlops_code__, __mlops_names__ in {code!r}:
    if any(name not in globals() for name in __mlops_names__):
        exec(__mlops_code__, globals())
del __mlops_code__, __mlops_names__"""


@dataclass(frozen=True, slots=True)
class LoadCode:
    """Code for a kernel.

    Args:
        names: What it binds.
        title: What it does, for people.
        imported: Of these, what imports bind: that is the same again.
        notes: What there is to know besides.
    """

    code: str
    names: tuple[str, ...]
    title: str
    imported: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the form that the panel has."""
        at_stake = [name for name in self.names if name not in self.imported]
        probe = f"[name for name in {at_stake!r} if name in globals()]"
        return {
            "code": self.code,
            "names": list(self.names),
            "probe": probe,
            "title": self.title,
            "notes": list(self.notes),
        }


def code_for_inputs(reader: RunReader, name: str, bundle: Path, *, files: bool = False) -> LoadCode:
    """Return code that puts a kernel where a step of a run began.

    Args:
        name: Of the step, or its slug.
        bundle: Folder with the runtime.
        files: Whether files that the step got are put into place.

    Raises:
        UsageError: There is no such step, an input was never made, or the run kept no notebook.
        InfrastructureError: The content of an input is missing or damaged.
    """
    record = find_step(reader.database, reader.run.run_id, name)
    step = _step(reader, record.slug)
    bound = [item for item in bindings(reader, step.slug) if files or item[0].kind != "file"]
    values, hidden = _parameters(reader, step)
    sections = [
        step.parameters_source,
        "\n".join(f"{key} = {_literal(value)}" for key, value in values.items()),
        replay_source(step.replay)[0] if step.replay else "",
        _load(reader, step.slug, step.name, bundle, bound) if bound else "",
        replay_source(step.replay_loaded)[0] if step.replay_loaded else "",
    ]
    code = [found for item in (*step.replay, *step.replay_loaded) for found in item.names]
    loaded = [item for found, names in bound if found.kind == "value" for item in names]
    notes = [f"The parameter {item} was a secret, which is not on record." for item in hidden]
    left = [item[0].name for item in bindings(reader, step.slug) if item[0].kind == "file"] if not files else []
    notes += [f"Files that the step got are left as they are here: {printable(', '.join(left))}."] if left else []
    return LoadCode(
        _joined(sections),
        tuple(dict.fromkeys([*values, *code, *loaded])),
        f'Inputs of step "{printable(step.name)}" of the run {reader.run.run_id}',
        frozenset(name for item in (*step.replay, *step.replay_loaded) for name in _imported(item.source)),
        tuple(notes),
    )


def code_for_value(reader: RunReader, name: str, bundle: Path, *, step: str | None = None) -> LoadCode:
    """Return code that loads one value that a run made.

    Args:
        name: Of the variable.
        bundle: Folder with the runtime.
        step: The step that made it, where several did.

    Raises:
        UsageError: There is no such value, or it is a file.
        InfrastructureError: Its content is missing or damaged.
    """
    made = find_made(reader.database, reader.run.run_id, name, step, last=True)
    if made.record.kind == "file":
        raise UsageError(
            f"{printable(name)} of the run {reader.run.run_id} is a file, not a value.",
            hint="Load the inputs of a step that takes it.",
        )
    sections = [_definitions(reader, made.record)]
    sections.append(_load(reader, made.step.slug, made.step.name, bundle, [(made.record, (made.name,))]))
    title = f"{printable(made.name)} of the run {reader.run.run_id}"
    return LoadCode(_joined(sections), (made.name,), title)


def _step(reader: RunReader, slug: str) -> Step:
    pipeline = reader.pipeline
    step = None if pipeline is None else next((item for item in pipeline.steps if item.slug == slug), None)
    if step is None:
        raise UsageError(f"The run {reader.run.run_id} has not kept the notebook that says what the step needs.")
    return step


def _parameters(reader: RunReader, step: Step) -> tuple[dict[str, Any], list[str]]:
    """The values that a step ran with, and names of those that are not on record."""
    given = {name: reader.run.parameters[name] for name in step.parameters if name in reader.run.parameters}
    hidden = [name for name in given if is_secret(name)]
    return {name: value for name, value in given.items() if name not in hidden}, hidden


def _load(
    reader: RunReader,
    slug: str,
    name: str,
    bundle: Path,
    bound: Sequence[tuple[ArtifactRecord, tuple[str, ...]]],
) -> str:
    context = {
        "schema": 1,
        "pipeline": reader.run.pipeline,
        "step": slug,
        "name": name,
        "output_dir": ".",
        "loads": [_load_json(reader, record, names) for record, names in bound if record.serializer != ABSENT],
    }
    return _LOAD.format(bundle=str(bundle), context=context)


def _load_json(reader: RunReader, record: ArtifactRecord, names: Sequence[str]) -> dict[str, Any]:
    return {
        "id": record.id,
        "kind": record.kind,
        "names": list(record.names),
        "bind": list(names),
        "path": str(reader.path(record)),
        "serializer": record.serializer or "pickle",
        "target": record.names[0] if record.kind == "file" else None,
    }


def _definitions(reader: RunReader, record: ArtifactRecord) -> str:
    """Code of the notebook that a value refers to, for a kernel that has not got it."""
    pipeline = reader.pipeline
    if record.serializer != "pickle" or pipeline is None:
        return ""
    needed = {name for item in pipeline.artifacts if item.id == record.id for name in item.code}
    step = next((item for item in pipeline.steps if item.slug == record.step), None)
    if step is None or not needed:
        return ""
    found: dict[str, Snippet] = {item.source: item for item in (*step.replay, *step.replay_loaded)}
    code = [(python_source(item.source).text, list(item.names)) for item in found.values()]
    return _DEFINE.format(code=code)


def _imported(source: str) -> set[str]:
    """Names that import statements of a piece of code bind."""
    try:
        body = ast.parse(python_source(source).text).body
    except (SyntaxError, ValueError, RecursionError):
        return set()
    aliases = [item for node in body if isinstance(node, (ast.Import, ast.ImportFrom)) for item in node.names]
    return {item.asname or item.name.partition(".")[0] for item in aliases}


def _joined(sections: Iterable[str]) -> str:
    """One cell of them all; imports from the future come first."""
    found = [section.strip("\n") for section in sections if section.strip()]
    future = [line for section in found for line in _FUTURE.findall(section)]
    return "\n".join([*dict.fromkeys(future), *(_FUTURE.sub("", section) for section in found)]) + "\n"


def _literal(value: Any) -> str:
    """A value of JSON, or a number that JSON has not, as Python."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return repr(json.loads(json.dumps(value)))
