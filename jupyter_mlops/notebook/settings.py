"""Step settings: what ``metadata.mlops`` of a cell or a notebook says about how a step is run.

Every bad value becomes a diagnostic with the path of its field, such as
``metadata.mlops.secrets[0].env``; the rest of the settings still counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from jupyter_mlops.diagnostics import Diagnostic
from jupyter_mlops.notebook.build_settings import NOT_IN_NOTEBOOKS, read_build_settings
from jupyter_mlops.notebook.model import (
    Accelerator,
    Backoff,
    BuildSettings,
    ConfigMap,
    Secret,
    StepSettings,
    Toleration,
    Volume,
)
from jupyter_mlops.notebook.values import (
    Problems,
    boolean_or_word,
    choice,
    count,
    cpu,
    device,
    duration,
    env_name,
    factor,
    kubernetes_key,
    kubernetes_name,
    label_key,
    label_value,
    listed,
    mapping,
    memory,
    mount_path,
    pause,
    record,
    string,
    word,
)

__all__ = ["SETTINGS", "NotebookSettings", "distribution_of", "merge", "read_notebook_settings", "read_settings"]

_WRITTEN_BY_US = frozenset({"role", "run"})  # marks in generated notebooks, not settings
_STEP_NOTEBOOK = frozenset({"pipeline", "step", "schema"})
_CACHE_WORDS = ("on", "off", "volatile")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_OPERATORS = ("Equal", "Exists")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class NotebookSettings:
    """What the notebook's own ``metadata.mlops`` says.

    Args:
        name: The pipeline's name.
        description: The pipeline's description.
        defaults: Settings for steps that don't set their own.
        build: How the pipeline's image is built.
    """

    name: str | None = None
    description: str | None = None
    defaults: StepSettings = field(default_factory=StepSettings)
    build: BuildSettings = field(default_factory=BuildSettings)
    diagnostics: tuple[Diagnostic, ...] = ()


def read_settings(
    value: object, *, cell: str | None = None, path: str = "metadata.mlops"
) -> tuple[StepSettings, tuple[Diagnostic, ...]]:
    """Read step settings.

    Args:
        value: The JSON found at ``path``; None means that there is none.
        cell: Id of the cell, for the diagnostics.
        path: Where the value was found.

    Returns:
        The settings that are valid, and a diagnostic per field that is not.
    """
    problems = Problems(cell)
    return _read_fields(value, path, problems, _WRITTEN_BY_US), tuple(problems.found)


def read_notebook_settings(value: object) -> NotebookSettings:
    """Read the notebook's ``metadata.mlops``: name, description, how its image is built, the defaults of its steps."""
    problems = Problems(None)
    path = "metadata.mlops"
    if not isinstance(value, Mapping):
        return NotebookSettings(
            defaults=_read_fields(value, path, problems, frozenset()), diagnostics=tuple(problems.found)
        )
    own = {"name", "description", *_WRITTEN_BY_US}
    if value.keys() >= _STEP_NOTEBOOK:  # a step notebook, opened by hand
        own |= _STEP_NOTEBOOK
    name = string(value.get("name"), f"{path}.name", problems)
    description = string(value.get("description"), f"{path}.description", problems)
    build = BuildSettings()
    if isinstance(value.get("image"), Mapping):
        own.add("image")
        build = read_build_settings(value["image"], f"{path}.image", problems, NOT_IN_NOTEBOOKS)
    fields = {key: item for key, item in value.items() if key not in own}
    defaults = _read_fields(fields, path, problems, frozenset(), extra=("name",))
    return NotebookSettings(name, description, defaults, build, tuple(problems.found))


