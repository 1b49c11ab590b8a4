"""From a notebook to a pipeline: places the cells, analyses them, and works out what crosses between steps."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlops.analysis.interpreter import analyse
from jupyter_mlops.analysis.machine import Environment
from jupyter_mlops.analysis.model import NotebookFacts
from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.assembly import Slices, assemble, single_step
from jupyter_mlops.pipeline.checks import check_pipeline
from jupyter_mlops.pipeline.defaults import DeclaredParameters, read_parameters
from jupyter_mlops.pipeline.explain import Explanation, explain
from jupyter_mlops.pipeline.file_order import file_conflicts
from jupyter_mlops.pipeline.flow import find_needs
from jupyter_mlops.pipeline.joining import join_apart, page_order
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.pipeline.placement import Placement, place
from jupyter_mlops.pipeline.remarks import cell_remarks, crossing_remarks
from jupyter_mlops.pipeline.residue import attach_residue, replayable_statements
from jupyter_mlops.pipeline.sharing import share_versions
from jupyter_mlops.pipeline.versions import Ledger

__all__ = ["explain_notebook", "slice_notebook"]


def slice_notebook(notebook: Notebook, environment: Environment | None = None) -> Pipeline:
    """Turn a notebook into a pipeline.

    Problems of the notebook are diagnostics of the result; nothing is executed.

    Args:
        environment: What is known of the environment the notebook runs in.
    """
    placement = place(notebook)
    facts, order, apart = _analysed(notebook, placement, environment)
    parameters = read_parameters([notebook.cells[index] for index in placement.parameters])
    problems = [*notebook.diagnostics, *placement.diagnostics, *apart, *parameters.diagnostics, *facts.diagnostics]
    problems += [*_nothing_to_run(placement), *cell_remarks(notebook, placement, facts)]
    if len(placement.steps) <= 1:
        pipeline = single_step(notebook, placement, facts, parameters, order)
    else:
        slices = _slices(notebook, placement, facts, parameters, order)
        pipeline = assemble(slices)
        problems += crossing_remarks(slices)
    return check_pipeline(pipeline, notebook, placement, facts, problems)


def explain_notebook(notebook: Notebook, environment: Environment | None = None) -> tuple[Explanation, ...]:
    """Say why each input, output, mutation, state and edge of the pipeline exists.

    Args:
        environment: What is known of the environment the notebook runs in.

    Returns:
        Step by step; empty for a notebook with one step, where nothing crosses.
    """
    placement = place(notebook)
    if len(placement.steps) <= 1:
        return ()
    facts, order, _ = _analysed(notebook, placement, environment)
    parameters = read_parameters([notebook.cells[index] for index in placement.parameters])
    return explain(_slices(notebook, placement, facts, parameters, order))


def _analysed(
    notebook: Notebook, placement: Placement, environment: Environment | None
) -> tuple[NotebookFacts, list[int], list[Diagnostic]]:
    """The facts, the order of execution they hold for, and steps whose cells can't be brought together."""
    order = page_order(placement)
    skipped = [notebook.cells[index] for index in placement.skipped]
    facts = analyse([notebook.cells[index] for index in order], environment, skipped=skipped)
    joined, apart = join_apart(notebook, placement, facts)
    if joined != order:
        facts = analyse([notebook.cells[index] for index in joined], environment, skipped=skipped)
    return facts, joined, apart


def _slices(
    notebook: Notebook, placement: Placement, facts: NotebookFacts, parameters: DeclaredParameters, order: Sequence[int]
) -> Slices:
    replayable = replayable_statements(placement, facts)
    runs = attach_residue(placement, facts, replayable, order)
    step_of = {cell: place for place, cells in enumerate(runs) for cell in cells}
    declared = frozenset(unit for units in parameters.statements.values() for unit in units)
    ledger = Ledger(facts, step_of, declared, replayable | declared)
    share_versions(ledger, runs)
    demanded = [
        [item.name for index in step.cells for item in notebook.cells[index].outputs] for step in placement.steps
    ]
    flow = find_needs(ledger, runs, _ignored(facts), demanded)
    conflicts = file_conflicts([[facts.cells[cell] for cell in cells] for cells in runs])
    return Slices(notebook, placement, facts, parameters, ledger, flow, runs, conflicts)


def _ignored(facts: NotebookFacts) -> frozenset[str]:
    """Hidden state that makes no difference: random generators never seeded, figures that end with their cell."""
    made = {facts.versions[number].name for cell in facts.cells.values() for number in cell.made}
    seeded = {
        version.name
        for version in facts.versions
        if version.name.startswith("$rng:") and version.cause.text.startswith("seeds")
    }
    ignored = {name for name in made if name.startswith("$rng:") and name not in seeded}
    if "$backend" not in made:
        ignored.add("$figures")
    return frozenset(ignored)


def _nothing_to_run(placement: Placement) -> list[Diagnostic]:
    if placement.steps or placement.replayed:
        return []
    return [make("MLO019", "The notebook has no code to run", hint="Add a code cell, or remove a `skip` tag.")]
