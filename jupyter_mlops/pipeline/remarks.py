"""What deserves a word: files, randomness, the outside world, values that can't be saved."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.analysis.model import Cause, NotebookFacts, is_hidden
from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.assembly import Slices
from jupyter_mlops.pipeline.placement import Placement

__all__ = ["cell_remarks", "crossing_remarks"]


def cell_remarks(notebook: Notebook, placement: Placement, facts: NotebookFacts) -> list[Diagnostic]:
    """Diagnostics about single cells."""
    seeded = {
        version.name.partition(":")[2]
        for version in facts.versions
        if version.name.startswith("$rng:") and version.cause.text.startswith("seeds")
    }
    commands = {item.cell for item in facts.diagnostics if item.code == "MLO021"}
    found = [*_executed_elsewise(notebook)]
    for cell in facts.cells.values():
        found += _outside(notebook, cell.volatile)
        if notebook.cells[cell.index].id not in commands:  # one word about them is enough
            found += _unknown_file(notebook, cell.unknown_files)
        for generator in sorted(set(cell.draws) - seeded):
            found.append(_unseeded(notebook, facts, cell.index, generator))
    return found


def _executed_elsewise(notebook: Notebook) -> Iterator[Diagnostic]:
    highest = 0
    for cell in notebook.cells:
        count = cell.execution_count
        if cell.kind != "code" or cell.role == "skip" or count is None:
            continue
        if count < highest:
            yield make(
                "MLO018",
                f"The cell was last executed as number {count}, before a cell above it; the pipeline follows the page",
                cell=cell.id,
                hint="Restart the kernel and run all cells, to see what the page says.",
            )
            return
        highest = count


def _outside(notebook: Notebook, cause: Cause | None) -> Iterator[Diagnostic]:
    if cause is not None:
        yield make(
            "MLO040",
            f"The cell {cause.text}: its result may differ each time",
            cell=notebook.cells[cause.cell].id,
            line=cause.line,
            hint='Set `"cache": "on"` in the step\'s settings if its last result may be reused.',
        )


def _unknown_file(notebook: Notebook, cause: Cause | None) -> Iterator[Diagnostic]:
    if cause is not None:
        yield make(
            "MLO030",
            f"The cell {cause.text}: it keeps its place among all steps that use files",
            cell=notebook.cells[cause.cell].id,
            line=cause.line,
            hint="Write paths as literals where steps are to run in parallel.",
        )


def _unseeded(notebook: Notebook, facts: NotebookFacts, cell: int, generator: str) -> Diagnostic:
    lines = [
        facts.versions[number].cause.line
        for number in facts.cells[cell].made
        if facts.versions[number].name == f"$rng:{generator}"
    ]
    return make(
        "MLO051",
        f"The cell draws from the global generator of {generator}, which nothing seeds: each run gives other values",
        cell=notebook.cells[cell].id,
        line=lines[0] if lines else None,
        hint="Pass `random_state` (or a seeded generator), or seed it at the top of the notebook.",
    )


def crossing_remarks(slices: Slices) -> list[Diagnostic]:
    """Diagnostics about what crosses between steps."""
    found = []
    for place, needs in enumerate(slices.flow.needs):
        for name, number in sorted(needs.inputs.items()):
            source = slices.ledger.provider(number).step
            if source is None:
                continue
            if name.startswith("$file:"):
                found.append(_travels(slices, name.removeprefix("$file:"), source, place, needs.causes[name]))
            elif name.startswith(("$module:", "$configured:")):
                found.append(_module(slices, f"The module {name.partition(':')[2]}", number))
            elif name == "$ipython":
                found.append(_module(slices, "IPython itself", number))
            elif not is_hidden(name):
                found += _unsavable(slices, name, number, source, place)
    return list(dict.fromkeys(found))


def _travels(slices: Slices, path: str, source: int, place: int, cause: Cause) -> Diagnostic:
    steps = slices.placement.steps
    return make(
        "MLO031",
        f"The file {path}, which step {steps[source].name!r} writes, travels along to step {steps[place].name!r}",
        cell=slices.notebook.cells[cause.cell].id,
        line=cause.line,
    )


def _module(slices: Slices, what: str, number: int) -> Diagnostic:
    cause = slices.ledger.versions[number].cause
    return make(
        "MLO050",
        f"{what} is changed here, which later steps can't see",
        cell=slices.notebook.cells[cause.cell].id,
        line=cause.line,
        hint="Change it in a cell tagged `setup`, which each step runs.",
    )


def _unsavable(slices: Slices, name: str, number: int, source: int, place: int) -> Iterator[Diagnostic]:
    ledger, steps = slices.ledger, slices.placement.steps
    version = ledger.versions[number]
    end = max(ledger.time(cell) for cell in slices.runs[source])
    for obj in sorted(ledger.reach(version.objects, end)):
        reason = ledger.heap[obj].unpicklable
        if reason is not None and (obj in version.objects or ledger.heap[obj].born <= end):
            yield make(
                "MLO050",
                f"The variable {name!r} goes from step {steps[source].name!r} to step {steps[place].name!r}, "
                f"but it can't be saved: {reason}",
                cell=slices.notebook.cells[version.cause.cell].id,
                line=version.cause.line,
                hint="Put both cells into one step, or make it in a cell tagged `setup`, which each step runs.",
            )
            return
