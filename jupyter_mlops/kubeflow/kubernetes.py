"""A step's settings as the fields of Kubeflow's executor and of its Kubernetes platform."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mlops.notebook.model import Backoff, ConfigMap, Secret, StepSettings

__all__ = ["platform_config", "resources", "retry_policy"]

_UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_UNITS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)}
_QUANTITY = re.compile(r"([0-9.]+(?:[eE][0-9]+)?)([A-Za-z]*)")
_NO_LIMIT = 7 * 24 * 3600
"""Seconds for ``max_duration`` where none is set: Kubeflow's default, one hour, would end the retries of long steps."""


def resources(settings: StepSettings) -> dict[str, Any]:
    """Return limits of processors and memory, and devices; the numbers are for servers that know no texts."""
    found: dict[str, Any] = {}
    if settings.cpu is not None:
        found |= {"cpuLimit": _cores(settings.cpu), "resourceCpuLimit": settings.cpu}
    if settings.memory is not None:
        found |= {"memoryLimit": _gigabytes(settings.memory), "resourceMemoryLimit": settings.memory}
    if settings.accelerator is not None:
        kind, count = settings.accelerator.type, str(settings.accelerator.count)
        found["accelerator"] = {"count": count, "resourceCount": count, "resourceType": kind, "type": kind}
    return found


def retry_policy(settings: StepSettings) -> dict[str, Any] | None:
    """Return how often and when a failed step is tried again; None for never."""
    if not settings.retries:
        return None
    backoff = settings.backoff or Backoff()
    longest = backoff.max_duration if backoff.max_duration is not None else _NO_LIMIT
    return {
        "maxRetryCount": settings.retries,
        "backoffDuration": _seconds(backoff.delay),
        "backoffFactor": float(backoff.factor),
        "backoffMaxDuration": _seconds(longest),
    }


def platform_config(settings: StepSettings) -> dict[str, Any]:
    """Return what only Kubernetes knows; empty if nothing of it is set."""
    found: dict[str, Any] = {
        "secretAsEnv": [_env("secret", *item) for item in _by_name(settings.secrets)],
        "secretAsVolume": _mounts("secret", settings.secrets),
        "configMapAsEnv": [_env("configMap", *item) for item in _by_name(settings.config_maps)],
        "configMapAsVolume": _mounts("configMap", settings.config_maps),
        "pvcMount": [
            {"constant": item.claim, "mountPath": item.path, "pvcNameParameter": _constant(item.claim)}
            for item in settings.volumes
        ],
        "imagePullPolicy": settings.image_pull_policy,
        "imagePullSecret": [_named("secret", name) for name in settings.image_pull_secrets],
        "nodeSelector": {"labels": dict(settings.node_selector)} if settings.node_selector else None,
        "tolerations": [
            {"key": item.key, "operator": item.operator, "value": item.value, "effect": item.effect}
            | {"tolerationSeconds": str(item.seconds) if item.seconds is not None else None}
            for item in settings.tolerations
        ],
        "podMetadata": {"labels": dict(settings.labels), "annotations": dict(settings.annotations)},
        "activeDeadlineSeconds": str(max(1, round(settings.timeout))) if settings.timeout is not None else None,
    }
    cleaned: dict[str, Any] = _without_empty(found)
    return cleaned


def _by_name(items: Iterable[Secret | ConfigMap]) -> list[tuple[str, dict[str, str]]]:
    """The variables of each secret: name, and variables by key."""
    found: dict[str, list[tuple[str, str]]] = {}
    for item in items:
        if item.env is not None and item.key is not None:
            found.setdefault(item.name, []).append((item.key, item.env))
    # a key may be wanted under two names
    return [(name, {env: key for key, env in pairs}) for name, pairs in found.items()]


def _env(kind: str, name: str, keys: Mapping[str, str]) -> dict[str, Any]:
    pairs = [{f"{kind}Key": key, "envVar": variable} for variable, key in keys.items()]
    return {**_named(kind, name), "keyToEnv": pairs, "optional": False}


def _mounts(kind: str, items: Iterable[Secret | ConfigMap]) -> list[dict[str, Any]]:
    places = dict.fromkeys((item.name, item.path) for item in items if item.path is not None)
    return [{**_named(kind, name), "mountPath": path, "optional": False} for name, path in places]


def _named(kind: str, name: str) -> dict[str, Any]:
    # newer servers read the parameter, older ones the name
    return {f"{kind}Name": name, f"{kind}NameParameter": _constant(name)}


def _constant(value: str) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        cleaned = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item is not None and item != {} and item != []}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def _cores(text: str) -> float:
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)


def _gigabytes(text: str) -> float:
    found = _QUANTITY.fullmatch(text)
    assert found is not None, text  # the settings were read with the same language
    return float(found[1]) * _UNITS[found[2]] / 1e9


def _seconds(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") + "s"
