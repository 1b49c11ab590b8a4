"""Runs pipelines in processes that may be killed, each forked from this one, which has imported everything already.

A line of JSON on stdin is a run; the answer is a line of JSON. A step's cells are executed in another forked process,
the kernel's stand-in, with the runtime that real kernels get: a run takes a fraction of a second.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import sys
import time
from typing import Any

from jupyter_mlops import api
from jupyter_mlops.engine import cleaning, client, execution, runner, sharing  # noqa: F401 - imported once, for all children
from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.runtime import failpoints
from jupyter_mlops.runtime.injection import parameters_source

SECONDS = 60


def execute(job: Any, attempt: Any, source: Any) -> StepFailure | None:
    """What stands in for papermill and the kernel: execute a step notebook in place, in a process of its own."""
    notebook = json.loads(json.dumps(source))
    reader, writer = os.pipe()
    kernel = os.fork()
    if kernel == 0:
        os.close(reader)
        with contextlib.suppress(BaseException):
            outputs = run_cells(job, notebook)
            os.write(writer, json.dumps(outputs).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        answer = answers.read()
    _, status = os.waitpid(kernel, 0)
    attempt.notebook = notebook
    if os.WIFSIGNALED(status):
        return StepFailure("infrastructure", "DeadKernel", "the kernel died")
    outputs = json.loads(answer)
    for cell in notebook["cells"]:
        text = outputs["text"].get(cell["id"])
        if text:
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
    job.path.write_text(json.dumps(notebook), encoding="utf-8")
    if outputs["error"] is not None:
        return StepFailure("user", *outputs["error"])
    return None


def run_cells(job: Any, notebook: Any) -> dict[str, Any]:
    """Execute the cells; return what they printed and the error that ended it."""
    os.chdir(job.launch.cwd)
    os.environ["JUPYTER_MLOPS_STEP"] = str(job.context_path)
    sys.path.insert(0, job.launch.environment["PYTHONPATH"].split(os.pathsep)[0])
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed: dict[str, str] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        if "parameters" in cell["metadata"].get("tags", ()):
            source += "\n" + parameters_source(job.parameters)
        stream = io.StringIO()
        try:
            with contextlib.redirect_stdout(stream):
                exec(compile(source, cell["id"], "exec"), namespace)
        except Exception as error:
            return {"text": printed, "error": [type(error).__name__, str(error)]}
        printed[cell["id"]] = stream.getvalue()
    return {"text": printed, "error": None}


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Do one run in this process, which ends with it."""
    os.environ.update(order.get("environment", {}))
    if order.get("failpoint"):
        os.environ[failpoints.VARIABLE] = order["failpoint"]
        importlib.reload(failpoints)
    action = order.get("action", "run")
    try:
        result = getattr(api, action)(*order.get("arguments", ()), **order.get("options", {}))
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {"result": result.to_json()}


def serve(order: dict[str, Any]) -> dict[str, Any]:
    """Let a child do it; tell how it ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        signal.alarm(SECONDS)
        answer = json.dumps(run(order)).encode()
        with os.fdopen(writer, "wb") as file:
            file.write(answer)
        os._exit(0)
    os.close(writer)
    if order.get("kill_after") is not None:
        time.sleep(order["kill_after"])
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, "rb") as file:
        answer = file.read()
    _, status = os.waitpid(child, 0)
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    return {"killed": killed, **(json.loads(answer) if answer else {})}


def main() -> None:
    with contextlib.suppress(ImportError):
        flaky = importlib.import_module("flaky")
        flaky.register()
    execution._run_papermill = execute
    if not os.environ.get("MLOPS_SOAK"):
        os.fsync = lambda descriptor: None  # a killed process loses nothing that it has written
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warmed = False
    for line in sys.stdin:
        order = json.loads(line)
        if not warmed and order.get("arguments"):
            api.pipeline(order["arguments"][0])  # what the analysis reads once is there for all children
            warmed = True
        print(json.dumps(serve(order)), file=answers, flush=True)


if __name__ == "__main__":
    main()
