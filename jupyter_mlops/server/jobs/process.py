"""The process of a job: does what was asked and tells what happens, whoever listens.

Run as ``python -m jupyter_mlops.server.jobs.process FOLDER``; what is asked comes in as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from jupyter_mlops.server.jobs.folder import JobFolder
from jupyter_mlops.server.jobs.telling import Teller
from jupyter_mlops.server.problems import problem_of

__all__ = ["main"]

_SOURCE = "panel"
"""Where values of parameters come from, for the record."""


def main(arguments: list[str]) -> int:
    """Do the job."""
    import psutil

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    order = json.loads(sys.stdin.buffer.read())
    teller = Teller(JobFolder(Path(arguments[0])))
    start = time.monotonic()
    teller.tell("began", pid=os.getpid(), process_started=psutil.Process().create_time())
    state = _done(order, teller)
    teller.tell("ended", state=state, seconds=round(time.monotonic() - start, 3))
    return 0


def _done(order: dict[str, Any], teller: Teller) -> str:
    try:
        return str(_KINDS[order["task"]](order, teller))
    except KeyboardInterrupt:
        return "cancelled"
    except Exception as error:
        problem = problem_of(error)
        if problem["code"] == "defect":
            traceback.print_exc()
        teller.tell("problem", problem=problem)
        return "failed"


def _run(order: dict[str, Any], teller: Teller) -> str:
    from jupyter_mlops import api
    from jupyter_mlops.api import live

    source = api.read_notebook(Path(order["notebook"]))
    sliced = api.pipeline(source)
    teller.numbers = {cell.id: cell.index + 1 for cell in source.cells}
    values = live.numbers_of(sliced.parameters, order["parameters"])
    result = api.run(
        source,
        values,
        sliced=sliced,
        reporter=teller,
        sources=dict.fromkeys(values, _SOURCE),
        start=order["start"],
        only=order["only"],
        force=tuple(order["force"]),
        no_cache=order["no_cache"],
        workers=order["workers"],
        timeout=order["timeout"],
    )
    return _told(result, teller)


def _retry(order: dict[str, Any], teller: Teller) -> str:
    from jupyter_mlops import api
    from jupyter_mlops.api import clusters, controlling

    home = Path(order["home"])
    record = controlling.backend_of(order["run"], home=home)
    if record.backend != "local":
        run_id = controlling.retry_on_cluster(order["run"], home=home)
        return _state(clusters.follow_run(run_id, watch=teller.watch, logs=True, home=home))
    if record.notebook and Path(record.notebook).is_file():
        teller.numbers = {cell.id: cell.index + 1 for cell in api.read_notebook(record.notebook).cells}
    return _told(controlling.retry_locally(order["run"], reporter=teller, home=home), teller)


def _told(result: Any, teller: Teller) -> str:
    for note in (*result.notes, *result.problems):
        teller.tell("note", text=note)
    teller.tell("result", result=result.to_json())
    return _state(result.status)


def _verify(order: dict[str, Any], teller: Teller) -> str:
    from jupyter_mlops import api
    from jupyter_mlops.api import live

    source = api.read_notebook(Path(order["notebook"]))
    values = live.numbers_of(api.pipeline(source).parameters, order["parameters"])
    teller.numbers = {cell.id: cell.index + 1 for cell in source.cells}
    found = api.verify(source, values, timeout=order["timeout"], reporter=_Unrecorded(teller))
    teller.tell("verification", verification=found.to_json())
    return "succeeded" if found.equal else "failed"


def _submit(order: dict[str, Any], teller: Teller) -> str:
    from jupyter_mlops import api
    from jupyter_mlops.api import clusters, live

    source = api.read_notebook(Path(order["notebook"]))
    sliced = api.pipeline(source)
    values = live.numbers_of(sliced.parameters, order["parameters"])
    steps = [[step.slug, step.name] for step in sliced.steps]
    teller.tell("run", run_id=None, pipeline=sliced.name, steps=steps)
    done = api.submit(
        source,
        order["runtime"],
        values,
        sliced=sliced,
        experiment=order["experiment"],
        no_cache=order["no_cache"],
        sources=dict.fromkeys(values, _SOURCE),
    )
    teller.tell("submitted", run_id=done.run_id, page=done.page, pipeline=sliced.name, notes=list(done.notes))
    home = Path(order["home"])
    try:
        return _state(clusters.follow_run(done.run_id, watch=teller.watch, logs=True, home=home))
    except KeyboardInterrupt:
        from jupyter_mlops.api import controlling

        controlling.stop_run(done.run_id, home=home)
        return "cancelled"


def _cure(order: dict[str, Any], teller: Teller) -> str:
    from jupyter_mlops.api import kernels

    kernels.cure_kernel(order["kernel"], told=lambda text: teller.print(None, "stdout", text))
    return "succeeded"


_KINDS = {"run": _run, "retry": _retry, "verify": _verify, "submit": _submit, "cure": _cure}


class _Unrecorded:
    """Tells of runs that are not on record: those of a verification."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller

    def handle(self, event: Any) -> None:
        from jupyter_mlops.engine.events import RunStarted

        if isinstance(event, RunStarted):
            steps = [list(item) for item in event.steps]
            self._teller.tell("run", run_id=None, pipeline=event.pipeline, steps=steps)
        else:
            self._teller.handle(event)


def _state(status: str) -> str:
    return "succeeded" if status in ("succeeded", "reused", "skipped") else status


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """What SIGTERM means before, and after, the engine takes signals itself."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
