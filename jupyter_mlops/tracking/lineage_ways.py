"""From one thing of the lineage to its neighbours: what it came of, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jupyter_mlops.store.objects import hash_bytes
from jupyter_mlops.store.tracing import FILE_PREFIX, FlowRecord, Use
from jupyter_mlops.tracking.lineage_model import NodeKind, Relation
from jupyter_mlops.tracking.lineage_read import FANOUT, Reader

__all__ = ["EMPTY", "Found", "Ref", "above", "artifact_ref", "below", "makers"]

EMPTY = hash_bytes(b"")
"""The digest of nothing: that two files have it does not mean that one is the other."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A thing of the lineage; equal ones are one node.

    Args:
        run_id: Of a run or step; of an artifact, the run that computed it.
        name: A step's slug, an artifact's id, a file's path, a model's name and version (``churn/3``).
        digest: Of an artifact, file or content.
        seen_in: The run by which the way came to a file: what made it was earlier, what used it later.
    """

    kind: NodeKind
    run_id: str = ""
    name: str = ""
    digest: str = ""
    seen_in: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """The node's id."""
        if self.kind == "file":  # wherever it lies, a content is one; but not that of empty files
            return f"file:{self.name}" if self.digest == EMPTY else f"file:{self.digest}"
        return f"{self.kind}:{'/'.join(part for part in (self.run_id, self.name) if part) or self.digest}"


@dataclass(frozen=True, slots=True)
class Found:
    """The neighbours of a thing on one side.

    Args:
        more: How many others there are.
        at_least: Whether there may be even more.
    """

    refs: tuple[tuple[Ref, Relation], ...] = ()
    more: int = 0
    at_least: bool = False


def above(reader: Reader, ref: Ref) -> Found:
    """Find what something came of."""
    if ref.kind == "step":
        return Found(tuple(_inputs(reader, ref)))
    if ref.kind == "artifact":
        return Found(((Ref("step", ref.run_id, _maker(reader, ref)), "made"),))
    if ref.kind == "file":
        return _writer(reader, ref)
    if ref.kind == "content":
        made, more = makers(reader, ref.digest)
        return Found(tuple((item, "same") for item in made), more)
    if ref.kind == "run":
        return Found(tuple((item, "part") for item in _last_steps(reader, ref.run_id)))
    return Found(tuple((item, "registered") for item in _registered(reader, ref)))


def below(reader: Reader, ref: Ref) -> Found:
    """Find what came of something."""
    if ref.kind == "step":
        return Found(tuple(_outputs(reader, ref)))
    if ref.kind == "artifact":
        return _users_of_artifact(reader, ref)
    if ref.kind == "file":
        return _users_of_content(reader, ref, files_only=True)
    if ref.kind == "content":
        return _users_of_content(reader, ref, files_only=False)
    if ref.kind == "run":
        return _users_of_run(reader, ref)
    return Found()


def artifact_ref(reader: Reader, run_id: str, step: str, flow: FlowRecord) -> Ref:
    """Return the artifact that a step of a run made, as the run that really computed it made it."""
    origin = reader.origin(run_id, step)
    facts = reader.run(origin)
    made = None if facts is None else facts.made.get(flow.id)
    if origin != run_id and made is not None and made.digest == flow.digest:
        return Ref("artifact", origin, flow.id, flow.digest)
    return Ref("artifact", run_id, flow.id, flow.digest)


def makers(reader: Reader, digest: str) -> tuple[list[Ref], int]:
    """Return the artifacts with this content, as the runs that computed them made them, and how many more there are."""
    found: dict[Ref, None] = {}
    for key, _, _ in reader.keys_of(digest):
        for artifact in reader.database.ids_of(key, "out"):
            newest = reader.database.uses(key, artifact, "out", FANOUT)
            oldest = reader.database.uses(key, artifact, "out", 1, oldest_first=True)
            for use in (*newest, *oldest):
                ref = _as_made(reader, use)
                if ref is not None:
                    found[ref] = None
    refs = sorted(found, key=lambda ref: ref.run_id, reverse=True)
    return refs[:FANOUT], len(refs[FANOUT:])


