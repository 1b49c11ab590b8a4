"""The pipeline: what a notebook becomes, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jupyter_mlops.diagnostics import Diagnostic
from jupyter_mlops.notebook.model import StepSettings

__all__ = ["Artifact", "Edge", "Parameter", "ParameterType", "Pipeline", "Snippet", "Step"]

ParameterType = Literal["int", "float", "str", "bool", "list", "dict", "none"]
ArtifactKind = Literal["value", "file", "state"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A literal of the parameters cell.

    Args:
        type: Type of the default, or the annotation's where it is one of ours.
        default: A JSON value (or a non-finite float).
        cell: Id of the cell.
        line: 1-based line in it.
        optional: Whether None is allowed as well (``x: int | None = None``).
    """

    name: str
    type: ParameterType
    default: Any
    cell: str
    line: int
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Snippet:
    """Statements of an earlier cell that a step replays, verbatim.

    Args:
        cell: Id of the cell they come from.
        source: The statements, in their order.
        names: The names they bind.
    """

    cell: str
    source: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something that crosses a step boundary.

    Args:
        id: Unique in the pipeline: ``slug.name`` of the first name.
        producer: Slug of the step that makes it.
        kind: ``value`` (Python values), ``file``, or ``state`` (a random generator's, options).
        names: Variables saved together in one graph, so that shared objects stay shared; the path of
            a file; the name of a state (``rng:numpy``).
        consumers: Slugs of the steps that load it.
        type: Inferred or declared type, where known (``pandas.DataFrame``).
        declared_type: TYPE of ``out:NAME:TYPE``.
        code: Names of replayed functions and classes that the values refer to.
    """

    id: str
    producer: str
    kind: ArtifactKind
    names: tuple[str, ...]
    consumers: tuple[str, ...] = ()
    type: str | None = None
    declared_type: str | None = None
    code: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A slice of the notebook that runs in a process of its own.

    Args:
        name: As the user wrote it.
        slug: For machines: ``[a-z0-9-]``, unique in the pipeline.
        cells: Ids of its cells, in order.
        inputs: Variables it takes from earlier steps, sorted.
        outputs: Variables later steps take from it, sorted.
        mutates: Inputs it changes in place, sorted.
        hidden: State it shares with other steps: ``file:PATH``, ``rng:numpy``, ``options:pandas``, … sorted.
        after: Slugs of steps named by ``after:``.
        parameters: Names of pipeline parameters it reads, in their order.
        parameters_source: The statements of the parameters cell it needs (defaults, and code before injection).
        replay: Code it replays before its inputs are loaded.
        replay_loaded: Code it replays that needs loaded inputs.
        loads: For each artifact it loads, the id and the variables it binds from it (none for files and states).
        metrics: Ids of its metrics cells; ``metric_names`` are what they bind.
        files_read: Files of the project it reads that no step makes.
        files_written: Paths it writes, also those that no later step reads.
        touches_unknown_files: Whether it may read or write files whose paths are only known at run time.
        writes_unknown_files: Whether it may write files whose paths are only known at run time.
        files_updated: Of ``files_written``, those whose earlier content may matter to it: read first, or added to.
        volatile: Why its result depends on the outside world, or None.
        draws: Global random generators it may draw from although nothing has seeded them.
        description: The markdown above its first cell.
    """

    name: str
    slug: str
    cells: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    mutates: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    parameters_source: str = ""
    replay: tuple[Snippet, ...] = ()
    replay_loaded: tuple[Snippet, ...] = ()
    loads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    metric_names: tuple[str, ...] = ()
    files_read: tuple[str, ...] = ()
    files_written: tuple[str, ...] = ()
    touches_unknown_files: bool = False
    writes_unknown_files: bool = False
    files_updated: tuple[str, ...] = ()
    volatile: str | None = None
    draws: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    settings: StepSettings = field(default_factory=StepSettings)
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """One step waits for another.

    Args:
        source: Slug of the step that goes first.
        target: Slug of the step that waits.
        names: Variables and hidden state that flow along it; empty for a mere order (``after:``).
    """

    source: str
    target: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A notebook as steps with declared inputs and outputs.

    Args:
        name: Name of the pipeline.
        notebook: The notebook's file, or None for one in memory.
        kernel: Name of the kernelspec that runs the steps.
        steps: In the order of the page, which is a valid order of execution.
        edges: Sorted, each pair of steps once.
    """

    name: str
    notebook: Path | None
    kernel: str
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]
    artifacts: tuple[Artifact, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    description: str | None = None

    def step(self, slug: str) -> Step:
        """Return the step with this slug; KeyError if there is none."""
        for step in self.steps:
            if step.slug == slug:
                return step
        raise KeyError(slug)

    def artifact(self, artifact_id: str) -> Artifact:
        """Return the artifact with this id; KeyError if there is none."""
        for artifact in self.artifacts:
            if artifact.id == artifact_id:
                return artifact
        raise KeyError(artifact_id)

    def upstream(self, slug: str) -> tuple[str, ...]:
        """Slugs of the steps that must end before this one begins, direct ones only."""
        return tuple(edge.source for edge in self.edges if edge.target == slug)

    def artifacts_of(self, slug: str) -> tuple[Artifact, ...]:
        """What this step must save."""
        return tuple(item for item in self.artifacts if item.producer == slug)
