"""Builds the frozen pipeline from what the analysis and the flow have found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jupyter_mlops.analysis.model import NotebookFacts, is_hidden
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.defaults import DeclaredParameters
from jupyter_mlops.pipeline.flow import Flow, crossing_state
from jupyter_mlops.pipeline.model import Artifact, Edge, Pipeline, Step
from jupyter_mlops.pipeline.placement import Placement, StepDraft
from jupyter_mlops.pipeline.random_state import unseeded_draws
from jupyter_mlops.pipeline.replay import depends_on_inputs, snippets, source_of
from jupyter_mlops.pipeline.versions import Ledger

__all__ = ["Slices", "assemble", "single_step"]


@dataclass(frozen=True, slots=True)
class Slices:
    """Everything that is known when the pipeline is put together."""

    notebook: Notebook
    placement: Placement
    facts: NotebookFacts
    parameters: DeclaredParameters
    ledger: Ledger
    flow: Flow
    runs: Sequence[Sequence[int]]
    conflicts: Sequence[tuple[int, int, str]]


def assemble(slices: Slices) -> Pipeline:
    """Put the pipeline together."""
    drafts = slices.placement.steps
    artifacts = [item for place in range(len(drafts)) for item in _artifacts(slices, place)]
    steps = tuple(_step(slices, place, artifacts) for place in range(len(drafts)))
    notebook = slices.notebook
    return Pipeline(
        notebook.name,
        notebook.path,
        notebook.kernel,
        slices.parameters.parameters,
        steps,
        _edges(slices, steps),
        tuple(artifacts),
        description=notebook.description,
    )


def single_step(
    notebook: Notebook, placement: Placement, facts: NotebookFacts, parameters: DeclaredParameters, order: Sequence[int]
) -> Pipeline:
    """A notebook with one step runs as it is: every cell in its order, nothing replayed."""
    steps: tuple[Step, ...] = ()
    if order:
        draft = placement.steps[0] if placement.steps else StepDraft("start", "start", tuple(order))
        every = tuple(parameter.name for parameter in parameters.parameters)
        step = _plain_step(notebook, facts, draft, sorted(order), every)
        steps = (_without_parameters(notebook, placement, step),)
    return Pipeline(
        notebook.name,
        notebook.path,
        notebook.kernel,
        parameters.parameters,
        steps,
        (),
        (),
        description=notebook.description,
    )


def _without_parameters(notebook: Notebook, placement: Placement, step: Step) -> Step:
    """The parameters cell is no cell of a step: its source goes where papermill looks for it."""
    cells = [notebook.cells[index] for index in placement.parameters]
    own = {cell.id for cell in cells if cell.id in step.cells}
    if not own:
        return step
    source = "\n".join(cell.source for cell in cells)
    return replace(step, cells=tuple(item for item in step.cells if item not in own), parameters_source=source)


def _plain_step(
    notebook: Notebook, facts: NotebookFacts, draft: StepDraft, cells: Sequence[int], parameters: tuple[str, ...]
) -> Step:
    metrics = [index for index in cells if notebook.cells[index].metrics]
    volatile = [facts.cells[index].volatile for index in cells]
    return Step(
        draft.name,
        draft.slug,
        tuple(notebook.cells[index].id for index in cells),
        parameters=parameters,
        metrics=tuple(notebook.cells[index].id for index in metrics),
        metric_names=_metric_names(notebook, facts, metrics),
        files_read=_paths(facts, cells, written=False),
        files_written=_paths(facts, cells, written=True),
        touches_unknown_files=any(facts.cells[index].unknown_files is not None for index in cells),
        writes_unknown_files=any(facts.cells[index].unknown_writes for index in cells),
        files_updated=_updated(facts, cells),
        volatile=next((item.text for item in volatile if item is not None), None),
        draws=unseeded_draws(facts, cells),
        requirements=_requirements(notebook, cells),
        imports=tuple(sorted({module for index in cells for module in facts.cells[index].imports})),
        settings=draft.settings,
        description=draft.description,
    )


def _step(slices: Slices, place: int, artifacts: Sequence[Artifact]) -> Step:
    draft, needs, cells = slices.placement.steps[place], slices.flow.needs[place], slices.runs[place]
    plain = _plain_step(slices.notebook, slices.facts, draft, sorted(cells, key=slices.ledger.time), ())
    inputs = [name for name in needs.inputs if not is_hidden(name)]
    changed = {name for cell in cells for name in slices.facts.cells[cell].changed}
    late = depends_on_inputs(slices.ledger, needs)
    parameters = [item.name for item in slices.parameters.parameters if _reads_parameter(slices, place, item.name)]
    imports = {module for unit in needs.units for module in slices.ledger.statement(unit).imports}
    step = Step(
        plain.name,
        plain.slug,
        plain.cells,
        inputs=tuple(sorted(inputs)),
        outputs=tuple(sorted(name for name in needs.outputs if not is_hidden(name))),
        mutates=tuple(sorted(changed.intersection(inputs))),
        hidden=_hidden(slices, place),
        after=draft.after,
        parameters=tuple(parameters),
        parameters_source=_parameters_source(slices, place),
        replay=snippets(slices.notebook, slices.ledger, needs.units - late, slices.placement.parameters),
        replay_loaded=snippets(slices.notebook, slices.ledger, needs.units & late, slices.placement.parameters),
        loads=_loads(slices, place, artifacts),
        metrics=plain.metrics,
        metric_names=plain.metric_names,
        files_read=_project_files(slices, place, plain.files_read),
        files_written=plain.files_written,
        touches_unknown_files=plain.touches_unknown_files,
        writes_unknown_files=plain.writes_unknown_files,
        files_updated=plain.files_updated,
        volatile=plain.volatile,
        draws=plain.draws,
        requirements=plain.requirements,
        imports=tuple(sorted({*plain.imports, *imports})),
        settings=plain.settings,
        description=plain.description,
    )
    return _without_parameters(slices.notebook, slices.placement, step)


def _reads_parameter(slices: Slices, place: int, name: str) -> bool:
    """A parameter is set in a step that reads it as it stands after the parameters cell."""
    statements = slices.parameters.statements.get(name, ())
    needed = slices.flow.needs[place].parameters
    return any(unit in needed or unit[0] in slices.runs[place] for unit in statements)


def _parameters_source(slices: Slices, place: int) -> str:
    needs = slices.flow.needs[place]
    sources = []
    for cell in slices.placement.parameters:
        units = [unit for unit in sorted(needs.parameters | needs.units) if unit[0] == cell]
        sources.append(source_of(slices.notebook.cells[cell], [slices.ledger.statement(unit) for unit in units]))
    return "\n".join(source for source in sources if source)


def _requirements(notebook: Notebook, cells: Iterable[int]) -> tuple[str, ...]:
    every = (notebook.cells[index].python for index in cells)
    return tuple(dict.fromkeys(item for python in every if python is not None for item in python.requirements))


def _metric_names(notebook: Notebook, facts: NotebookFacts, cells: Iterable[int]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for cell in cells:
        names.update(dict.fromkeys(notebook.cells[cell].metric_names))
        for number in facts.cells[cell].made:
            version = facts.versions[number]
            if not is_hidden(version.name) and version.kind == "data" and version.change in ("bound", "kept"):
                names[version.name] = None
    return tuple(names)


def _paths(facts: NotebookFacts, cells: Iterable[int], *, written: bool) -> tuple[str, ...]:
    found = [facts.cells[cell].files_written if written else facts.cells[cell].files_read for cell in cells]
    return tuple(sorted({path for paths in found for path in paths}))


def _updated(facts: NotebookFacts, cells: Sequence[int]) -> tuple[str, ...]:
    """Files that a step writes, and reads in the same cell or an earlier one."""
    written: set[str] = set()
    updated: set[str] = set()
    for cell in cells:
        updated |= set(facts.cells[cell].files_read) - written
        written |= set(facts.cells[cell].files_written)
    return tuple(sorted(updated & written))


def _project_files(slices: Slices, place: int, read: Sequence[str]) -> tuple[str, ...]:
    """Files that a step reads and no step has written before."""
    written = {
        path for cells in slices.runs[: place + 1] for cell in cells for path in slices.facts.cells[cell].files_written
    }
    return tuple(path for path in read if path not in written)


# hidden state and edges


def _hidden(slices: Slices, place: int) -> tuple[str, ...]:
    needs = slices.flow.needs[place]
    names = {name[1:] for name in (*needs.inputs, *needs.outputs) if is_hidden(name)}
    for cell in slices.runs[place]:
        names |= {f"file:{path}" for path in slices.facts.cells[cell].files_written}
    for earlier, later, path in slices.conflicts:
        if place in (earlier, later):
            names.add(path)
    return tuple(sorted(names))


def _edges(slices: Slices, steps: Sequence[Step]) -> tuple[Edge, ...]:
    found: dict[tuple[int, int], set[str]] = {}
    for place, needs in enumerate(slices.flow.needs):
        for name, number in needs.inputs.items():
            source = slices.ledger.provider(number).step
            if source is not None:
                found.setdefault((source, place), set()).add(name[1:] if is_hidden(name) else name)
    for earlier, later, path in slices.conflicts:
        found.setdefault((earlier, later), set()).add(path)
    position = {step.slug: place for place, step in enumerate(steps)}
    for place, step in enumerate(steps):
        for slug in step.after:
            found.setdefault((position[slug], place), set())
    return tuple(Edge(steps[a].slug, steps[b].slug, tuple(sorted(names))) for (a, b), names in sorted(found.items()))


# artifacts


def _artifacts(slices: Slices, place: int) -> list[Artifact]:
    needs = slices.flow.needs[place]
    values = {name: number for name, number in needs.outputs.items() if not is_hidden(name)}
    found = [_value_artifact(slices, place, names, values) for names in slices.flow.groups(place)] if values else []
    for name, number in sorted(needs.outputs.items()):
        state = crossing_state(name) if is_hidden(name) else None
        if state is None:
            continue
        is_file = state.startswith("file:")
        label = state.removeprefix("file:")
        slug = slices.placement.steps[place].slug
        found.append(
            Artifact(
                f"{slug}.{label}",
                slug,
                "file" if is_file else "state",
                (label,),
                _consumers(slices, [number]),
            )
        )
    return found


def _value_artifact(slices: Slices, place: int, names: Sequence[str], values: dict[str, int]) -> Artifact:
    slug = slices.placement.steps[place].slug
    declared = {
        item.name: item.type
        for index in slices.placement.steps[place].cells
        for item in slices.notebook.cells[index].outputs
    }
    consumers = _consumers(slices, [values[name] for name in names])
    places = {other for name in names for other in slices.flow.readers.get(values[name], ())}
    code = {name for item in names for name in slices.flow.code_for(place, values[item], places)}
    return Artifact(
        f"{slug}.{names[0]}",
        slug,
        "value",
        tuple(names),
        consumers,
        slices.ledger.versions[values[names[0]]].type if len(names) == 1 else None,
        next((declared[name] for name in names if declared.get(name)), None),
        tuple(sorted(code)),
    )


def _consumers(slices: Slices, numbers: Iterable[int]) -> tuple[str, ...]:
    """Slugs of the steps that load any of these versions, in the order of the page."""
    places = {place for number in numbers for place in slices.flow.readers.get(number, ())}
    return tuple(slices.placement.steps[place].slug for place in sorted(places))


def _loads(slices: Slices, place: int, artifacts: Sequence[Artifact]) -> dict[str, tuple[str, ...]]:
    slug = slices.placement.steps[place].slug
    needs = slices.flow.needs[place]
    loads: dict[str, tuple[str, ...]] = {}
    for artifact in artifacts:
        if slug in artifact.consumers:
            bound = artifact.names if artifact.kind == "value" else ()
            loads[artifact.id] = tuple(name for name in bound if _comes_from(slices, needs.inputs.get(name), artifact))
    return loads


def _comes_from(slices: Slices, number: int | None, artifact: Artifact) -> bool:
    if number is None:
        return False
    source = slices.ledger.provider(number).step
    return source is not None and slices.placement.steps[source].slug == artifact.producer
