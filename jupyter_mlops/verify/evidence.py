"""All that is known of one run of a notebook, as items that can be compared with those of another run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlops.engine.result import RunResult
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.verify.model import Kind
from jupyter_mlops.verify.observation import Moment, Value
from jupyter_mlops.verify.outputs import displayed

__all__ = ["Evidence", "Item", "Key", "make_evidence"]

MOST_LINES = 2000


@dataclass(frozen=True, slots=True)
class Key:
    """What an item is about.

    Args:
        owner: Slug of the step; for an output, id of the cell.
    """

    kind: Kind
    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be compared.

    Args:
        digest: Equal for equal contents.
        text: For people.
        parts: Digest and text of its parts.
    """

    digest: str
    text: str
    parts: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of_value(cls, value: Value) -> Item | None:
        """Make an item of a variable's value; None if nobody can tell what it holds."""
        if value.digest is None:
            return None
        return cls(value.digest, value.preview, value.parts)

    @classmethod
    def of_text(cls, text: str) -> Item:
        """Make an item of something displayed, line by line."""
        lines = text.split("\n")
        parts = {} if len(lines) > MOST_LINES else {f"line {n}": (line, line) for n, line in enumerate(lines, 1)}
        return cls(text, text, parts)


@dataclass(frozen=True)
class Evidence:
    """One run.

    Args:
        items: What is compared; in the pipeline's run only what was reached.
        begins: What each step began with, by slug.
        ends: What each step ended with.
        cells: What each cell left, in the order of time.
    """

    result: RunResult
    items: Mapping[Key, Item]
    begins: Mapping[str, Moment]
    ends: Mapping[str, Moment]
    cells: Sequence[Moment]

    def moments_of(self, slug: str) -> list[Moment]:
        """What each cell of a step left, and the step's end."""
        return [item for item in self.cells if item.step == slug] + [self.ends[slug]] * (slug in self.ends)


def make_evidence(
    pipeline: Pipeline, result: RunResult, moments: Iterable[Moment], outputs: Mapping[str, list[Mapping[str, object]]]
) -> Evidence:
    """Put together what a run has shown.

    Args:
        outputs: Of each cell that was executed.
    """
    moments = tuple(moments)
    begins = {item.step: item for item in moments if item.moment == "begin"}
    ends = {item.step: item for item in moments if item.moment == "end"}
    cells = [item for item in moments if item.moment == "cell"]
    items: dict[Key, Item] = {}
    for step in pipeline.steps:
        if step.slug in begins:
            _add(items, "input", step.slug, begins[step.slug].values)
        if step.slug in ends:
            end = ends[step.slug]
            _add(items, "value", step.slug, end.values)
            _add_artifacts(items, pipeline, step.slug, end)
    for cell, found in outputs.items():
        for label, text in displayed(found).items():
            items[Key("output", cell, label)] = Item.of_text(text)
    return Evidence(result, items, begins, ends, cells)


def _add(items: dict[Key, Item], kind: Kind, slug: str, values: Mapping[str, Value]) -> None:
    for name, value in values.items():
        item = Item.of_value(value)
        if item is not None:
            items[Key(kind, slug, name)] = item


def _add_artifacts(items: dict[Key, Item], pipeline: Pipeline, slug: str, end: Moment) -> None:
    for path, digest in end.files.items():
        text = "no file" if digest is None else f"content {digest[:12]}"
        items[Key("file", slug, path)] = Item(digest or "", text)
    for artifact in pipeline.artifacts_of(slug):
        name = artifact.names[0]
        if artifact.kind == "state" and name in end.states:
            items[Key("state", slug, name)] = Item(end.states[name], f"state {end.states[name][:12]}")
        shared = end.groups.get(name)
        if artifact.kind == "value" and len(artifact.names) > 1 and shared is not None:
            names = ", ".join(artifact.names)
            items[Key("value", slug, names)] = Item(shared, f"shared in the way {shared[:12]}")
