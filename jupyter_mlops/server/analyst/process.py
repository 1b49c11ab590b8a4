"""The process that analyses: requests come in as JSON, one a line, and so go the answers, after a sign what they are.

Run as ``python -m jupyter_mlops.server.analyst.process BYTES``: the memory that it may have.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from jupyter_mlops.api import live
from jupyter_mlops.server.analyst.signs import PROBLEM, RESULT
from jupyter_mlops.server.problems import problem_json, problem_of

__all__ = ["main"]

_GARBAGE = (50_000, 20, 20)
_MOST = 20_000
"""Requests before the process gives way to a new one, so that nothing it remembers grows for good."""


def main(arguments: list[str]) -> int:
    """Answer until there is nothing more to read."""
    _limit_memory(int(arguments[0]))
    gc.freeze()
    gc.set_threshold(*_GARBAGE)  # an analysis makes many small things, and hardly any circles of them
    # whatever prints must not end up among the answers
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in itertools.islice(sys.stdin.buffer, _MOST):
        sign, answer = _answered(json.loads(line))
        answers.write(f"{sign}{json.dumps(answer)}\n")
        answers.flush()
    return 0


def _answered(request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    try:
        return RESULT, _ANSWERS[request["kind"]](request)
    except (MemoryError, RecursionError) as error:
        message = "The notebook is too large, or too deeply nested, to be analysed here."
        return PROBLEM, problem_json("too-large", message, details=type(error).__name__)
    except Exception as error:
        problem = problem_of(error)
        if problem["code"] == "defect":
            traceback.print_exc(file=sys.stderr)
            sys.stderr.flush()
        return PROBLEM, problem


def _content(request: dict[str, Any]) -> tuple[Any, str]:
    path, cells, metadata = Path(request["place"]), request["cells"], request["metadata"]
    return live.live_notebook(path, cells, metadata), live.revision_of(path, cells, metadata)


def _analysis(request: dict[str, Any]) -> dict[str, Any]:
    notebook, revision = _content(request)
    return live.analysis_json(notebook, path=request["path"], revision=revision)


def _suggestions(request: dict[str, Any]) -> dict[str, Any]:
    notebook, revision = _content(request)
    return live.suggestion_json(notebook, path=request["path"], revision=revision)


def _plan(request: dict[str, Any]) -> dict[str, Any]:
    notebook, revision = _content(request)
    wishes: dict[str, Any] = {
        "start": request.get("start"),
        "only": request.get("only"),
        "force": tuple(request.get("force") or ()),
        "no_cache": bool(request.get("no_cache")),
    }
    return live.plan_json(notebook, request.get("parameters") or {}, revision=revision, **wishes)


def _explain(request: dict[str, Any]) -> dict[str, Any]:
    notebook, _ = _content(request)
    return live.explanation_json(notebook, request["step"])


_ANSWERS = {"analysis": _analysis, "suggestions": _suggestions, "plan": _plan, "explain": _explain}


def _limit_memory(size: int) -> None:
    """Let a notebook that is too much for this process end in an error here, not in the machine's swap."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (size if hard < 0 else min(size, hard), hard))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
