"""Who or what began a run, as far as the environment tells."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Origin", "origin"]

_OFF = frozenset(["", "0", "false", "no", "off"])


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run comes from.

    Args:
        trigger: ``ci`` or ``hand``.
        tags: Facts about the run of a CI service, by names that begin with ``ci.``.
    """

    trigger: str = "hand"
    tags: Mapping[str, str] = field(default_factory=dict)


def origin(environment: Mapping[str, str] | None = None) -> Origin:
    """Read it from environment variables, those that CI services set."""
    given = os.environ if environment is None else environment

    def has(name: str) -> bool:
        return given.get(name, "").strip().lower() not in _OFF

    if has("GITHUB_ACTIONS"):
        return Origin("ci", _facts(given, "github", _GITHUB, url=_github_url(given)))
    if has("GITLAB_CI"):
        return Origin("ci", _facts(given, "gitlab", _GITLAB, url=given.get("CI_PIPELINE_URL")))
    if has("CI"):
        return Origin("ci")
    return Origin()


_GITHUB = {
    "repository": "GITHUB_REPOSITORY",
    "workflow": "GITHUB_WORKFLOW",
    "ref": "GITHUB_REF_NAME",
    "event": "GITHUB_EVENT_NAME",
    "actor": "GITHUB_ACTOR",
    "run": "GITHUB_RUN_ID",
    "attempt": "GITHUB_RUN_ATTEMPT",
}
_GITLAB = {
    "repository": "CI_PROJECT_PATH",
    "workflow": "CI_JOB_NAME",
    "ref": "CI_COMMIT_REF_NAME",
    "event": "CI_PIPELINE_SOURCE",
    "actor": "GITLAB_USER_LOGIN",
    "run": "CI_PIPELINE_ID",
}


def _facts(given: Mapping[str, str], provider: str, names: Mapping[str, str], url: str | None) -> dict[str, str]:
    facts = {"ci.provider": provider}
    facts.update({f"ci.{name}": given[variable] for name, variable in names.items() if given.get(variable)})
    return {**facts, "ci.url": url} if url else facts


def _github_url(given: Mapping[str, str]) -> str | None:
    parts = [given.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else None