def merge(defaults: StepSettings, own: StepSettings) -> StepSettings:
    """Combine the notebook's settings with a step's own.

    A single value of the step replaces the default. Mappings, packages, secrets and volumes are joined:
    where both name the same key, distribution, target or mount path, the step's own wins. A description
    is never inherited.

    Args:
        defaults: The notebook's.
        own: The step's.

    Returns:
        The settings to run the step with.
    """
    return StepSettings(
        image=own.image if own.image is not None else defaults.image,
        packages=_joined(defaults.packages, own.packages, distribution_of),
        cpu=own.cpu if own.cpu is not None else defaults.cpu,
        memory=own.memory if own.memory is not None else defaults.memory,
        accelerator=own.accelerator if own.accelerator is not None else defaults.accelerator,
        env={**defaults.env, **own.env},
        secrets=_joined(defaults.secrets, own.secrets, lambda secret: secret.env or secret.path or secret),
        config_maps=_joined(defaults.config_maps, own.config_maps, lambda item: item.env or item.path or item),
        volumes=_joined(defaults.volumes, own.volumes, lambda volume: volume.path),
        retries=own.retries if own.retries is not None else defaults.retries,
        backoff=own.backoff if own.backoff is not None else defaults.backoff,
        timeout=own.timeout if own.timeout is not None else defaults.timeout,
        cache=own.cache if own.cache is not None else defaults.cache,
        image_pull_policy=own.image_pull_policy if own.image_pull_policy is not None else defaults.image_pull_policy,
        image_pull_secrets=_joined(defaults.image_pull_secrets, own.image_pull_secrets, str),
        node_selector={**defaults.node_selector, **own.node_selector},
        tolerations=_joined(defaults.tolerations, own.tolerations, lambda item: item),
        labels={**defaults.labels, **own.labels},
        annotations={**defaults.annotations, **own.annotations},
        description=own.description,
    )


def _joined(defaults: tuple[Item, ...], own: tuple[Item, ...], key: Callable[[Item], object]) -> tuple[Item, ...]:
    replaced = {key(item) for item in own}
    return (*(item for item in defaults if key(item) not in replaced), *own)


def distribution_of(requirement: str) -> str:
    """Return the normalised name of the distribution that a requirement asks for."""
    found = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else requirement


def _read_fields(
    value: object, path: str, problems: Problems, ignored: frozenset[str], extra: tuple[str, ...] = ()
) -> StepSettings:
    if value is None:
        return StepSettings()
    if not isinstance(value, Mapping):
        problems.wrong_type(path, "an object", value)
        return StepSettings()
    read: dict[str, Any] = {}
    for key, item in value.items():
        if key in ignored:
            continue
        if key not in SETTINGS:
            problems.unknown_key(f"{path}.{key}", key, (*SETTINGS, *extra))
            continue
        setting = SETTINGS[key](item, f"{path}.{key}", problems) if item is not None else None
        if setting is not None:
            read[key] = setting
    return replace(StepSettings(), **read)


def _packages(value: object, path: str, problems: Problems) -> tuple[str, ...] | None:
    return listed(value, path, problems, string)


def _env(value: object, path: str, problems: Problems) -> dict[str, str] | None:
    return mapping(value, path, problems, env_name, _any_string)


def _labels(value: object, path: str, problems: Problems) -> dict[str, str] | None:
    return mapping(value, path, problems, label_key, label_value)


def _annotations(value: object, path: str, problems: Problems) -> dict[str, str] | None:
    return mapping(value, path, problems, label_key, _any_string)


def _any_string(value: object, path: str, problems: Problems) -> str | None:
    if isinstance(value, str) and "\0" not in value:
        return value
    problems.wrong_type(path, "a string without NUL characters" if isinstance(value, str) else "a string", value)
    return None


def _accelerator(value: object, path: str, problems: Problems) -> Accelerator | None:
    if isinstance(value, str):
        kind = device(value, path, problems)
        return Accelerator(kind) if kind else None
    fields = record(value, path, problems, {"type": device, "count": count}, required=("type",))
    if fields is None:
        return None
    if fields.get("count") == 0:
        problems.add(f"{path}.count", "must be at least 1", "Leave `accelerator` out for a step that needs none.")
        return None
    return Accelerator(fields["type"], fields.get("count", 1))


