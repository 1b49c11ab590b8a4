"""What runs made and read, content by content. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlops.runtime.describe import TIMES
from jupyter_mlops.store.records import ArtifactRecord
from jupyter_mlops.store.tracing import FILE_PREFIX
from jupyter_mlops.tracking.compare_model import ArtifactCell, ArtifactRow
from jupyter_mlops.tracking.compare_read import RunSnapshot

__all__ = ["data_rows"]

_MOST_CHANGES = 12


def data_rows(runs: Sequence[RunSnapshot]) -> tuple[ArtifactRow, ...]:
    """Compare files that were read, then artifacts by step and name."""
    files = _rows([{("", item.id.removeprefix(FILE_PREFIX)): item for item in run.files} for run in runs])
    made = _rows([{(item.step, item.name or item.id): item for item in run.made} for run in runs])
    return (*files, *made)


def _rows(columns: Sequence[Mapping[tuple[str, str], ArtifactRecord]]) -> list[ArtifactRow]:
    keys = dict.fromkeys(key for column in columns for key in column)
    rows = []
    for key in keys:
        records = [column.get(key) for column in columns]
        cells = tuple(_cell(record, records[0]) for record in records)
        kind = next(record.kind for record in records if record is not None)
        digests = {None if record is None else record.digest for record in records}
        rows.append(ArtifactRow(key[1], key[0], kind, cells, len(digests) > 1))
    return rows


def _cell(record: ArtifactRecord | None, baseline: ArtifactRecord | None) -> ArtifactCell | None:
    if record is None:
        return None
    same = None if baseline is None else record.digest == baseline.digest
    changes = () if baseline is None or same else _changes(baseline, record)
    # Previews show values, which may be secrets; what is told of the form has names and types alone.
    return ArtifactCell(record.digest, record.bytes, record.type, same, changes)


def _changes(before: ArtifactRecord, after: ArtifactRecord) -> tuple[str, ...]:
    found: list[str] = []
    if before.type != after.type and before.type and after.type:
        found.append(f"type {before.type} → {after.type}")
    names = [name for name in after.names if name in before.members and name in after.members]
    for name in names:
        prefix = f"{name}: " if len(after.names) > 1 else ""
        found += [f"{prefix}{change}" for change in _member(before.members[name], after.members[name])]
    if not names:
        found += _schema(before.schema, after.schema)
    if len(found) > _MOST_CHANGES:
        found[_MOST_CHANGES:] = [f"and {len(found) - _MOST_CHANGES} more changes"]
    return tuple(found)


def _member(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    if before.get("type") != after.get("type"):
        return [f"type {before.get('type')} → {after.get('type')}"]
    return _schema(before.get("schema"), after.get("schema"))


def _schema(before: Any, after: Any) -> list[str]:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping) or before == after:
        return []
    found = _columns(before.get("columns"), after.get("columns"))
    for name, told in (("rows", "rows"), ("dtype", "dtype")):
        if before.get(name) != after.get(name) and name in before and name in after:
            found.append(f"{told} {before[name]} → {after[name]}")
    if before.get("shape") != after.get("shape"):
        found.append(f"shape {_shape(before.get('shape'))} → {_shape(after.get('shape'))}")
    return found


def _columns(before: Any, after: Any) -> list[str]:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return []
    added = [name for name in after if name not in before]
    removed = [name for name in before if name not in after]
    found = [f"column {name} added" for name in added] + [f"column {name} removed" for name in removed]
    found += [
        f"column {name}: {before[name]} → {after[name]}"
        for name in after
        if name in before and before[name] != after[name]
    ]
    if not found and list(before) != list(after):
        found.append("columns in another order")
    return found


def _shape(shape: Any) -> str:
    return TIMES.join(str(length) for length in shape) if isinstance(shape, (list, tuple)) and shape else "none"
