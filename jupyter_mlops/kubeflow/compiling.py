"""A pipeline as Kubeflow's intermediate representation (IR), and each step as a component of its own.

The IR is written as the plain data that it is in YAML: kfp, which takes seconds to import, is not needed for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow import payload
from jupyter_mlops.kubeflow.checks import check_images, check_pipeline, check_settings
from jupyter_mlops.kubeflow.exit_report import REPORT, add_exit_report
from jupyter_mlops.kubeflow.kubernetes import platform_config, resources, retry_policy
from jupyter_mlops.kubeflow.needs import needed_files, needed_modules
from jupyter_mlops.kubeflow.parameters import Argument, arguments_of
from jupyter_mlops.kubeflow.plan import Port, StepPlan, plan_steps
from jupyter_mlops.kubeflow.sizes import check_size, size_notes
from jupyter_mlops.kubeflow.text import document
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.names import slugify
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["COMMAND", "CompileOptions", "Compiled", "compile_pipeline"]

COMMAND = ("python3", "-m", "jupyter_mlops.runtime.component")
"""What a container runs; KFP's executor input and the compressed step notebook are its arguments."""

_EXECUTOR_INPUT = "{{$}}"
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}
"""As the local engine has it: sets and dicts of texts are in the same order."""
_SCHEMA_VERSION = "2.1.0"


@dataclass(frozen=True)
class CompileOptions:
    """What is asked for.

    Args:
        image: Image of all steps that name none of their own.
        images: Pinned images by step slug, which take the place of whatever a step names.
        parameters: Values, of their declared types, that take the place of the notebook's defaults.
        pipeline_root: Where artifacts go on the cluster; its own place if left out.
        image_pull_policy: For steps that set none.
        files: URIs of the project's files by path, of those that are uploaded rather than part of the image.
        report: Whether a last step reports how the run ended, also if it failed.
        tells: Whether steps say in their logs what they made, for whoever follows the run from elsewhere.
    """

    image: str | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pipeline_root: str | None = None
    image_pull_policy: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    report: bool = False
    tells: bool = False


@dataclass(frozen=True)
class Compiled:
    """A compiled pipeline.

    Args:
        name: What Kubeflow calls it.
        yaml: The pipeline.
        components: Each step as a component of its own, by step slug.
        images: Image by step slug.
        arguments: The parameters by their name in the notebook; ``encode`` makes Kubeflow's values.
        artifacts: For each step slug: what flows through which of its outputs, artifact ids by output key.
        modules: The project's own modules that images must have, by step slug.
        files: The project's files that images must have, by step slug.
        notes: What else there is to say.
    """

    name: str
    yaml: str
    components: Mapping[str, str]
    images: Mapping[str, str]
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    artifacts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    modules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def compile_pipeline(pipeline: Pipeline, notebook: Notebook, options: CompileOptions) -> Compiled:
    """Compile a pipeline; nothing is run and no cluster is contacted.

    Args:
        pipeline: The pipeline.
        notebook: The notebook that it was made of.
        options: What is asked for.

    Raises:
        PipelineError: The notebook has errors.
        NotebookError: It can't run on Kubeflow, or a step or the whole is too large.
        UsageError: A step has no image, or a setting can't be kept.
    """
    check_pipeline(pipeline, notebook)
    arguments = arguments_of(pipeline, options.parameters)
    plans = plan_steps(pipeline, notebook, arguments, options.files)
    check_settings(notebook, plans)
    images = {plan.step.slug: _image(plan, notebook, options) for plan in plans}
    check_images(plans, images)
    known = {slug: image for slug, image in images.items() if image is not None}
    parts = tuple(_part(pipeline, notebook, plan, known[plan.step.slug], options) for plan in plans)
    name = slugify(pipeline.name)
    text = _pipeline_text(pipeline, name, parts, arguments, options)
    check_size(text, {part.plan.step.name: sum(map(len, part.executor["container"]["args"])) for part in parts})
    return Compiled(
        name=name,
        yaml=text,
        components={part.slug: _component_text(part) for part in parts},
        images=known,
        arguments=arguments,
        artifacts={plan.step.slug: _flows(plan) for plan in plans},
        modules={part.slug: part.modules for part in parts},
        files={part.slug: part.files for part in parts},
        notes=_notes(text, parts),
    )


@dataclass(frozen=True)
class _Part:
    """A step in the IR's terms."""

    slug: str
    plan: StepPlan
    component: Mapping[str, Any]
    executor: Mapping[str, Any]
    platform: Mapping[str, Any]
    modules: tuple[str, ...]
    files: tuple[str, ...]
    upstream: tuple[str, ...]


