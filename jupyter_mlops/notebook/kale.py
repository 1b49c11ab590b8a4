"""Kale's cell tags and notebook metadata, as aliases of ours.

| Kale | here |
|---|---|
| ``block:NAME``, ``prev:NAME`` | ``step:NAME``, ``after:NAME`` (``block:`` without a name: an untagged cell) |
| ``pipeline-parameters``, ``pipeline-metrics`` | ``parameters``, ``metrics`` (the names it prints or shows) |
| ``image:``, ``limit:``, ``label:``, ``annotation:``, ``secret:``, ``cache:`` | step settings |
| ``kubeflow_notebook`` in the notebook's metadata | pipeline name, description, default settings |

What has no counterpart is a warning, never dropped in silence.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.notebook.model import Accelerator, Secret, StepSettings, Volume
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.notebook.settings import NotebookSettings, merge
from jupyter_mlops.notebook.values import Problems, count, cpu, duration, env_name, label_key, label_value, memory

__all__ = ["SETTING_PREFIXES", "printed_names", "read_kale_metadata", "read_setting_tags"]

SETTING_PREFIXES = ("image", "limit", "label", "annotation", "secret", "cache", "report", "notebook")
"""Prefixes of Kale's tags that set something for a step."""

_SHAPES = {
    "image": "image:NAME",
    "limit": "limit:RESOURCE:QUANTITY",
    "label": "label:KEY:VALUE",
    "annotation": "annotation:KEY:VALUE",
    "secret": "secret:NAME:KEY:VARIABLE",
    "cache": "cache:enabled` or `cache:disabled",
    "report": "report:enabled` or `report:disabled",
    "notebook": "notebook:NAME",
}
_SET_BY_TAGS = ("image", "cpu", "memory", "accelerator", "cache", "labels", "annotations", "secrets")
# what Kale writes into every notebook, or what only says where the notebook is
_WITHOUT_MEANING = frozenset({"notebook_path", "experiment", "katib_metadata", "volume_access_mode"})
_INERT: tuple[object, ...] = (None, False, "", [], {})
_OBJECTS = ("labels", "annotations", "limits", "secrets")
_DEFAULTS = (*_OBJECTS, "base_image", "enable_caching", "retry_count", "timeout")


@dataclass(frozen=True, slots=True)
class _Read:
    """Settings read so far, with what was wrong."""

    settings: StepSettings
    diagnostics: tuple[Diagnostic, ...] = ()


def read_setting_tags(tags: Iterable[str], *, cell: str | None = None) -> tuple[StepSettings, tuple[Diagnostic, ...]]:
    """Read the tags that set something for a step.

    Args:
        tags: Tags whose prefix is one of ``SETTING_PREFIXES``.
        cell: Id of the cell, for the diagnostics.

    Returns:
        The settings, and a diagnostic for each tag that is malformed, contradicts another or has no counterpart.
    """
    read = _Read(StepSettings())
    for tag in dict.fromkeys(tags):
        prefix, _, value = (part.strip() for part in tag.partition(":"))
        problems = Problems(cell)
        setting = _setting(prefix, value, problems)
        if setting is None:
            found = _malformed(tag, prefix, problems)
        elif isinstance(setting, str):
            found = _no_counterpart(f"The tag `{printable(tag)}`", setting, cell)
        else:
            read = _combined(read, setting, tag, cell)
            continue
        read = replace(read, diagnostics=(*read.diagnostics, found))
    return read.settings, read.diagnostics


def read_kale_metadata(value: object) -> NotebookSettings:
    """Read ``kubeflow_notebook`` of the notebook's metadata.

    Args:
        value: The JSON found there, or None.

    Returns:
        Name, description and default settings, with a warning for each setting that has no counterpart.
    """
    if value is None:
        return NotebookSettings()
    if not isinstance(value, Mapping):
        problems = Problems(None)
        problems.wrong_type("metadata.kubeflow_notebook", "an object", value)
        return NotebookSettings(diagnostics=tuple(problems.found))
    image = _text(value.get("base_image")) or _text(value.get("docker_image"))
    defaults, found = _steps_defaults(value.get("steps_defaults"))
    volumes, lost = _volumes(value.get("volumes"))
    defaults = merge(replace(_enable_caching(value.get("enable_caching")), image=image, volumes=volumes), defaults)
    known = {"pipeline_name", "pipeline_description", "base_image", "docker_image", "steps_defaults", "volumes"}
    known |= _WITHOUT_MEANING if "experiment_name" in value else _WITHOUT_MEANING - {"experiment"}
    known |= {"enable_caching"} if isinstance(value.get("enable_caching"), bool) else set()
    ignored = [key for key, item in value.items() if key not in known and not _is_inert(item)]
    lost += [_no_counterpart(f"`metadata.kubeflow_notebook.{printable(key)}`", "It is ignored.") for key in ignored]
    return NotebookSettings(
        _text(value.get("pipeline_name")),
        _text(value.get("pipeline_description")),
        defaults,
        diagnostics=(*found, *lost),
    )


