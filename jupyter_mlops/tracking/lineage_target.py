"""From what somebody writes to the thing of the lineage that is meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.notebook.names import nearest, printable
from jupyter_mlops.store.objects import hash_file
from jupyter_mlops.store.tracing import FILE_PREFIX, FlowRecord
from jupyter_mlops.tracking.lineage_read import Reader, RunFacts
from jupyter_mlops.tracking.lineage_ways import EMPTY, Ref, artifact_ref, makers

__all__ = ["Target", "resolve"]

_DIGEST = re.compile(r"[0-9a-f]{4,64}")
_HINT = (
    "Name a run (its id, the beginning of it, or latest), RUN:NAME, RUN:STEP/NAME, the beginning of a digest, "
    "or a file."
)
_UPWARDS = ("", "../", "../../")


@dataclass(frozen=True, slots=True)
class Target:
    """What is meant, and what there is to say about it."""

    ref: Ref
    notes: tuple[str, ...] = ()


def resolve(reader: Reader, text: str, folder: Path) -> Target:
    """Find the run, artifact or file that is meant.

    Args:
        text: A run; ``RUN:NAME``, ``RUN:STEP/NAME`` or ``RUN:STEP``; the beginning of a digest; or a path.
        folder: What a path is relative to.

    Raises:
        UsageError: Nothing is meant, or more than one thing.
    """
    database = reader.database
    if not text.strip():
        raise UsageError("The name of a run, artifact or file is empty.", hint=_HINT)
    path = _existing_file(text, folder)
    looks_like_path = "/" in text or os.sep in text or "." in text
    if path is not None and (looks_like_path or not database.names_a_run(text)):
        return _file_on_disk(reader, text, path, folder)
    run, colon, rest = text.partition(":")
    if colon and run and database.names_a_run(run):
        return Target(_in_run(reader, database.run_id(run), rest))
    if database.names_a_run(text):
        return Target(Ref("run", database.run_id(text)))
    if _DIGEST.fullmatch(text.lower()):
        digests = database.digests_like(text.lower())
        if len(digests) > 1:
            some = ", ".join(digest[:16] for digest in digests[:5]) + (", …" if len(digests) > 5 else "")
            raise UsageError(
                f"More than one artifact's digest begins with {text!r}: {some}.", hint="Give more of the digest."
            )
        if digests:
            return Target(_content(reader, digests[0]))
    recorded = _recorded_file(reader, text, folder)
    if recorded is None:
        raise UsageError(f'There is no run, artifact or file "{printable(text)}" on record.', hint=_HINT)
    return Target(recorded, (f"{printable(text)} is not there now; this is the content that was read last.",))


def _existing_file(text: str, folder: Path) -> Path | None:
    try:
        path = folder / text
        return path if path.is_file() else None
    except (OSError, ValueError):
        return None


def _file_on_disk(reader: Reader, text: str, path: Path, folder: Path) -> Target:
    try:
        digest = hash_file(path)
    except OSError as error:
        raise InfrastructureError(f"{printable(text)} can't be read: {error.strerror or error}.") from error
    shown = printable(text)
    if digest != EMPTY and any(kind == "file" for _, kind, _ in reader.keys_of(digest)):
        return Target(_content(reader, digest, set(_paths(text, folder))))
    recorded = _recorded_file(reader, text, folder)
    if recorded is None:
        raise UsageError(
            f"No run on record has read or made {shown}.",
            hint="Files are on record that a step reads or writes under a path that its code says.",
        )
    if recorded.digest == digest:
        return Target(recorded)
    return Target(
        recorded,
        (
            f"{shown} has changed: no run has seen what it holds now ({digest[:12]}). "
            "This is the content that was read last.",
        ),
    )


def _content(reader: Reader, digest: str, paths: Iterable[str] = ()) -> Ref:
    """The artifact with this content if one run computed it, the file if none did, else the content alone."""
    made, more = makers(reader, digest)
    if len(made) == 1 and not more:
        return made[0]
    if made:
        return Ref("content", digest=digest)
    names = [
        artifact.removeprefix(FILE_PREFIX) for key, _, _ in reader.keys_of(digest) for artifact in reader.file_ids(key)
    ]
    if not names:
        return Ref("content", digest=digest)
    wanted = set(paths)
    return Ref("file", name=next((name for name in names if name in wanted), names[0]), digest=digest)


def _recorded_file(reader: Reader, text: str, folder: Path) -> Ref | None:
    """The content that a run read, or made, last under this path, which was relative to a folder of the project."""
    database = reader.database
    best: tuple[str, str, str] | None = None
    for path in _paths(text, folder):
        last = database.last_read(path)
        found = [(last[0], path, last[1])] if last is not None else []
        for digest, key in database.files_made(path):
            for name in database.ids_of(key, "out"):
                found += [(use.run_id, path, digest) for use in database.uses(key, name, "out", 1)]
        best = max([*found, *([best] if best is not None else [])], default=None)
    if best is None:
        return None
    return Ref("file", name=best[1], digest=best[2]) if best[2] == EMPTY else _content(reader, best[2], [best[1]])


def _paths(text: str, folder: Path) -> Iterator[str]:
    """Ways in which a notebook somewhere in the project may have written the path."""
    yield text
    try:
        parts = Path(os.path.normpath(folder / text)).parts
    except ValueError:
        return
    yield "/".join(parts).replace("//", "/")
    for start in range(1, len(parts)):
        for upwards in _UPWARDS:
            yield upwards + "/".join(parts[start:])


def _in_run(reader: Reader, run_id: str, name: str) -> Ref:
    facts = reader.run(run_id)
    if facts is None:
        raise UsageError(f"The run {run_id!r} was removed meanwhile.")
    found = _matching(reader, facts, name)
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        some = ", ".join(printable(text) for text in list(found)[:6])
        raise UsageError(
            f'More than one step of {run_id} made "{printable(name)}": {some}.', hint="Say which, as RUN:STEP/NAME."
        )
    known = list(_names(facts))
    near = nearest(name, known)
    shown = ", ".join(printable(text) for text in known[:12]) + (", …" if len(known) > 12 else "")
    guess = f'; did you mean "{printable(near)}"?' if near else "."
    raise UsageError(
        f'The run {run_id} has no artifact, file or step "{printable(name)}"{guess}',
        hint=f"It has {shown}." if known else "It has made nothing.",
    )


def _matching(reader: Reader, facts: RunFacts, name: str) -> dict[str, Ref]:
    step, slash, short = name.partition("/")
    found = {
        f"{flow.step}/{flow.names[0] if flow.names else flow.id}": artifact_ref(
            reader, facts.head.run_id, flow.step, flow
        )
        for flow in facts.made.values()
        if name in _called(flow) or (slash and short in _called(flow) and step in _step_names(facts, flow.step))
    }
    if found:
        return found
    for flows in facts.taken.values():
        for flow in flows:
            if flow.id == FILE_PREFIX + name or (flow.id.startswith(FILE_PREFIX) and flow.id == name):
                path = flow.id.removeprefix(FILE_PREFIX)
                return {name: Ref("file", name=path, digest=flow.digest)}
    return {slug: Ref("step", facts.head.run_id, slug) for slug in facts.steps if name in _step_names(facts, slug)}


def _called(flow: FlowRecord) -> tuple[str, ...]:
    return (flow.id, *flow.names)


def _step_names(facts: RunFacts, slug: str) -> tuple[str, ...]:
    step = facts.steps.get(slug)
    return (slug,) if step is None else (slug, step.name)


def _names(facts: RunFacts) -> Iterator[str]:
    shown: dict[str, None] = {}
    for flow in facts.made.values():
        shown.update(dict.fromkeys(flow.names))
    for flows in facts.taken.values():
        shown.update({flow.id.removeprefix(FILE_PREFIX): None for flow in flows if flow.id.startswith(FILE_PREFIX)})
    shown.update({step.name: None for step in facts.steps.values()})
    yield from shown
