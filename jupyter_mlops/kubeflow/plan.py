"""What a step becomes as a component: the names of its inputs and outputs, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlops.kubeflow.names import Names, escaped
from jupyter_mlops.kubeflow.needs import may_log
from jupyter_mlops.kubeflow.parameters import Argument
from jupyter_mlops.kubeflow.types import HTML, METRICS, PLAIN, artifact_type
from jupyter_mlops.notebook.model import Notebook, StepSettings
from jupyter_mlops.notebook.settings import merge
from jupyter_mlops.pipeline.model import Artifact, Pipeline, Step

__all__ = ["Port", "StepPlan", "plan_steps"]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a component.

    Args:
        key: What Kubeflow calls it.
        type: Its schema title.
        artifact: What flows through it; None for what the runtime makes of itself.
        source: For an input: the slug of the producer and the key of its output; None for a file that is given by URI.
        uri: Of a file that is given.
    """

    key: str
    type: str
    artifact: Artifact | None = None
    source: tuple[str, str] | None = None
    uri: str | None = None


@dataclass(frozen=True)
class StepPlan:
    """A step as a component.

    Args:
        settings: The step's, with the notebook's where it has none.
        arguments: The parameters that it reads.
        files: The artifacts among its outputs that no later step takes: files that it writes.
        metrics: Output for metrics, if it may have any; ``html`` and ``notebook`` are those for the executed notebook,
            ``logged`` is that for what ``log_metric`` and its like keep.
    """

    step: Step
    settings: StepSettings
    arguments: tuple[Argument, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metrics: Port | None
    html: Port
    notebook: Port
    logged: Port | None = None
    files: tuple[Artifact, ...] = ()

    @property
    def all_outputs(self) -> tuple[Port, ...]:
        """Every output of the component."""
        own = (self.metrics, self.html, self.notebook, self.logged)
        return (*self.outputs, *(port for port in own if port is not None))


@dataclass
class _Outputs:
    """Outputs of the steps planned so far: by the artifact's id, the producer and its port."""

    ports: dict[str, tuple[str, Port]] = field(default_factory=dict)


def plan_steps(
    pipeline: Pipeline, notebook: Notebook, arguments: Mapping[str, Argument], files: Mapping[str, str]
) -> tuple[StepPlan, ...]:
    """Plan all steps of a pipeline.

    Args:
        arguments: The pipeline's parameters by name.
        files: URIs of the project's files, by path.
    """
    made = _Outputs()
    return tuple(_plan(pipeline, notebook, step, arguments, files, made) for step in pipeline.steps)


def _plan(
    pipeline: Pipeline,
    notebook: Notebook,
    step: Step,
    arguments: Mapping[str, Argument],
    files: Mapping[str, str],
    made: _Outputs,
) -> StepPlan:
    single = len(pipeline.steps) == 1
    own = tuple(arguments.values()) if single else tuple(arguments[name] for name in step.parameters)
    names = Names()
    for argument in own:
        names.take(argument.key)
    loaded = tuple(_input(pipeline.artifact(item), names, made) for item in step.loads)
    given = tuple(_given(name, files[name], names) for name in step.files_read if name in files)
    names = Names()
    outputs, extra = [], []
    logs = may_log(step, notebook)
    saved = pipeline.artifacts_of(step.slug)
    for artifact in (*saved, *_written(step, saved)):
        port = Port(names.take(_key(artifact)), artifact_type(artifact), artifact)
        made.ports[artifact.id] = (step.slug, port)
        outputs.append(port)
        extra += [artifact] if artifact not in saved else []
    return StepPlan(
        step,
        merge(notebook.defaults, step.settings),
        own,
        (*loaded, *given),
        tuple(outputs),
        Port(names.take("metrics"), METRICS) if step.metric_names or logs else None,
        Port(names.take("executed_notebook"), HTML),
        Port(names.take("executed_notebook_ipynb"), PLAIN),
        Port(names.take("logged"), PLAIN) if logs else None,
        tuple(extra),
    )


def _input(artifact: Artifact, names: Names, made: _Outputs) -> Port:
    producer, port = made.ports[artifact.id]
    return Port(names.take(_key(artifact)), port.type, artifact, (producer, port.key))


def _given(name: str, uri: str, names: Names) -> Port:
    artifact = Artifact(f"file:{name}", "", "file", (name,))
    return Port(names.take(_key(artifact)), PLAIN, artifact, None, uri)


def _written(step: Step, saved: Sequence[Artifact]) -> list[Artifact]:
    """The files that a step writes and no later step takes: the container's own disk goes with it."""
    known = {item.names[0] for item in saved if item.kind == "file"}
    return [
        Artifact(f"{step.slug}.file:{name}", step.slug, "file", (name,))
        for name in step.files_written
        if name not in known
    ]


def _key(artifact: Artifact) -> str:
    if artifact.kind == "value":
        return escaped(artifact.names[0])
    readable = re.sub(r"[^A-Za-z0-9]+", "_", artifact.names[0]).strip("_")[:60] or "any"
    return f"{artifact.kind}_{readable}"