def _as_made(reader: Reader, use: Use) -> Ref | None:
    facts = reader.run(use.run_id)
    flow = None if facts is None else facts.made.get(use.id)
    return None if flow is None else artifact_ref(reader, use.run_id, use.step, flow)


def _maker(reader: Reader, ref: Ref) -> str:
    facts = reader.run(ref.run_id)
    made = None if facts is None else facts.made.get(ref.name)
    return ref.name.partition(".")[0] if made is None else made.step


def _inputs(reader: Reader, ref: Ref) -> Iterator[tuple[Ref, Relation]]:
    """The same step of the run that computed, where it was reused; else what it took."""
    origin = reader.origin(ref.run_id, ref.name)
    if origin != ref.run_id and reader.step(origin, ref.name) is not None:
        yield Ref("step", origin, ref.name), "reused"
        return
    facts = reader.run(ref.run_id)
    for flow in () if facts is None else facts.taken.get(ref.name, ()):
        yield _source(reader, ref.run_id, flow), "took"


def _source(reader: Reader, run_id: str, flow: FlowRecord) -> Ref:
    producer = reader.producer(run_id, flow)
    if producer is None:
        return Ref("file", name=flow.id.removeprefix(FILE_PREFIX), digest=flow.digest, seen_in=run_id)
    return artifact_ref(reader, run_id, producer, flow)


def _writer(reader: Reader, ref: Ref) -> Found:
    """The step run that wrote a file with this content last, before it was read; an empty file says nothing."""
    best: Use | None = None
    for key, kind, size in reader.keys_of(ref.digest):
        if kind != "file" or not size:
            continue
        for artifact in reader.database.ids_of(key, "out"):
            for use in reader.database.uses(key, artifact, "out", 1, before=ref.seen_in or None):
                best = use if best is None or use.run_id > best.run_id else best
    made = None if best is None else _as_made(reader, best)
    return Found() if made is None else Found(((made, "same"),))


def _last_steps(reader: Reader, run_id: str) -> Iterator[Ref]:
    """The steps of a run whose results no other step of it took; from them, all others are reached."""
    facts = reader.run(run_id)
    if facts is None:
        return
    feeding = {reader.producer(run_id, flow) for flows in facts.taken.values() for flow in flows}
    for slug in facts.steps:
        if slug not in feeding:
            yield Ref("step", run_id, slug)


def _registered(reader: Reader, ref: Ref) -> Iterator[Ref]:
    name, _, version = ref.name.rpartition("/")
    for model in reader.models_of(run_id=ref.seen_in):
        facts = reader.run(model.run_id)
        flow = None if facts is None else facts.made.get(model.artifact)
        if model.model == name and str(model.version) == version and flow is not None:
            yield artifact_ref(reader, model.run_id, model.step, flow)


def _outputs(reader: Reader, ref: Ref) -> Iterator[tuple[Ref, Relation]]:
    facts = reader.run(ref.run_id)
    for flow in () if facts is None else facts.made.values():
        if flow.step == ref.name:
            made = artifact_ref(reader, ref.run_id, ref.name, flow)
            yield made, "made" if made.run_id == ref.run_id else "reused"


