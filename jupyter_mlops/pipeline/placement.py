"""Puts cells into steps, by their tags and their place on the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.notebook.magics import without_own_magics
from jupyter_mlops.notebook.model import Cell, Notebook, StepSettings
from jupyter_mlops.notebook.names import nearest, slugify
from jupyter_mlops.notebook.settings import merge

__all__ = ["Placement", "StepDraft", "place"]

FIRST_STEP = "start"
INJECTED = "injected-parameters"
REPLAYED = frozenset({"imports", "functions", "setup"})


@dataclass(frozen=True, slots=True)
class StepDraft:
    """A step as the tags describe it.

    Args:
        cells: Indexes of its cells, in the order in which they run.
        description: The markdown above its first cell.
    """

    name: str
    slug: str
    cells: tuple[int, ...]
    after: tuple[str, ...] = ()
    settings: StepSettings = field(default_factory=StepSettings)
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """All code cells of the pipeline, in steps or replayed.

    Args:
        steps: In the order of their first cells.
        replayed: Indexes of imports, functions and setup cells.
        parameters: Indexes of the parameters cell and of the cell that papermill has injected below it.
        skipped: Indexes of cells that are not part of the pipeline.
    """

    steps: tuple[StepDraft, ...]
    replayed: tuple[int, ...] = ()
    parameters: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    def step_of(self) -> dict[int, int]:
        """For each cell of a step, the step's position."""
        return {cell: place for place, step in enumerate(self.steps) for cell in step.cells}


def place(notebook: Notebook) -> Placement:
    """Put every code cell where its tags say it belongs."""
    code = [cell for cell in notebook.cells if cell.kind == "code"]
    diagnostics: list[Diagnostic] = []
    members: dict[str, list[Cell]] = {}
    current: str | None = None
    parameters = _parameters(code, diagnostics)
    for cell in code:
        if cell.role != "step" and (cell.role != "parameters" or cell in parameters):
            continue
        if cell.step is not None:
            current = cell.step
            members.setdefault(current, []).append(cell)
        elif cell.metrics:
            members.setdefault(_unused("metrics", members, code), []).append(cell)
        elif current is not None or _has_code(cell):
            members.setdefault(current if current is not None else FIRST_STEP, []).append(cell)
    steps = tuple(_draft(notebook, name, cells) for name, cells in members.items())
    steps = tuple(sorted(steps, key=lambda step: step.cells[0]))
    diagnostics += _slug_problems(steps, members)
    steps = tuple(replace(step, after=tuple(_after(step, steps, members[step.name], diagnostics))) for step in steps)
    return Placement(
        steps,
        tuple(cell.index for cell in code if cell.role in REPLAYED),
        tuple(cell.index for cell in parameters),
        tuple(cell.index for cell in code if cell.role == "skip"),
        tuple(diagnostics),
    )


def _has_code(cell: Cell) -> bool:
    """Tell whether a cell has more than comments, blank lines and magics that are for the live notebook alone."""
    lines = without_own_magics(cell.source).splitlines()
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def _unused(name: str, members: Iterable[str], code: Sequence[Cell]) -> str:
    taken = {slugify(item) for item in members} | {slugify(cell.step) for cell in code if cell.step is not None}
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name} {number}"
        if slugify(candidate) not in taken:
            break
    return candidate


def _parameters(code: Sequence[Cell], diagnostics: list[Diagnostic]) -> list[Cell]:
    """The parameters cell and papermill's injected one; further ones are ordinary code, as they are to papermill."""
    tagged = [cell for cell in code if cell.role == "parameters"]
    injected = [cell for cell in tagged if INJECTED in cell.tags]
    declared = [cell for cell in tagged if INJECTED not in cell.tags]
    for cell in declared[1:]:
        diagnostics.append(
            make(
                "MLO010",
                "A second cell is tagged `parameters`; only the first one is used, this one is ordinary code",
                cell=cell.id,
                hint="Move its lines into the first parameters cell.",
            )
        )
    return [*declared[:1], *injected[:1]]


def _draft(notebook: Notebook, name: str, cells: Sequence[Cell]) -> StepDraft:
    settings = cells[0].settings
    for cell in cells[1:]:
        settings = merge(settings, cell.settings)
    own = merge(notebook.defaults, settings)
    return StepDraft(
        name,
        slugify(name),
        tuple(cell.index for cell in cells),
        tuple(dict.fromkeys(item for cell in cells for item in cell.after)),
        own,
        own.description or _description(notebook, cells[0]),
    )


def _description(notebook: Notebook, first: Cell) -> str | None:
    """The text cells that stand directly above a cell."""
    texts: list[str] = []
    for cell in reversed(notebook.cells[: first.index]):
        if cell.kind == "code":
            break
        texts.insert(0, cell.source.strip())
    return "\n\n".join(text for text in texts if text) or None


def _slug_problems(steps: Sequence[StepDraft], members: dict[str, list[Cell]]) -> list[Diagnostic]:
    seen: dict[str, StepDraft] = {}
    found = []
    for step in steps:
        other = seen.setdefault(step.slug, step)
        if other is not step:
            found.append(
                make(
                    "MLO003",
                    f"The steps {other.name!r} and {step.name!r} have the same slug {step.slug!r}",
                    cell=members[step.name][0].id,
                    hint="Rename one of them.",
                )
            )
    return found


def _after(
    step: StepDraft, steps: Sequence[StepDraft], cells: Sequence[Cell], diagnostics: list[Diagnostic]
) -> list[str]:
    known = {item.slug for item in steps}
    found: list[str] = []
    for name in step.after:
        slug = slugify(name)
        if slug in known and slug != step.slug:
            found.append(slug)
            continue
        cell = next((item for item in cells if name in item.after), cells[0])
        near = nearest(name, [item.name for item in steps if item is not step])
        diagnostics.append(
            make(
                "MLO005" if slug == step.slug else "MLO006",
                f"The step {step.name!r} waits for itself"
                if slug == step.slug
                else f"The step {step.name!r} is to run after {name!r}, which does not exist",
                cell=cell.id,
                hint=f"Did you mean `after:{near}`?" if near else "Remove the tag, or name an existing step.",
            )
        )
    return list(dict.fromkeys(found))
