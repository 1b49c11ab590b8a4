"""Where deployments can be, and what is handed to each place: files made of ``templates/deploy``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops import templates
from jupyter_mlops.deploy.deployment import LOCAL, Deployment
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import nearest, printable

__all__ = [
    "CLUSTERS",
    "CONTAINER",
    "DEFAULTS",
    "MANIFESTS",
    "Pod",
    "check_target",
    "checked_options",
    "images_of",
    "manifests",
    "objects_of",
    "targets",
]

CONTAINER = "container"
CLUSTERS = ("kserve", "kubernetes")
MANIFESTS = "manifests.yaml.j2"
_MODES = {"serverless": "Serverless", "raw": "RawDeployment"}
"""By KServe's older words, which newer ones understand as well."""

DEFAULTS: Mapping[str, Any] = {
    "namespace": "default",
    "min_replicas": 1,
    "max_replicas": 3,
    "cpu": "250m",
    "memory": "512Mi",
    "mode": "serverless",
    "timeout": 60,
    "pull_secret": None,
    "token_secret": None,
}


@dataclass(frozen=True, slots=True)
class Pod:
    """Servers that are all alike.

    Args:
        name: Of what the target makes of them.
        image: That has the bundles of all versions they serve.
        traffic: Between those, as JSON.
        digests: Of the bundles that they may load.
        percent: Of the requests, where the target parts them.
    """

    name: str
    image: str
    traffic: str
    digests: tuple[str, ...]
    percent: int | None = None


def targets() -> tuple[str, ...]:
    """Return where deployments can be."""
    return (LOCAL, *sorted(folder.name for folder in (templates.root() / "deploy").iterdir() if folder.is_dir()))


def check_target(name: str) -> str:
    """Return the name of a target.

    Raises:
        UsageError: There is none of this name.
    """
    if name in targets():
        return name
    near = nearest(name, targets())
    raise UsageError(
        f'There is no target "{printable(name[:80])}".',
        hint=f"Did you mean {near}?" if near else f"There are: {', '.join(targets())}.",
    )


def checked_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a cluster, those not given by their defaults.

    Raises:
        UsageError: Some make no sense.
    """
    found = {**DEFAULTS, **{key: value for key, value in given.items() if value is not None}}
    if not 0 <= found["min_replicas"] <= found["max_replicas"] or found["max_replicas"] < 1:
        raise UsageError(
            f"From {found['min_replicas']} to {found['max_replicas']} servers makes no sense.",
            hint="Such as --min-replicas 1 --max-replicas 3",
        )
    if found["mode"] not in _MODES:
        raise UsageError(f"There is no mode {printable(str(found['mode']))!r}.", hint="Modes: serverless, raw.")
    return found


def images_of(deployment: Deployment) -> dict[int, str]:
    """Return the image that has each version, as far as one was named."""
    return {int(version): str(image) for version, image in deployment.options.target.get("images", {}).items()}


def manifests(deployment: Deployment, digests: Mapping[int, str]) -> str:
    """Return what a cluster is to have for a deployment, as YAML.

    Args:
        digests: Of the bundles, by version.

    Raises:
        UsageError: The target can't do what the traffic says, or an image is not known.
    """
    options = checked_options(deployment.options.target)
    made = _kserve(deployment, options, digests) if deployment.target == "kserve" else _kubernetes(deployment, digests)
    raw = deployment.target == "kserve" and options["mode"] == "serverless"
    folder = templates.root() / "deploy"
    environment = templates.environment(folder, autoescape=False, keep_trailing_newline=True)
    environment.filters["quoted"] = lambda value: json.dumps(str(value), ensure_ascii=False)
    return environment.get_template(f"{deployment.target}/{MANIFESTS}").render(
        **{name: options[name] for name in DEFAULTS},
        deployment=deployment.name,
        model=deployment.model,
        model_label=_label(deployment.model),
        summary=str(deployment.traffic),
        revision=deployment.revision,
        deployment_mode=_MODES[options["mode"]],
        scale_metric="concurrency" if raw else "cpu",
        scale_target=8 if raw else 70,
        **made,
    )


def objects_of(text: str) -> list[dict[str, Any]]:
    """Return the objects that manifests describe."""
    import yaml

    return [item for item in yaml.safe_load_all(text) if item]


def _kubernetes(deployment: Deployment, digests: Mapping[int, str]) -> dict[str, Any]:
    """The servers part the requests themselves."""
    pod = _pod(deployment, deployment.name, deployment.traffic, digests)
    if checked_options(deployment.options.target)["min_replicas"] < 1:
        raise UsageError("Plain Kubernetes can't do with no server at all.", hint="Give --min-replicas 1 or more.")
    return {"pods": [pod]}


def _kserve(deployment: Deployment, options: Mapping[str, Any], digests: Mapping[int, str]) -> dict[str, Any]:
    traffic = deployment.traffic
    if options["mode"] == "raw":
        if options["min_replicas"] < 1:
            raise UsageError("KServe's raw mode can't do with no server at all.", hint="Give --min-replicas 1 or more.")
        return _graph(deployment, options, digests)
    canary = traffic.canary
    if len(traffic.stable) > 1:
        raise UsageError(
            "KServe parts requests between the last two revisions alone, and these are more versions, or weights.",
            hint="Give --canary PERCENT, or --mode raw, which parts them by a graph.",
        )
    if canary is not None:
        pod = _pod(deployment, deployment.name, Traffic.whole(canary.version), digests, canary.weight)
        return {"pods": [pod], "steps": []}
    return {"pods": [_pod(deployment, deployment.name, traffic, digests)], "steps": []}


def _graph(deployment: Deployment, options: Mapping[str, Any], digests: Mapping[int, str]) -> dict[str, Any]:
    """A service for each version, and before them a graph that parts the requests; its address stays."""
    pods, steps = [], []
    for share in deployment.traffic.serving:
        name = f"{deployment.name}-v{share.version}"
        shadows = tuple(item for item in deployment.traffic.shares if item.role == "shadow")
        own = Traffic((*Traffic.whole(share.version).shares, *shadows))
        pods.append(_pod(deployment, name, own, digests))
        host = f"{name}-predictor.{options['namespace']}.svc.cluster.local"
        url = f"http://{host}/v2/models/{deployment.model}/infer"
        steps.append({"name": name, "url": url, "weight": share.weight})
    return {"pods": pods, "steps": steps}


def _pod(
    deployment: Deployment, name: str, traffic: Traffic, digests: Mapping[int, str], percent: int | None = None
) -> Pod:
    return Pod(
        name,
        _image(deployment, traffic.versions),
        json.dumps(traffic.to_json(), separators=(",", ":")),
        tuple(digests[version] for version in traffic.versions if version in digests),
        percent,
    )


def _image(deployment: Deployment, versions: Sequence[int]) -> str:
    images = images_of(deployment)
    build = (
        f"jupyter mlops deploy {deployment.model}@{versions[-1]} --target container --image REGISTRY/NAME:TAG --push"
    )
    missing = [version for version in versions if version not in images]
    if missing:
        raise UsageError(
            f"No image is known that has version {missing[0]} of {deployment.model}.",
            hint=f"Build one, and name it here with --image: {build}",
        )
    found = {images[version] for version in versions}
    if len(found) > 1:
        raise UsageError(
            f"The versions {' and '.join(map(str, versions))} are in different images, and one server has them all.",
            hint=f"Build one that has them, and name it here with --image: {build}",
        )
    return found.pop()


def _label(text: str) -> str:
    """A label's value: letters, digits, dashes, dots and underscores, up to 63."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-" for letter in text)
    return plain[:63].strip("-_.") or "model"