def _users_of_artifact(reader: Reader, ref: Ref) -> Found:
    facts = reader.run(ref.run_id)
    flow = None if facts is None else facts.made.get(ref.name)
    if facts is None or flow is None:
        return Found()
    own = [slug for slug, flows in facts.taken.items() if any(item.id == ref.name for item in flows)]
    refs: list[tuple[Ref, Relation]] = [(Ref("step", ref.run_id, slug), "took") for slug in own]
    more, at_least = 0, False
    maker = facts.steps.get(flow.step)
    if maker is not None and maker.cache_key is not None:
        elsewhere = [
            use
            for use in reader.database.uses_elsewhere(
                flow.key, ref.name, flow.step, maker.cache_key, FANOUT + len(own) + 1
            )
            if use.run_id != ref.run_id and reader.origin(use.run_id, flow.step) == ref.run_id
        ]
        refs += [(Ref("step", use.run_id, use.step), "took") for use in elsewhere[:FANOUT]]
        if len(elsewhere) >= FANOUT:
            number, at_least = reader.count(flow.key, ref.name, used=True)
            more = max(0, number - len(refs))
    refs += [(item, "same") for item in _as_files(reader, ref.run_id, flow)]
    models = [
        model
        for model in reader.models_of(key=flow.key)
        if model.artifact == ref.name and reader.origin(model.run_id, model.step) == ref.run_id
    ]
    refs += [
        (Ref("model", name=f"{model.model}/{model.version}", seen_in=model.run_id), "registered") for model in models
    ]
    return Found(tuple(refs), more, at_least)


def _as_files(reader: Reader, run_id: str, flow: FlowRecord) -> Iterator[Ref]:
    """A file that a step wrote, as other runs read it later."""
    if flow.kind != "file" or not flow.bytes:
        return
    paths: dict[str, None] = {}
    for key, kind, _ in reader.keys_of(flow.digest):
        for artifact in reader.file_ids(key) if kind == "file" else ():
            if reader.database.uses(key, artifact, "in", 1, after=run_id):
                paths[artifact.removeprefix(FILE_PREFIX)] = None
    for path in paths:
        yield Ref("file", name=path, digest=flow.digest, seen_in=run_id)


def _users_of_content(reader: Reader, ref: Ref, *, files_only: bool) -> Found:
    found: dict[tuple[str, str], None] = {}
    total, at_least = 0, False
    for key, _, _ in reader.keys_of(ref.digest):
        ids = reader.file_ids(key) if files_only else reader.database.ids_of(key, "in")
        for artifact in ids:
            if files_only and ref.digest == EMPTY and artifact != FILE_PREFIX + ref.name:
                continue
            uses = reader.database.uses(key, artifact, "in", FANOUT + 1, after=ref.seen_in or None)
            found.update({(use.run_id, use.step): None for use in uses})
            if len(uses) > FANOUT:
                number, capped = reader.count(key, artifact, used=True)
                total, at_least = total + number, at_least or capped
            else:
                total += len(uses)
    newest = sorted(found, key=lambda item: item[0], reverse=True)[:FANOUT]
    refs: tuple[tuple[Ref, Relation], ...] = tuple((Ref("step", *item), "took") for item in newest)
    return Found(refs, max(0, total - len(newest)), at_least)


def _users_of_run(reader: Reader, ref: Ref) -> Found:
    """The runs that reused its results, the files of it that others read, the models registered from it."""
    facts = reader.run(ref.run_id)
    if facts is None:
        return Found()
    runs: set[str] = set()
    most, at_least = 0, False
    for step in facts.steps.values():
        found, number, capped = reader.reusing(step)
        runs.update(found)
        most, at_least = max(most, number), at_least or capped
    newest = sorted(runs - {ref.run_id}, reverse=True)
    refs: list[tuple[Ref, Relation]] = [(Ref("run", run_id), "reused") for run_id in newest[:FANOUT]]
    for flow in facts.made.values():
        if reader.origin(ref.run_id, flow.step) == ref.run_id and next(_as_files(reader, ref.run_id, flow), None):
            refs.append((Ref("artifact", ref.run_id, flow.id, flow.digest), "made"))
    for model in reader.models_of(run_id=ref.run_id):
        refs.append((Ref("model", name=f"{model.model}/{model.version}", seen_in=model.run_id), "registered"))
    more = max(most, len(newest)) - min(len(newest), FANOUT)
    return Found(tuple(refs), more, at_least)
