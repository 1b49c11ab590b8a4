"""Hands objects to a Kubernetes cluster through its own client: what is not there is made, what differs is changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import InfrastructureError, MlopsError, UsageError

__all__ = ["Applied", "apply", "connect", "delete"]

_MANAGER = "jupyter-mlops"
_SECONDS = 30
_INSTANCE = "app.kubernetes.io/instance"
_PLURALS = {
    ("apps/v1", "Deployment"): "deployments",
    ("v1", "Service"): "services",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "horizontalpodautoscalers",
    ("serving.kserve.io/v1alpha1", "ServingRuntime"): "servingruntimes",
    ("serving.kserve.io/v1beta1", "InferenceService"): "inferenceservices",
    ("serving.kserve.io/v1alpha1", "InferenceGraph"): "inferencegraphs",
}


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done with an object.

    Args:
        action: ``applied`` or ``deleted``.
    """

    kind: str
    name: str
    action: str


def connect(context: str | None = None) -> Any:
    """Return what talks to the cluster: of the kubeconfig, or the one that this process runs in.

    Raises:
        UsageError: There is none.
    """
    from kubernetes import client, config

    try:
        # given anew, since the client reads the variable when it is imported, which may be long ago
        file = os.environ.get("KUBECONFIG")
        if file or (Path.home() / ".kube" / "config").is_file():
            config.load_kube_config(config_file=file, context=context)
        else:
            config.load_incluster_config()
    except (config.ConfigException, OSError, TypeError) as error:
        raise UsageError(
            f"No cluster is known here: {error}.",
            hint="Set KUBECONFIG, or print the manifests with --dry-run and let kubectl apply them.",
        ) from error
    return client.ApiClient()


def apply(api: Any, objects: Sequence[Mapping[str, Any]]) -> tuple[Applied, ...]:
    """Let a cluster have these objects, and no others that an earlier version of them had.

    Args:
        api: What ``connect`` returned.

    Raises:
        UsageError: The cluster refuses an object, or does not know its kind.
        InfrastructureError: It can't be reached.
    """
    done = [_apply(api, item) for item in objects]
    namespace, instance = _of(objects)
    kept = {(item["kind"], item["metadata"]["name"]) for item in objects}
    kinds = {(item["apiVersion"], item["kind"]) for item in objects}
    return (*done, *_prune(api, namespace, instance, kinds, kept))


def delete(api: Any, objects: Sequence[Mapping[str, Any]]) -> tuple[Applied, ...]:
    """Let a cluster have none of these objects any more, the last first. Arguments and errors as for ``apply``."""
    namespace, instance = _of(objects)
    kinds = {(item["apiVersion"], item["kind"]): None for item in reversed(objects)}
    return tuple(_prune(api, namespace, instance, kinds, set()))


def _of(objects: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    metadata = objects[0]["metadata"]
    return metadata["namespace"], metadata["labels"][_INSTANCE]


def _apply(api: Any, item: Mapping[str, Any]) -> Applied:
    name = item["metadata"]["name"]
    path = f"{_path(item['apiVersion'], item['kind'], item['metadata']['namespace'])}/{name}"
    query = [("fieldManager", _MANAGER), ("force", "true")]
    _call(api, "PATCH", path, query, item, what=f"{item['kind']} {name}")
    return Applied(item["kind"], name, "applied")


def _prune(
    api: Any, namespace: str, instance: str, kinds: Iterable[tuple[str, str]], kept: set[tuple[str, str]]
) -> Iterable[Applied]:
    for version, kind in kinds:
        path = _path(version, kind, namespace)
        query = [("labelSelector", f"{_INSTANCE}={instance},app.kubernetes.io/managed-by={_MANAGER}")]
        found = _call(api, "GET", path, query, what=f"the list of {_PLURALS[version, kind]}")
        for item in (found or {}).get("items", ()):
            name = item["metadata"]["name"]
            if (kind, name) not in kept:
                _call(api, "DELETE", f"{path}/{name}", [], what=f"{kind} {name}", missing_is_fine=True)
                yield Applied(kind, name, "deleted")


def _path(version: str, kind: str, namespace: str) -> str:
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{root}/namespaces/{namespace}/{_PLURALS[version, kind]}"


def _call(
    api: Any,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    body: Mapping[str, Any] | None = None,
    *,
    what: str,
    missing_is_fine: bool = False,
) -> Any:
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/apply-patch+yaml"
    try:
        return api.call_api(
            path,
            method,
            query_params=query,
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
            response_type="object",
            _return_http_data_only=True,
            _request_timeout=_SECONDS,
        )
    except ApiException as error:
        if error.status == 404 and missing_is_fine:
            return None
        raise _refusal(error, method, what, path) from error
    except (HTTPError, OSError) as error:
        raise InfrastructureError(
            f"The cluster {api.configuration.host} can't be reached: {_short(error)}.",
            hint="kubectl cluster-info says what it can see.",
        ) from error


def _refusal(error: Any, method: str, what: str, path: str) -> MlopsError:
    message = _message(error)
    if error.status == 404 and "serving.kserve.io" in path:
        return UsageError(
            f"The cluster does not know {what}: {message}.",
            hint="KServe is not installed there, or the namespace is missing. --target kubernetes needs no KServe.",
        )
    if error.status in (401, 403):
        return UsageError(
            f"The cluster does not let you {'see' if method == 'GET' else 'change'} {what}: {message}.",
            hint="Ask for the rights to it in that namespace, or name another: --namespace NAME",
        )
    if error.status is not None and error.status >= 500:
        return InfrastructureError(f"The cluster failed with {what} ({error.status}): {message}.", hint="Try again.")
    return UsageError(f"The cluster refuses {what} ({error.status}): {message}.")


def _message(error: Any) -> str:
    try:
        return str(json.loads(error.body)["message"]).rstrip(".")[:500]
    except (TypeError, ValueError, KeyError):
        return str(error.reason or "no reason given")[:500]


def _short(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return " ".join(str(reason or error).split())[:300].rstrip(".")
