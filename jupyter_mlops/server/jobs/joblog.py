"""What a job has printed, or a step of it."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.server.jobs.folder import JobFolder

__all__ = ["job_log", "log_json"]

_MOST = 1 << 20
"""Characters of a log that are sent: its end."""


def job_log(folder: JobFolder, step: str | None = None) -> dict[str, Any]:
    """Return what a job has printed so far.

    Args:
        step: Slug of the step that is meant; all by default.
    """
    texts, offset = [], 0
    while True:
        events, after = folder.read_events(offset)
        if after == offset:
            break
        offset = after
        for event in events:
            if event.get("e") == "out" and (step is None or event.get("slug") == step):
                texts.append(str(event.get("text", "")))
    return log_json("".join(texts))


def log_json(text: str) -> dict[str, Any]:
    """Return a log in the form that the description has."""
    size = len(text.encode("utf-8", "replace"))
    return {"text": text[-_MOST:], "bytes": size, "cut": len(text) > _MOST}
