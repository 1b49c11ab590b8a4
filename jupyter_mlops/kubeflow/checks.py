"""What a notebook may do here but not on Kubeflow, where each step has a machine of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jupyter_mlops.diagnostics import has_errors
from jupyter_mlops.errors import NotebookError, PipelineError, UsageError
from jupyter_mlops.kubeflow.names import REFERENCE
from jupyter_mlops.kubeflow.plan import StepPlan
from jupyter_mlops.notebook.model import ConfigMap, Notebook, Secret
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.places import cell_place

__all__ = ["check_images", "check_pipeline", "check_settings"]

_ANY_FILE = "files"


def check_pipeline(pipeline: Pipeline, notebook: Notebook) -> None:
    """Refuse a notebook that can't run step by step on several machines.

    Raises:
        PipelineError: The notebook has errors.
        NotebookError: It has no steps, or steps share files whose paths are only known when they run.
    """
    if has_errors(pipeline.diagnostics):
        raise PipelineError(f"{pipeline.name} is not a valid pipeline; nothing was compiled.", pipeline.diagnostics)
    if not pipeline.steps:
        raise NotebookError("The notebook has no code to run.", hint="Tag a cell `step:NAME`.")
    found = [
        f'{_place(pipeline, notebook, step)} of step "{step.name}" may use any file, and "{other.name}" uses some; '
        "on Kubeflow steps share only files whose paths are written in the notebook."
        for step, other in _shared(pipeline)
    ]
    if found:
        hint = "Write the path as a constant, or put the cells that share the files into one step."
        raise NotebookError("\n".join(found), hint=hint)


def _shared(pipeline: Pipeline) -> Iterator[tuple[Step, Step]]:
    """The steps that may use any file, each with the first other one that it shares files with."""
    known: set[str] = set()
    for edge in pipeline.edges:
        if _ANY_FILE not in edge.names:
            continue
        pair = pipeline.step(edge.source), pipeline.step(edge.target)
        step, other = pair if pair[0].touches_unknown_files else (pair[1], pair[0])
        if step.slug not in known:
            known.add(step.slug)
            yield step, other


def _place(pipeline: Pipeline, notebook: Notebook, step: Step) -> str:
    told = [item for item in pipeline.diagnostics if item.code == "MLO030" and item.cell in step.cells]
    cell, line = (told[0].cell, told[0].line) if told else (step.cells[0], None)
    return cell_place(notebook, cell, line, pipeline).replace(f" ({step.name})", "").capitalize()


def check_settings(notebook: Notebook, plans: tuple[StepPlan, ...]) -> None:
    """Refuse settings that Kubeflow has no place for.

    Raises:
        UsageError: Lists them all, with the cell.
    """
    found = [text for plan in plans for text in _lost(notebook, plan)]
    if found:
        raise UsageError("\n".join(found))


def _lost(notebook: Notebook, plan: StepPlan) -> Iterator[str]:
    place = f'{cell_place(notebook, plan.step.cells[0])}, step "{plan.step.name}"'.capitalize()
    sources: list[tuple[str, Secret | ConfigMap]] = [("secret", item) for item in plan.settings.secrets]
    sources += [("config map", item) for item in plan.settings.config_maps]
    for kind, item in sources:
        if item.env is None and item.path is None:
            yield f"{place}: the {kind} {item.name} has neither `env` nor `path` to arrive at."
        elif item.env is not None and item.key is None:
            yield f"{place}: the {kind} {item.name} needs a `key` for the variable {item.env}."
    variables = [item.env for _, item in sources if item.env]
    for name in dict.fromkeys([*variables, *plan.settings.env]):
        if [*variables, *plan.settings.env].count(name) > 1:
            yield f"{place}: the variable {name} is set twice."
    for name, value in plan.settings.env.items():
        replaced = next((other for other in [*variables, *plan.settings.env] if f"$({other})" in value), None)
        if replaced is not None:
            yield f"{place}: Kubernetes would replace $({replaced}) in the variable {name}."
    mounted = [item.path for _, item in sources if item.path]
    mounted = [*dict.fromkeys(mounted), *(item.path for item in plan.settings.volumes)]
    for path in dict.fromkeys(mounted):
        if mounted.count(path) > 1:
            yield f"{place}: two things are mounted at {path}."


def check_images(plans: tuple[StepPlan, ...], images: Mapping[str, str | None]) -> None:
    """Refuse steps without an image, or with one that no cluster could pull.

    Raises:
        UsageError: Names them.
    """
    lacking = [plan.step.name for plan in plans if not images[plan.step.slug]]
    if lacking:
        which = "any step" if len(lacking) == len(plans) else f"the step {lacking[0]!r}"
        hint = "Build one with `jupyter mlops build`, or name one: --image REFERENCE, or the setting `image`."
        raise UsageError(f"No container image is known for {which}.", hint=hint)
    for plan in plans:
        name = images[plan.step.slug] or ""
        if not REFERENCE.fullmatch(name):
            message = f"The image of the step {plan.step.name!r} can't be called {name!r:.80}."
            raise UsageError(message, hint="Write it as registry.example.com/team/image:tag, in lower case.")
