"""Source text of the statements that a step replays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jupyter_mlops.analysis.model import StatementFacts, is_hidden
from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.pipeline.flow import Needs
from jupyter_mlops.pipeline.model import Snippet
from jupyter_mlops.pipeline.versions import Ledger, Unit

__all__ = ["depends_on_inputs", "snippets", "source_of"]


def source_of(cell: Cell, statements: Iterable[StatementFacts]) -> str:
    """The text of these statements of a cell, verbatim."""
    lines = cell.source.split("\n")
    chosen = sorted(statements, key=lambda item: item.line)
    if chosen and cell.source.lstrip().startswith("%%") and _starts_magic(cell, [item.line for item in chosen]):
        return cell.source  # a cell magic is nothing without its body
    found: list[str] = []
    for item in chosen:
        found += [item.segment] if item.segment is not None else lines[item.line - 1 : item.end_line]
    return "\n".join(found)


def _starts_magic(cell: Cell, wanted: Sequence[int]) -> bool:
    text = cell.python.text.split("\n")[wanted[0] - 1] if cell.python is not None else ""
    return "run_cell_magic" in text


def snippets(
    notebook: Notebook, ledger: Ledger, units: Iterable[Unit], parameters: Sequence[int]
) -> tuple[Snippet, ...]:
    """The statements to replay, cell by cell in the order in which they ran; parameters cells have their own place."""
    by_cell: dict[int, list[Unit]] = {}
    for unit in sorted(units):
        if unit[0] not in parameters:
            by_cell.setdefault(unit[0], []).append(unit)
    found = []
    for index in sorted(by_cell, key=ledger.time):
        statements = [ledger.statement(unit) for unit in by_cell[index]]
        made = [ledger.versions[number].name for item in statements for number in item.made]
        names = tuple(dict.fromkeys(name for name in made if not is_hidden(name)))
        cell = notebook.cells[index]
        found.append(Snippet(cell.id, source_of(cell, statements), names))
    return tuple(found)


def depends_on_inputs(ledger: Ledger, needs: Needs) -> set[Unit]:
    """Replayed statements that use loaded inputs, directly or not: they run after the inputs are there."""
    loaded = set(needs.inputs.values())
    late: set[Unit] = set()
    for unit in sorted(needs.units, key=lambda item: (ledger.time(item[0]), item[1])):
        statement = ledger.statement(unit)
        before = [use.version for use in statement.uses]
        before += [item for number in statement.made for item in ledger.previous(number)]
        for number in before:
            version = ledger.versions[number]
            if number in loaded or (version.cell, version.statement) in late:
                late.add(unit)
                break
    return late
