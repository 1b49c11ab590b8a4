"""The tag language: what a cell's tags say about its place in the pipeline.

| tag | meaning |
|---|---|
| ``parameters`` | literal assignments are the pipeline's parameters |
| ``imports``, ``functions``, ``setup`` | replayed in each step that needs a name from the cell |
| ``step:NAME`` | the cell starts or continues a step; the name is free text |
| ``after:NAME`` | the step runs after another one, without data |
| ``in:NAME``, ``out:NAME[:TYPE]`` | declared input or output |
| ``metrics`` | finite numbers bound in the cell are metrics of the run |
| ``skip`` | the cell is not part of the pipeline |

``injected-parameters``, which papermill writes into a notebook that it has run, is read as a further
``parameters`` cell: its values override the ones above it, as they do when the notebook is run by hand.
Kale's tags are aliases (see ``kale``). Tags of other tools are left alone.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.notebook import kale
from jupyter_mlops.notebook.misspelt import intended_tag
from jupyter_mlops.notebook.model import DeclaredName, Role, StepSettings
from jupyter_mlops.notebook.names import printable, slugify

__all__ = ["EXACT_TAGS", "PREFIX_TAGS", "Tagging", "read_tags"]

EXACT_TAGS = {
    "parameters": "parameters",
    "injected-parameters": "parameters",
    "pipeline-parameters": "parameters",
    "imports": "imports",
    "functions": "functions",
    "setup": "setup",
    "skip": "skip",
    "metrics": "metrics",
    "pipeline-metrics": "metrics",
}
"""Tags without a value, with what they stand for."""

PREFIX_TAGS = {"step": "step", "block": "step", "after": "after", "prev": "after", "in": "in", "out": "out"}
"""Tags with a value, with what they stand for."""

_TYPE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\[[\w.,|\[\] ]+\])?")


@dataclass(frozen=True, slots=True)
class Tagging:
    """What the tags of one cell say.

    Args:
        shows_metrics: Whether the cell carries Kale's ``pipeline-metrics``, where the names that are shown are metrics.
        settings: Settings that Kale's tags make.
    """

    role: Role = "step"
    step: str | None = None
    after: tuple[str, ...] = ()
    inputs: tuple[DeclaredName, ...] = ()
    outputs: tuple[DeclaredName, ...] = ()
    metrics: bool = False
    shows_metrics: bool = False
    settings: StepSettings = field(default_factory=StepSettings)
    diagnostics: tuple[Diagnostic, ...] = ()


class _Words:
    """The tags of one cell, sorted by what they stand for."""

    def __init__(self, cell: str | None) -> None:
        self.cell = cell
        self.exact: dict[str, str] = {}  # meaning -> tag as written
        self.prefixed: dict[str, list[tuple[str, str]]] = {"step": [], "after": [], "in": [], "out": []}
        self.settings: list[str] = []
        self.shows_metrics = False
        self.problems: list[Diagnostic] = []

    def add(self, tag: str) -> None:
        """Sort one tag, without the white space around it."""
        head, colon, value = (part.strip() for part in tag.partition(":"))
        if not colon and head in EXACT_TAGS:
            self.exact.setdefault(EXACT_TAGS[head], head)
            self.shows_metrics = self.shows_metrics or head == "pipeline-metrics"
        elif colon and head in PREFIX_TAGS:
            self._add_prefixed(tag, head, value)
        elif colon and head in kale.SETTING_PREFIXES:
            self.settings.append(f"{head}:{value}")
        elif colon and head in EXACT_TAGS:
            self.malformed(tag, f"Write `{head}` alone; it takes no value.")
        elif head == "step":
            self.malformed(tag, "A step needs a name: `step:NAME`.")
        else:
            self._add_foreign(tag)

    def malformed(self, tag: str, hint: str) -> None:
        """Report a tag of ours whose value is wrong."""
        message = f"The tag `{printable(tag)}` is malformed."
        self.problems.append(make("MLO008", message, cell=self.cell, hint=hint))

    def contradict(self, one: str, other: str, hint: str) -> None:
        """Report two tags that can't both be meant."""
        message = f"The tags `{printable(one)}` and `{printable(other)}` contradict each other."
        self.problems.append(make("MLO007", message, cell=self.cell, hint=hint))

    def _add_prefixed(self, tag: str, head: str, value: str) -> None:
        if not value and head == "block":  # in Kale, the cell belongs to the step above
            return
        if not value:
            self.malformed(tag, f"A name is missing: `{head}:NAME`.")
        elif not value.isprintable():
            self.malformed(tag, "The name contains a character that can't be printed.")
        else:
            self.prefixed[PREFIX_TAGS[head]].append((value, tag))

    def _add_foreign(self, tag: str) -> None:
        meant = intended_tag(tag)
        if meant is not None:
            message = f"The tag `{printable(tag)}` is unknown."
            hint = f"Did you mean `{printable(meant)}`?"
            self.problems.append(make("MLO002", message, cell=self.cell, hint=hint))


