"""What can be wrong with a pipeline as a whole: circles, undeclared inputs, values that can't be saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jupyter_mlops.analysis.model import NotebookFacts
from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.placement import Placement
from jupyter_mlops.pipeline.prompts import prompts

__all__ = ["check_pipeline"]


def check_pipeline(
    pipeline: Pipeline, notebook: Notebook, placement: Placement, facts: NotebookFacts, problems: Sequence[Diagnostic]
) -> Pipeline:
    """Add the pipeline's own diagnostics to those found so far."""
    found = [
        *problems,
        *_circles(pipeline, notebook),
        *_history(pipeline, notebook, facts),
        *prompts(pipeline, notebook),
    ]
    for step in pipeline.steps:
        cells = [cell for cell in notebook.cells if cell.id in step.cells]
        found += _declared_inputs(pipeline, step, cells)
        found += _declared_outputs(step, cells, facts)
        found += _empty_metrics(step, cells, facts)
    order = {cell.id: cell.index for cell in notebook.cells}
    found.sort(key=lambda item: (order.get(item.cell or "", -1), item.line or 0, item.code, item.message))
    return replace(pipeline, diagnostics=tuple(dict.fromkeys(found)))


def _history(pipeline: Pipeline, notebook: Notebook, facts: NotebookFacts) -> list[Diagnostic]:
    """IPython's ``_``, ``Out`` and ``In`` know only what ran in the same kernel."""
    if len(pipeline.steps) < 2:
        return []
    return [
        make(
            "MLO024",
            f"The cell {cell.history.text}; a step knows only its own cells",
            cell=notebook.cells[cell.index].id,
            line=cell.history.line,
            hint="Give the value a name where it is made.",
        )
        for cell in facts.cells.values()
        if cell.history is not None
    ]


def _circles(pipeline: Pipeline, notebook: Notebook) -> list[Diagnostic]:
    """Steps on a circle of edges: data flows down the page, so that a circle always goes through an ``after:``."""
    if not any(step.after for step in pipeline.steps):
        return []
    targets: dict[str, list[str]] = {}
    for edge in pipeline.edges:
        targets.setdefault(edge.source, []).append(edge.target)
    for step in pipeline.steps:
        path = _path_back(step.slug, targets)
        if path is None:
            continue
        names = {item.slug: item.name for item in pipeline.steps}
        culprit = next((item for item in pipeline.steps if item.slug in path and set(item.after) & set(path)), step)
        cell = next((item for item in notebook.cells if item.id in culprit.cells and item.after), None)
        return [
            make(
                "MLO005",
                "Steps wait for each other in a circle: " + " → ".join(names[slug] for slug in path),
                cell=cell.id if cell is not None else culprit.cells[0],
                hint="Remove one of the `after:` tags.",
            )
        ]
    return []


def _path_back(start: str, targets: dict[str, list[str]]) -> list[str] | None:
    todo = [[start, target] for target in targets.get(start, ())]
    seen: set[str] = set()
    while todo:
        path = todo.pop(0)
        if path[-1] == start:
            return path
        if path[-1] not in seen:
            seen.add(path[-1])
            todo += [[*path, target] for target in targets.get(path[-1], ())]
    return None


def _declared_inputs(pipeline: Pipeline, step: Step, cells: Sequence[Cell]) -> list[Diagnostic]:
    found = []
    declared = {item.name: cell for cell in cells for item in cell.inputs}
    known = {*step.inputs, *step.parameters}
    for name, cell in declared.items():
        if name in known:
            continue
        provided = any(name in other.outputs for other in pipeline.steps if other is not step) or _is_made_before(
            pipeline, step, name
        )
        code, text, hint = (
            (
                "MLO014",
                f"The step {step.name!r} declares the input {name!r} but does not read it",
                f"Remove the tag `in:{name}`.",
            )
            if provided
            else (
                "MLO013",
                f"The step {step.name!r} declares the input {name!r}, which no earlier step provides",
                "Correct the tag, or define the name in a step above.",
            )
        )
        found.append(make(code, text, cell=cell.id, hint=hint))
    if declared:
        for name in step.inputs:
            if name not in declared:
                found.append(
                    make(
                        "MLO014",
                        f"The step {step.name!r} reads {name!r}, which it does not declare",
                        cell=cells[0].id,
                        hint=f"Add the tag `in:{name}`.",
                    )
                )
    return found


def _is_made_before(pipeline: Pipeline, step: Step, name: str) -> bool:
    return any(parameter.name == name for parameter in pipeline.parameters)


def _declared_outputs(step: Step, cells: Sequence[Cell], facts: NotebookFacts) -> list[Diagnostic]:
    found = []
    declared = {item.name: cell for cell in cells for item in cell.outputs}
    made = {
        facts.versions[number].name
        for cell in cells
        if cell.index in facts.cells
        for number in facts.cells[cell.index].made
    }
    for name, cell in declared.items():
        if name not in made:
            found.append(
                make(
                    "MLO015",
                    f"The step {step.name!r} declares the output {name!r} but does not define it",
                    cell=cell.id,
                    hint="Correct the tag, or define the name in the step.",
                )
            )
    if declared:
        for name in step.outputs:
            if name not in declared:
                found.append(
                    make(
                        "MLO014",
                        f"Later steps read {name!r} from the step {step.name!r}, which does not declare it",
                        cell=cells[0].id,
                        hint=f"Add the tag `out:{name}`.",
                    )
                )
    return found


def _empty_metrics(step: Step, cells: Sequence[Cell], facts: NotebookFacts) -> list[Diagnostic]:
    found = []
    for cell in cells:
        known = facts.cells.get(cell.index)
        if not cell.metrics or known is None or not known.parsed:
            continue
        names = {*cell.metric_names, *(facts.versions[number].name for number in known.made)}
        if names.isdisjoint(step.metric_names):
            text, hint = (
                "The cell is tagged `metrics` but binds no name",
                "Assign each metric to a name: `accuracy = …`.",
            )
            found.append(make("MLO016", text, cell=cell.id, hint=hint))
    return found
