"""Why each input, output, mutation, state and edge of a step exists, with the line that caused it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from jupyter_mlops.analysis.model import Cause, is_hidden
from jupyter_mlops.pipeline.assembly import Slices
from jupyter_mlops.pipeline.versions import Unit

__all__ = ["Explanation", "ExplanationKind", "explain"]

ExplanationKind = Literal["input", "output", "mutation", "state", "replay", "parameter", "order"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason.

    Args:
        step: Slug of the step it is about.
        kind: What is explained: a variable taken, given or changed; hidden state taken; code replayed;
            a parameter read; an order between steps.
        name: Of the variable, state, parameter or replayed name; of the other step for ``order``.
        other: Slugs of the steps at the other end.
        text: Half a sentence: ``reads df``, ``changed in place by fit()``.
        cell: Id of the cell whose line is the reason.
        line: 1-based line in it.
    """

    step: str
    kind: ExplanationKind
    name: str
    other: tuple[str, ...]
    text: str
    cell: str
    line: int


def explain(slices: Slices) -> tuple[Explanation, ...]:
    """Give the reasons for all that crosses between the steps, step by step."""
    explainer = _Explainer(slices)
    return tuple(item for place in range(len(slices.placement.steps)) for item in explainer.step(place))


class _Explainer:
    def __init__(self, slices: Slices) -> None:
        self.slices = slices
        self.slugs = [step.slug for step in slices.placement.steps]

    def step(self, place: int) -> Iterator[Explanation]:
        """All reasons that concern one step."""
        yield from self._inputs(place)
        yield from self._outputs(place)
        yield from self._mutations(place)
        yield from self._replays(place)
        yield from self._orders(place)

    def _make(self, place: int, kind: ExplanationKind, name: str, other: tuple[str, ...], cause: Cause) -> Explanation:
        cell = self.slices.notebook.cells[cause.cell].id
        return Explanation(self.slugs[place], kind, name, other, cause.text, cell, cause.line)

    def _inputs(self, place: int) -> Iterator[Explanation]:
        needs = self.slices.flow.needs[place]
        for name, number in sorted(needs.inputs.items()):
            source = self.slices.ledger.provider(number).step
            other = () if source is None else (self.slugs[source],)
            kind: ExplanationKind = "state" if is_hidden(name) else "input"
            yield self._make(place, kind, name.removeprefix("$"), other, needs.causes[name])

    def _outputs(self, place: int) -> Iterator[Explanation]:
        needs = self.slices.flow.needs[place]
        for name, number in sorted(needs.outputs.items()):
            if is_hidden(name):
                continue
            readers = [
                self.slugs[other]
                for other, item in enumerate(self.slices.flow.needs)
                if item.inputs.get(name) is not None and self.slices.ledger.provider(item.inputs[name]).step == place
            ]
            cause = self.slices.ledger.versions[number].cause
            yield self._make(place, "output", name, tuple(readers), cause)

    def _mutations(self, place: int) -> Iterator[Explanation]:
        inputs = self.slices.flow.needs[place].inputs
        for cell in self.slices.runs[place]:
            for name, cause in sorted(self.slices.facts.cells[cell].changed.items()):
                if name in inputs and not is_hidden(name):
                    yield self._make(place, "mutation", name, (), cause)

    def _replays(self, place: int) -> Iterator[Explanation]:
        needs = self.slices.flow.needs[place]
        kinds: tuple[tuple[ExplanationKind, set[Unit]], ...] = (
            ("parameter", needs.parameters),
            ("replay", needs.units),
        )
        for kind, units in kinds:
            for unit in sorted(units):
                statement = self.slices.ledger.statement(unit)
                for number in statement.made:
                    version = self.slices.ledger.versions[number]
                    name = version.name.removeprefix("$")
                    yield self._make(place, kind, name, (), version.cause)

    def _orders(self, place: int) -> Iterator[Explanation]:
        for earlier, later, path in self.slices.conflicts:
            if later == place:
                what = "any file" if path == "files" else path.removeprefix("file:")
                text = f"both steps touch {what}, and one of them writes"
                yield self._make(place, "order", self.slugs[earlier], (self.slugs[earlier],), self._first(place, text))
        for slug in self.slices.placement.steps[place].after:
            yield self._make(place, "order", slug, (slug,), self._first(place, f"the tag after:{slug}"))

    def _first(self, place: int, text: str) -> Cause:
        return Cause(self.slices.placement.steps[place].cells[0], 1, text)
