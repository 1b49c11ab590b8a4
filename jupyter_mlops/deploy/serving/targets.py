"""Which inference a path means, found without a router's expressions: most requests pass here."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlops.deploy.serving.problems import Problem

__all__ = ["OTHER", "Target", "target_of", "version_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is for.

    Args:
        kind: ``v2``, ``v1``, ``mlflow``, or ``other``.
        model: None is the first that is served.
        pattern: Of the path, for metrics.
    """

    kind: str
    model: str | None = None
    version: int | None = None
    pattern: str = ""


OTHER = Target("other", pattern="other")
_INVOCATIONS = Target("mlflow", pattern="/invocations")
_KNOWN = frozenset(
    ["/ping", "/health", "/version", "/metrics", "/v2", "/v2/health/live", "/v2/health/ready", "/v2/repository/index"]
)


def target_of(method: str, path: str) -> Target:
    """Return what a request is for; anything but an inference is ``other``.

    Raises:
        Problem: The version in the path is no number.
    """
    if method == "POST":
        if path.startswith("/v2/models/") and path.endswith("/infer"):
            model, _, version = path[11:-6].partition("/versions/")
            if model and "/" not in model:
                pattern = "/v2/models/{model}/versions/{version}/infer" if version else "/v2/models/{model}/infer"
                return Target("v2", model, version_of(version) if version else None, pattern)
        if path == "/invocations":
            return _INVOCATIONS
        if path.startswith("/v1/models/") and path.endswith(":predict"):
            model = path[11:-8]
            if model and "/" not in model:
                return Target("v1", model, None, "/v1/models/{model}:predict")
    return Target("other", pattern=path) if path in _KNOWN else OTHER


def version_of(text: str) -> int:
    """Return the number of a version.

    Raises:
        Problem: It is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Problem(404, f'"{text[:40]}" is no version: versions are numbers.', field="version")
    return int(text)
