"""The last step of a compiled pipeline: a page that says how the run ended, also if it failed.

python3 -m jupyter_mlops.runtime.exit_report EXECUTOR_INPUT PIPELINE
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .errors import HandoverError
from .executor_input import parse_executor_input
from .html import document

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Write the report.

    Args:
        arguments: The executor input, and the names of the pipeline and its steps as JSON.
    """
    try:
        executor_input = parse_executor_input(arguments[0])
        pipeline = json.loads(arguments[1])
        status = _status(executor_input.parameters.get("status"))
        state = str(status.get("state", "UNKNOWN"))
        message = str((status.get("error") or {}).get("message", ""))
        print(f"{pipeline['pipeline']}: {state}" + (f": {message}" if message else ""))
        if "report" in executor_input.outputs:
            target = executor_input.outputs["report"].path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_page(pipeline, state, message, status), encoding="utf-8", errors="backslashreplace")
            executor_input.report("report", {"state": state, "pipeline": pipeline["pipeline"]})
        executor_input.write()
    except (HandoverError, OSError, IndexError, ValueError, KeyError) as error:
        print(f"error: The report of the run can't be written: {error}", file=sys.stderr)
        return 4
    return 0


def _status(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        value = json.loads(value) if value else {}
    return value if isinstance(value, Mapping) else {}


def _page(pipeline: Mapping[str, Any], state: str, message: str, status: Mapping[str, Any]) -> str:
    job = str(status.get("pipelineJobResourceName") or status.get("pipeline_job_resource_name") or "")
    body = [f'<p class="note">{escape(state)}{f" · {escape(job)}" if job else ""}</p>']
    if message:
        body.append(f'<pre class="failure err">{escape(message)}</pre>')
    body.append("<ol>" + "".join(f"<li>{escape(name)}</li>" for name in pipeline["steps"].values()) + "</ol>")
    body.append("<p>Each step's executed notebook is among its own artifacts.</p>")
    return document(str(pipeline["pipeline"]), body)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