def read_tags(
    tags: Sequence[str], *, kind: Literal["code", "markdown", "raw"] = "code", cell: str | None = None
) -> Tagging:
    """Read the tags of a cell.

    Args:
        tags: ``metadata.tags``, in their order.
        kind: Type of the cell.
        cell: Id of the cell, for the diagnostics.

    Returns:
        What the tags say. Where they contradict each other, it is a diagnostic and the first one counts.
    """
    words = _Words(cell)
    for tag in dict.fromkeys(tag.strip() for tag in tags):
        words.add(tag)
    if kind != "code":
        return _text_tagging(words)
    inputs = _declared(words, "in")
    outputs = _declared(words, "out")
    _check_contradictions(words, outputs)
    settings, problems = kale.read_setting_tags(words.settings, cell=cell)
    found = (*words.problems, *problems)
    role = _role(words)
    if role != "step":
        return Tagging(role, settings=settings, diagnostics=found)
    steps = [name for name, _ in words.prefixed["step"]]
    return Tagging(
        step=steps[0] if steps else None,
        after=tuple(dict.fromkeys(name for name, _ in words.prefixed["after"])),
        inputs=inputs,
        outputs=outputs,
        metrics="metrics" in words.exact,
        shows_metrics=words.shows_metrics,
        settings=settings,
        diagnostics=found,
    )


def _text_tagging(words: _Words) -> Tagging:
    ours = [tag for meaning, tag in words.exact.items() if meaning != "skip"]
    ours += [tag for found in words.prefixed.values() for _, tag in found]
    hint = "Only code cells take part in the pipeline: tag the code cell."
    problems = [
        make("MLO061", f"The tag `{printable(tag)}` has no effect on a text cell.", cell=words.cell, hint=hint)
        for tag in ours
    ]
    return Tagging("skip" if "skip" in words.exact else "text", diagnostics=tuple(problems))


def _role(words: _Words) -> Role:
    roles = [meaning for meaning in words.exact if meaning != "metrics"]
    if "skip" in roles:
        return "skip"
    return cast(Role, roles[0]) if roles else "step"


def _declared(words: _Words, which: Literal["in", "out"]) -> tuple[DeclaredName, ...]:
    declared: list[DeclaredName] = []
    for value, tag in words.prefixed[which]:
        name, colon, of_type = (part.strip() for part in value.partition(":"))
        name = unicodedata.normalize("NFKC", name)  # as Python itself reads identifiers
        if colon and which == "in":
            words.malformed(tag, f"An input takes no type: `in:{printable(name)}`.")
        elif "," in name or ";" in name or len(name.split()) > 1:
            words.malformed(tag, f"One tag declares one name: `{which}:NAME`.")
        elif not name.isidentifier() or keyword.iskeyword(name):
            words.malformed(tag, f"`{printable(name)}` can't be the name of a variable.")
        elif colon and not _TYPE.fullmatch(of_type):
            words.malformed(tag, "The type is written as in code, for example `out:df:pandas.DataFrame`.")
        else:
            declared.append(DeclaredName(name, of_type or None))
    return tuple(dict.fromkeys(declared))


def _check_contradictions(words: _Words, outputs: tuple[DeclaredName, ...]) -> None:
    roles = [tag for meaning, tag in words.exact.items() if meaning != "metrics"]
    for other in roles[1:]:
        words.contradict(roles[0], other, "A cell has one role: keep one of the two.")
    steps = [tag for found in words.prefixed.values() for _, tag in found]
    steps += [tag for meaning, tag in words.exact.items() if meaning == "metrics"]
    for other in steps if roles else ():
        words.contradict(roles[0], other, f"A cell tagged `{roles[0]}` is not part of a step: remove one of the two.")
    names = words.prefixed["step"]
    for name, tag in names[1:]:
        if slugify(name) != slugify(names[0][0]):
            words.contradict(names[0][1], tag, "A cell belongs to one step: keep one of the two.")
    _check_types(words, outputs)


def _check_types(words: _Words, outputs: tuple[DeclaredName, ...]) -> None:
    types: dict[str, str] = {}
    for output in outputs:
        if output.type is None:
            continue
        known = types.setdefault(output.name, output.type)
        if known != output.type:
            one, other = f"out:{output.name}:{known}", f"out:{output.name}:{output.type}"
            words.contradict(one, other, "An output has one type: keep one of the two.")