def _secret(value: object, path: str, problems: Problems) -> Secret | None:
    if isinstance(value, Mapping) and "value" in value:
        hint = "Put the value into a secret of the cluster and name that; a notebook is no place for it."
        problems.add(f"{path}.value", "must not be in a notebook", hint)
        return None
    fields = _reference(value, path, problems)
    return Secret(**fields) if fields is not None else None


def _reference(value: object, path: str, problems: Problems) -> dict[str, Any] | None:
    """Read what names a secret or config map, and where it arrives."""
    readers = {"name": kubernetes_name, "key": kubernetes_key, "env": env_name, "path": mount_path}
    return record(value, path, problems, readers, required=("name",))


def _config_map(value: object, path: str, problems: Problems) -> ConfigMap | None:
    fields = _reference(value, path, problems)
    return ConfigMap(**fields) if fields is not None else None


def _config_maps(value: object, path: str, problems: Problems) -> tuple[ConfigMap, ...] | None:
    return listed(value, path, problems, _config_map)


def _toleration(value: object, path: str, problems: Problems) -> Toleration | None:
    readers = {
        "key": label_key,
        "operator": lambda item, place, found: choice(item, place, found, _OPERATORS),
        "value": label_value,
        "effect": lambda item, place, found: choice(item, place, found, _EFFECTS),
        "seconds": count,
    }
    fields = record(value, path, problems, readers, required=())
    if fields is None:
        return None
    operator = fields.get("operator", "Equal")
    if operator == "Exists" and fields.get("value"):
        problems.add(f"{path}.value", "has no meaning with the operator `Exists`")
        return None
    if operator == "Equal" and "key" not in fields:
        problems.add(f"{path}.key", "is required", "Only the operator `Exists` goes without: it tolerates everything.")
        return None
    if "seconds" in fields and fields.get("effect") != "NoExecute":
        problems.add(f"{path}.seconds", "has a meaning only with the effect `NoExecute`")
        return None
    return Toleration(**fields)


def _tolerations(value: object, path: str, problems: Problems) -> tuple[Toleration, ...] | None:
    return listed(value, path, problems, _toleration)


def _pull_policy(value: object, path: str, problems: Problems) -> str | None:
    return choice(value, path, problems, _PULL_POLICIES)


def _pull_secrets(value: object, path: str, problems: Problems) -> tuple[str, ...] | None:
    return listed(value, path, problems, kubernetes_name)


def _secrets(value: object, path: str, problems: Problems) -> tuple[Secret, ...] | None:
    return listed(value, path, problems, _secret)


def _volume(value: object, path: str, problems: Problems) -> Volume | None:
    fields = record(value, path, problems, {"claim": kubernetes_name, "path": mount_path}, required=("claim", "path"))
    return Volume(**fields) if fields is not None else None


def _volumes(value: object, path: str, problems: Problems) -> tuple[Volume, ...] | None:
    return listed(value, path, problems, _volume)


def _backoff(value: object, path: str, problems: Problems) -> Backoff | None:
    if not isinstance(value, Mapping):
        delay = pause(value, path, problems)
        return None if delay is None else Backoff(delay)
    readers = {"delay": pause, "factor": factor, "max_duration": duration}
    fields = record(value, path, problems, readers, required=())
    return None if fields is None else Backoff(**fields)


def _cache(value: object, path: str, problems: Problems) -> str | None:
    return boolean_or_word(value, path, problems, _CACHE_WORDS)


SETTINGS: Mapping[str, Callable[[object, str, Problems], object]] = {
    "image": word,
    "packages": _packages,
    "cpu": cpu,
    "memory": memory,
    "accelerator": _accelerator,
    "env": _env,
    "secrets": _secrets,
    "config_maps": _config_maps,
    "volumes": _volumes,
    "retries": count,
    "backoff": _backoff,
    "timeout": duration,
    "cache": _cache,
    "image_pull_policy": _pull_policy,
    "image_pull_secrets": _pull_secrets,
    "node_selector": _labels,
    "tolerations": _tolerations,
    "labels": _labels,
    "annotations": _annotations,
    "description": string,
}
"""The reader of each key of ``metadata.mlops``."""