def printed_names(source: str) -> tuple[str, ...]:
    """Return the names that a ``pipeline-metrics`` cell shows, each as ``print(name)`` or as ``name`` alone."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    shown = (_shown(statement.value) for statement in statements if isinstance(statement, ast.Expr))
    return tuple(dict.fromkeys(name for names in shown for name in names))


def _shown(expression: ast.expr) -> list[str]:
    if isinstance(expression, ast.Name):
        return [expression.id]
    if not isinstance(expression, ast.Call) or not isinstance(expression.func, ast.Name):
        return []
    if expression.func.id != "print":
        return []
    return [argument.id for argument in expression.args if isinstance(argument, ast.Name)]


def _setting(prefix: str, value: str, problems: Problems) -> StepSettings | str | None:
    """Read one tag: settings, or why it has no counterpart, or None if it is malformed."""
    if prefix == "image":
        return StepSettings(image=value) if value and len(value.split()) == 1 else None
    if prefix == "limit":
        resource, _, amount = value.rpartition(":")
        return _limit(resource.strip(), amount.strip(), problems)
    if prefix in ("label", "annotation"):
        return _label(prefix, value, problems)
    if prefix == "secret":
        return _secret(value.split(":"), problems)
    if prefix == "notebook":
        return "The notebook it names does not become part of this pipeline." if value else None
    if value not in ("enabled", "disabled"):
        return None
    if prefix == "cache":
        return StepSettings(cache="on" if value == "enabled" else "off")
    return StepSettings() if value == "enabled" else "Reports are made for a run, with all its steps."


def _limit(resource: str, amount: str, problems: Problems) -> StepSettings | str | None:
    if not resource or not amount:
        return None
    if resource == "cpu":
        cores = cpu(amount, "limit:cpu", problems)
        return StepSettings(cpu=cores) if cores else None
    if resource == "memory":
        size = memory(amount, "limit:memory", problems)
        return StepSettings(memory=size) if size else None
    if "/" not in resource:
        return "Limits are known for cpu, memory and devices such as nvidia.com/gpu."
    if not amount.isascii() or not amount.isdigit() or int(amount[:9]) == 0:
        return None
    return StepSettings(accelerator=Accelerator(resource, int(amount[:9])))


def _label(prefix: str, text: str, problems: Problems) -> StepSettings | None:
    key, colon, value = (part.strip() for part in text.partition(":"))
    if not colon or label_key(key, prefix, problems) is None:
        return None
    if prefix == "annotation":
        return StepSettings(annotations={key: value})
    return StepSettings(labels={key: value}) if label_value(value, prefix, problems) is not None else None


def _secret(parts: list[str], problems: Problems) -> StepSettings | None:
    if len(parts) != 3 or not all(part.strip() for part in parts):
        return None
    name, key, variable = (part.strip() for part in parts)
    if env_name(variable, "secret", problems) is None:
        return None
    return StepSettings(secrets=(Secret(name, key, variable),))


def _combined(read: _Read, setting: StepSettings, tag: str, cell: str | None) -> _Read:
    clash = next((name for name in _SET_BY_TAGS if _clashes(read.settings, setting, name)), None)
    if clash is None:
        return replace(read, settings=merge(read.settings, setting))
    message = f"The tag `{printable(tag)}` contradicts another tag of the cell that sets {clash}."
    found = make("MLO007", message, cell=cell, hint="Keep one of the two.")
    return replace(read, diagnostics=(*read.diagnostics, found))


def _clashes(before: StepSettings, now: StepSettings, name: str) -> bool:
    old, new = getattr(before, name), getattr(now, name)
    if isinstance(old, Mapping):
        return any(old.get(key, item) != item for key, item in new.items())
    if isinstance(old, tuple):
        return any(one != other and one.env == other.env for one in old for other in new)
    return old is not None and new is not None and old != new


def _steps_defaults(value: object) -> tuple[StepSettings, list[Diagnostic]]:
    path = "metadata.kubeflow_notebook.steps_defaults"
    if _is_inert(value):
        return StepSettings(), []
    if isinstance(value, Mapping):
        tags, lost = _default_tags(value, path)
    elif isinstance(value, list):
        tags = [tag for tag in value if isinstance(tag, str) and tag.partition(":")[0].strip() in _SHAPES]
        unknown = [tag for tag in value if tag not in tags]
        lost = [_no_counterpart(f"`{printable(str(tag))}` in `{path}`", "It is ignored.") for tag in unknown]
    else:
        return StepSettings(), [_no_counterpart(f"`{path}`", "It is neither a list nor an object.")]
    settings, found = read_setting_tags(tags)
    if isinstance(value, Mapping):
        problems = Problems(None)
        retries = count(value.get("retry_count"), f"{path}.retry_count", problems)
        timeout = duration(value.get("timeout"), f"{path}.timeout", problems)
        settings = replace(settings, retries=retries, timeout=timeout)
        found = (*found, *problems.found)
    return settings, [*found, *lost]


def _default_tags(value: Mapping[str, Any], path: str) -> tuple[list[str], list[Diagnostic]]:
    """Turn ``steps_defaults`` given as an object into the tags that say the same."""
    tags: list[str] = []
    for prefix, key in (("label", "labels"), ("annotation", "annotations"), ("limit", "limits")):
        tags += [f"{prefix}:{name}:{item}" for name, item in _object(value.get(key)).items()]
    for variable, secret in _object(value.get("secrets")).items():
        reference = _object(secret)
        tags.append(f"secret:{reference.get('secret_name', '')}:{reference.get('secret_key', '')}:{variable}")
    if value.get("base_image"):
        tags.append(f"image:{value['base_image']}")
    if isinstance(value.get("enable_caching"), bool):
        tags.append("cache:enabled" if value["enable_caching"] else "cache:disabled")
    misshapen = [key for key in _OBJECTS if not isinstance(value.get(key), Mapping)]
    misshapen += [] if isinstance(value.get("enable_caching"), bool) else ["enable_caching"]
    ignored = [key for key, item in value.items() if not _is_inert(item) and (key not in _DEFAULTS or key in misshapen)]
    return tags, [_no_counterpart(f"`{path}.{printable(key)}`", "It is ignored.") for key in ignored]


def _volumes(value: object) -> tuple[tuple[Volume, ...], list[Diagnostic]]:
    volumes: list[Volume] = []
    lost: list[Diagnostic] = []
    for index, item in enumerate(value if isinstance(value, list) else []):
        path = f"`metadata.kubeflow_notebook.volumes[{index}]`"
        volume = _object(item)
        name, mount = _text(volume.get("name")), _text(volume.get("mount_point"))
        if volume.get("type", "pvc") != "pvc" or name is None or mount is None:
            lost.append(_no_counterpart(path, "Volumes are existing claims: type `pvc` with name and mount_point."))
            continue
        volumes.append(Volume(name, mount))
        extras = [key for key in ("snapshot", "expose_as_env_var", "env_var") if volume.get(key) is True]
        lost += [_no_counterpart(f"`{key}` of {path}", "The volume is mounted without it.") for key in extras]
    if not isinstance(value, list) and not _is_inert(value):
        lost.append(_no_counterpart("`metadata.kubeflow_notebook.volumes`", "It is not a list."))
    return tuple(volumes), lost


def _enable_caching(value: object) -> StepSettings:
    if not isinstance(value, bool):
        return StepSettings()
    return StepSettings(cache="on" if value else "off")


def _malformed(tag: str, prefix: str, problems: Problems) -> Diagnostic:
    why = f": {problems.found[0].message}" if problems.found else "."
    hint = f"It is written `{_SHAPES[prefix]}`."
    return make("MLO008", f"The tag `{printable(tag)}` is malformed{why}", cell=problems.cell, hint=hint)


def _no_counterpart(what: str, hint: str, cell: str | None = None) -> Diagnostic:
    return make("MLO060", f"{what} is Kale's and has no counterpart here.", cell=cell, hint=hint)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None


def _is_inert(value: object) -> bool:
    return any(value is inert or (type(value) is type(inert) and value == inert) for inert in _INERT)
