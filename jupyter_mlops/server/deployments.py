"""Deployments in the forms that the panel has."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from jupyter_mlops.api.deploying import Request
from jupyter_mlops.server.problems import RequestProblem
from jupyter_mlops.tracking.listing import moment

__all__ = ["availability", "deployment_json", "live_json", "prediction_json", "request_of", "talks"]

_NEEDED = ("prometheus_client", "starlette", "uvicorn")
"""Modules of the extra ``deploy`` that a server on this machine runs with."""
_REASON = "The extra deploy is not installed where the Jupyter server runs: pip install 'jupyter-mlops[deploy]'"


def availability() -> dict[str, Any]:
    """Return whether models can be deployed, and why not."""
    there = all(find_spec(name) is not None for name in _NEEDED)
    return {"available": there, "reason": None if there else _REASON}


def talks() -> ModuleType:
    """Return the part of the façade that deploys.

    Raises:
        RequestProblem: What it needs is not installed.
    """
    if not availability()["available"]:
        raise RequestProblem("no-deploy", _REASON)
    from jupyter_mlops.api import deployments

    return deployments


def request_of(wish: Mapping[str, Any]) -> Request:
    """Return what a request of the panel asks to be deployed."""
    weight = wish.get("weight")
    return Request(
        wish["model"],
        name=wish.get("name"),
        target=wish.get("target"),
        canary=None if weight is None or weight >= 100 else round(weight),
        shadow=bool(wish.get("shadow")),
    )


def deployment_json(found: Any, runs: Mapping[int, str], notes: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a deployment.

    Args:
        found: As the façade has it.
        runs: The run of each version of its model.
        notes: What there is to say of what was done to it.
    """
    return {
        "name": found.name,
        "model": found.model,
        "state": found.state,
        "target": found.target,
        "endpoint": found.endpoint,
        "models": [
            {
                "model": found.model,
                "version": share["version"],
                "role": share["role"],
                "weight": share["weight"],
                "run_id": runs.get(share["version"]),
            }
            for share in found.traffic.to_json()
        ],
        "created": moment(found.created),
        "changed": moment(found.changed),
        "reason": found.problem,
        "notes": list(notes),
    }


def live_json(found: Any | None) -> dict[str, Any]:
    """Return how a deployment does; nothing is known of one whose server has never told."""
    if found is None:
        return {"measured": None, "seconds": None, "versions": []}
    return {
        "measured": moment(found.measured),
        "seconds": found.seconds,
        "versions": [_version(item) for item in found.to_json()["versions"]],
    }


def prediction_json(found: Any, model: str) -> dict[str, Any]:
    """Return what a deployment answered."""
    return {"outputs": dict(found.outputs), "seconds": found.seconds, "model": model, "version": found.version}


def _version(item: Mapping[str, Any]) -> dict[str, Any]:
    drift = item["drift"]
    plain = ("version", "role", "weight", "ready", "requests", "rate", "failures", "p50", "p95", "p99")
    return {
        **{name: item[name] for name in plain},
        "drift": {
            **{name: drift[name] for name in ("level", "rows", "needed", "waiting", "reason")},
            "features": [
                {"name": feature["name"], "score": feature["psi"], "level": feature["level"]}
                for feature in drift["features"]
            ],
        },
    }