def _image(plan: StepPlan, notebook: Notebook, options: CompileOptions) -> str | None:
    """Pinned, else the step's own, else the one that is asked for, else the notebook's."""
    own = plan.step.settings.image
    if own == notebook.defaults.image:
        own = None  # inherited
    return options.images.get(plan.step.slug) or own or options.image or plan.settings.image


def _part(pipeline: Pipeline, notebook: Notebook, plan: StepPlan, image: str, options: CompileOptions) -> _Part:
    folder = notebook.path.parent if notebook.path is not None else Path.cwd()
    modules, files = needed_modules(plan.step, folder), needed_files(plan.step, folder)
    content = payload.payload(pipeline, plan, notebook, modules, files, tells=options.tells)
    settings = plan.settings
    container: dict[str, Any] = {
        "image": image,
        "command": list(COMMAND),
        "args": [_EXECUTOR_INPUT, *payload.arguments(pipeline, content, notebook)],
        "env": [{"name": name, "value": value} for name, value in {**_ENVIRONMENT, **settings.env}.items()],
    }
    if limits := resources(settings):
        container["resources"] = limits
    platform = platform_config(settings)
    if options.image_pull_policy is not None:
        platform.setdefault("imagePullPolicy", options.image_pull_policy)
    return _Part(
        plan.step.slug,
        plan,
        _component(plan),
        {"container": container},
        platform,
        tuple(modules),
        tuple(content["needs"]["files"]),
        pipeline.upstream(plan.step.slug),
    )


def _component(plan: StepPlan) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    if plan.arguments:
        inputs["parameters"] = {item.key: item.definition() for item in plan.arguments}
    if plan.inputs:
        inputs["artifacts"] = {port.key: _typed(port) for port in plan.inputs}
    found: dict[str, Any] = {"executorLabel": f"exec-{plan.step.slug}"}
    if inputs:
        found["inputDefinitions"] = inputs
    found["outputDefinitions"] = {"artifacts": {port.key: _typed(port) for port in plan.all_outputs}}
    return found


def _typed(port: Port) -> dict[str, Any]:
    found: dict[str, Any] = {"artifactType": {"schemaTitle": port.type, "schemaVersion": "0.0.1"}}
    if port.artifact is not None:
        found["description"] = _described(port)
    return found


def _described(port: Port) -> str:
    assert port.artifact is not None
    names = ", ".join(port.artifact.names)
    return names if port.artifact.kind == "value" else f"{port.artifact.kind} {names}"


def _task(part: _Part) -> dict[str, Any]:
    step, settings = part.plan.step, part.plan.settings
    artifacts: dict[str, Any] = {}
    for port in part.plan.inputs:
        producer, key = port.source if port.source is not None else (_importer(port), "artifact")
        artifacts[port.key] = {"taskOutputArtifact": {"producerTask": producer, "outputArtifactKey": key}}
    inputs: dict[str, Any] = {}
    if part.plan.arguments:
        inputs["parameters"] = {item.key: {"componentInputParameter": item.key} for item in part.plan.arguments}
    if artifacts:
        inputs["artifacts"] = artifacts
    upstream = sorted({*part.upstream, *(item["taskOutputArtifact"]["producerTask"] for item in artifacts.values())})
    found: dict[str, Any] = {
        "cachingOptions": {"enableCache": True} if _is_cached(part.plan) else {},
        "componentRef": {"name": f"comp-{part.slug}"},
        "taskInfo": {"name": step.name},
    }
    if upstream:
        found["dependentTasks"] = upstream
    if inputs:
        found["inputs"] = inputs
    if policy := retry_policy(settings):
        found["retryPolicy"] = policy
    return found


def _is_cached(plan: StepPlan) -> bool:
    """What the outside world decides is not reused unless the notebook says so."""
    if plan.settings.cache is not None:
        return plan.settings.cache == "on"
    return plan.step.volatile is None and not plan.step.touches_unknown_files


