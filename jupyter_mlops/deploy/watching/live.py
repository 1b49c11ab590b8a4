"""What a deployment does at this moment: one value for the panel, the command line and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyter_mlops.deploy.watching.drift import ALERT, NOTICE, SeenFeature

__all__ = ["Accuracy", "Drift", "Live", "LiveVersion", "live_from_json"]


@dataclass(frozen=True, slots=True)
class Drift:
    """The last full window of rows beside the training data.

    Args:
        needed: Rows that a window has.
        waiting: Rows that the next window has so far.
        rows: Of the last full window; 0 before there is one, and nothing else is known then.
        ended: When it was full, in milliseconds since the epoch.
        features: The inputs, those that drifted most first.
        outputs: The same of what the model answered.
        reason: Why nothing is known, if that will stay so.
    """

    needed: int
    waiting: int
    rows: int = 0
    ended: int | None = None
    features: tuple[SeenFeature, ...] = ()
    outputs: tuple[SeenFeature, ...] = ()
    reason: str | None = None

    @property
    def level(self) -> str:
        """The worst of all: ``ok``, ``notice``, ``alert``; ``unknown`` before there is a window."""
        levels = {item.level for item in (*self.features, *self.outputs)}
        return next((level for level in ("alert", "notice", "ok") if level in levels), "unknown")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often the model was right, by labels that came later.

    Args:
        labels: How many rows have one.
        accuracy: Part of the labels that were right; None for a model of numbers.
        error: Mean absolute error; None for a model of labels.
        agreement: Only of a shadow: how often it said what was answered to the client.
    """

    labels: int = 0
    accuracy: float | None = None
    error: float | None = None
    compared: int = 0
    agreement: float | None = None


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """A version that is served.

    Args:
        weight: Percent of the requests.
        total: Requests since the server started.
        requests: In the last minutes (``Live.seconds``), the same span as of what follows.
        errors: By who is to blame: ``client``, ``model``, ``server``.
        failures: Part of the requests that the model is to blame for.
        p50, p95, p99: Milliseconds.
    """

    version: int
    role: str
    weight: int
    ready: bool
    total: int
    requests: int
    rate: float
    errors: dict[str, int]
    failures: float
    p50: float | None
    p95: float | None
    p99: float | None
    rows: int
    drift: Drift
    accuracy: Accuracy


@dataclass(frozen=True, slots=True)
class Live:
    """A deployment as it is now.

    Args:
        measured: When, in milliseconds since the epoch; None if its server has never told.
        seconds: The span that rates and latencies are of.
        lost: Requests that were answered but not watched, because too many came at once.
        unknown: Labels that came for a request that nobody remembers.
    """

    deployment: str
    model: str
    measured: int | None
    seconds: float
    versions: tuple[LiveVersion, ...]
    lost: int = 0
    unknown: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "deployment": self.deployment,
            "model": self.model,
            "measured": self.measured,
            "seconds": self.seconds,
            "lost": self.lost,
            "unknown": self.unknown,
            "thresholds": {"notice": NOTICE, "alert": ALERT},
            "versions": [_version_json(item) for item in self.versions],
        }


def _version_json(item: LiveVersion) -> dict[str, Any]:
    drift, accuracy = item.drift, item.accuracy
    return {
        **{name: getattr(item, name) for name in ("version", "role", "weight", "ready", "total", "requests", "rate")},
        **{name: getattr(item, name) for name in ("errors", "failures", "p50", "p95", "p99", "rows")},
        "drift": {
            "level": drift.level,
            **{name: getattr(drift, name) for name in ("needed", "waiting", "rows", "ended", "reason")},
            "features": [_feature_json(feature) for feature in drift.features],
            "outputs": [_feature_json(feature) for feature in drift.outputs],
        },
        "accuracy": {name: getattr(accuracy, name) for name in Accuracy.__slots__},
    }


def _feature_json(item: SeenFeature) -> dict[str, Any]:
    return {name: getattr(item, name) for name in SeenFeature.__slots__}


def live_from_json(data: dict[str, Any]) -> Live:
    """Read what ``to_json`` made."""
    names = ("deployment", "model", "measured", "seconds", "lost", "unknown")
    return Live(**{name: data[name] for name in names}, versions=tuple(map(_version, data["versions"])))


def _version(data: dict[str, Any]) -> LiveVersion:
    drift = {name: value for name, value in data["drift"].items() if name != "level"}
    for name in ("features", "outputs"):
        drift[name] = tuple(SeenFeature(**item) for item in drift[name])
    return LiveVersion(**{**data, "drift": Drift(**drift), "accuracy": Accuracy(**data["accuracy"])})