def _importer(port: Port) -> str:
    # two paths may have one key
    digest = hashlib.sha256(str(port.uri).encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"import-{slugify(port.key)[:40]}-{digest}"


def _pipeline_text(
    pipeline: Pipeline,
    name: str,
    parts: Sequence[_Part],
    arguments: Mapping[str, Argument],
    options: CompileOptions,
) -> str:
    components: dict[str, Any] = {f"comp-{part.slug}": part.component for part in parts}
    executors: dict[str, Any] = {f"exec-{part.slug}": part.executor for part in parts}
    tasks: dict[str, Any] = {part.slug: _task(part) for part in parts}
    for port in (port for part in parts for port in part.plan.inputs if port.uri is not None):
        _add_importer(port, components, executors, tasks)
    root: dict[str, Any] = {"dag": {"tasks": tasks}}
    if arguments:
        root["inputDefinitions"] = {"parameters": {item.key: item.definition() for item in arguments.values()}}
    info: dict[str, Any] = {"name": name}
    if pipeline.name != name:
        info["displayName"] = pipeline.name
    if pipeline.description:
        info["description"] = pipeline.description
    spec: dict[str, Any] = {
        "pipelineInfo": info,
        "components": components,
        "deploymentSpec": {"executors": executors},
        "root": root,
    }
    if options.pipeline_root is not None:
        spec["defaultPipelineRoot"] = options.pipeline_root
    platforms = {f"exec-{part.slug}": part.platform for part in parts if part.platform}
    if options.report:
        if REPORT in tasks:
            raise UsageError(f'A step is called "{REPORT}", as the report of the run is.', hint="Rename the step.")
        add_exit_report(spec, parts[-1].executor["container"]["image"])
        if parts[-1].platform:
            kept = ("imagePullPolicy", "imagePullSecret", "nodeSelector", "tolerations")
            platforms[f"exec-{REPORT}"] = {key: parts[-1].platform[key] for key in kept if key in parts[-1].platform}
    return _text(spec, platforms)


def _add_importer(port: Port, components: dict[str, Any], executors: dict[str, Any], tasks: dict[str, Any]) -> None:
    name = _importer(port)
    kind = {"schemaTitle": port.type, "schemaVersion": "0.0.1"}
    components[f"comp-{name}"] = {
        "executorLabel": f"exec-{name}",
        "inputDefinitions": {"parameters": {"uri": {"parameterType": "STRING"}}},
        "outputDefinitions": {"artifacts": {"artifact": {"artifactType": kind}}},
    }
    executors[f"exec-{name}"] = {"importer": {"artifactUri": {"constant": port.uri}, "typeSchema": kind}}
    tasks[name] = {
        "cachingOptions": {"enableCache": True},
        "componentRef": {"name": f"comp-{name}"},
        "inputs": {"parameters": {"uri": {"runtimeValue": {"constant": port.uri}}}},
        "taskInfo": {"name": name},
    }


def _component_text(part: _Part) -> str:
    """The step alone, as kfp's ``load_component_from_file`` takes it."""
    inputs = part.component.get("inputDefinitions", {})
    outputs = part.component["outputDefinitions"]
    task = {key: value for key, value in _task(part).items() if key not in ("dependentTasks", "inputs")}
    task["inputs"] = {kind: {key: {_INPUTS[kind]: key} for key in found} for kind, found in inputs.items()}
    if not task["inputs"]:
        del task["inputs"]
    selectors = {
        key: {"artifactSelectors": [{"outputArtifactKey": key, "producerSubtask": part.slug}]}
        for key in outputs["artifacts"]
    }
    root: dict[str, Any] = {"dag": {"outputs": {"artifacts": selectors}, "tasks": {part.slug: task}}}
    if inputs:
        root["inputDefinitions"] = inputs
    root["outputDefinitions"] = outputs
    info: dict[str, Any] = {"name": part.slug}
    description = part.plan.settings.description or part.plan.step.description
    if description:
        info["description"] = description
    spec = {
        "pipelineInfo": info,
        "components": {f"comp-{part.slug}": part.component},
        "deploymentSpec": {"executors": {f"exec-{part.slug}": _reusable(part.executor)}},
        "root": root,
    }
    return _text(spec, {f"exec-{part.slug}": part.platform} if part.platform else {})


def _reusable(executor: Mapping[str, Any]) -> dict[str, Any]:
    """Variables are set by the command: kfp can't use a loaded component whose container has any."""
    container = {key: value for key, value in executor["container"].items() if key != "env"}
    variables = [f"{item['name']}={item['value']}" for item in executor["container"]["env"]]
    return {"container": {**container, "command": ["env", *variables, *container["command"]]}}


_INPUTS = {"parameters": "componentInputParameter", "artifacts": "componentInputArtifact"}


def _text(spec: Mapping[str, Any], platforms: Mapping[str, Any]) -> str:
    from jupyter_mlops._version import __version__

    whole = {**spec, "schemaVersion": _SCHEMA_VERSION, "sdkVersion": f"jupyter-mlops-{__version__}"}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": platforms}}}} if platforms else None
    return document(whole, platform)


def _flows(plan: StepPlan) -> dict[str, str]:
    return {port.key: port.artifact.id for port in plan.outputs if port.artifact is not None}


def _notes(text: str, parts: Sequence[_Part]) -> tuple[str, ...]:
    found = list(size_notes(text))
    modules = sorted({name for part in parts for name in part.modules})
    files = sorted({name for part in parts for name in part.files})
    for kind, names in (("module", modules), ("file", files)):
        if names:
            plural = f"{kind}s" if len(names) > 1 else kind
            found.append(
                f"The image must have the project's {plural} {', '.join(names)}, as `jupyter mlops build` sees to."
            )
    return tuple(found)
