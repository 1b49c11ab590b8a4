"""The program of a step's container: reads Kubeflow's executor input, runs the step, saves what it makes.

    python3 -m jupyter_mlops.runtime.component EXECUTOR_INPUT PART...

The parts, put together, are the step notebook and what is to be known of it, compressed. Exit codes: 0 done, 1 the
user's code failed, 4 the image or what Kubeflow handed over is not as it must be.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]  # modules beside the notebook must not take the place of those that are needed here

import base64
import binascii
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import tempfile
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .context import ENVIRONMENT_VARIABLE
from .errors import ContextError, HandoverError
from .executor_input import ExecutorInput, parse_executor_input
from .needs import check_needs
from .results import context_of, hand_over, parameters_of

__all__ = ["decode_payload", "main"]

ALIAS = "mlops_runtime"
"""The name by which artifacts know this package, wherever they were made."""

DONE, FAILED, REFUSED, STOPPED = 0, 1, 4, 143
SCHEMA = 1
_PATIENCE = 5.0
"""Seconds that threads and ``atexit`` functions of the user's code have when the step is over."""


def main(arguments: Sequence[str]) -> int:
    """Run a step.

    Args:
        arguments: The executor input and the parts of the payload.

    Returns:
        The exit code.
    """
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: _stop(stopped))
    try:
        if len(arguments) < 2:
            raise ContextError("This program is started by Kubeflow: it takes the executor input and a step notebook.")
        executor_input = parse_executor_input(arguments[0])
        payload = decode_payload(arguments[1:])
        check_needs(payload)
        with _workplace() as scratch:
            code = _run(executor_input, payload, scratch)
    except (HandoverError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        code = STOPPED
    if stopped:
        print("error: The step was stopped from outside.", file=sys.stderr)
    return STOPPED if stopped else code


def decode_payload(parts: Sequence[str]) -> dict[str, Any]:
    """Put the payload together again.

    Raises:
        ContextError: It is damaged or of another version.
    """
    try:
        packed = base64.b64decode("".join(parts), validate=True)
        payload = json.loads(zlib.decompress(packed).decode("utf-8", "surrogatepass"))
    except (ValueError, binascii.Error, zlib.error) as error:
        raise ContextError(f"The step notebook in the arguments is damaged: {error}.") from None
    if not isinstance(payload, dict) or payload.get("schema") != SCHEMA:
        raise ContextError(
            "The step was compiled by another version of jupyter-mlops than the image has: compile it again, or "
            "build the image again."
        )
    return payload


def _run(executor_input: ExecutorInput, payload: Mapping[str, Any], scratch: Path) -> int:
    from .notebook_run import NotebookRun
    from .outputs import Redactor

    redactor = Redactor.of(payload["secrets"]["env"], payload["secrets"]["files"])
    context = context_of(payload, executor_input, scratch)
    place = scratch / "context.json"
    place.write_text(json.dumps(context), encoding="utf-8")
    os.environ[ENVIRONMENT_VARIABLE] = str(place)
    # the home of a container's user may not be there, or not be writable
    os.environ.setdefault("IPYTHONDIR", str(scratch / "ipython"))
    _install_alias()
    sys.argv = sys.argv[:1]
    parameters = parameters_of(payload, executor_input.parameters)
    run = NotebookRun(payload, parameters, redactor, place)
    try:
        run.execute()
    except KeyboardInterrupt:
        run.note("The step was stopped from outside.")
    try:
        hand_over(executor_input, payload, run, scratch, redactor)
    finally:
        executor_input.write()
    if run.failure is not None:
        print(redactor.text(run.failure), file=sys.stderr)
        return FAILED
    return DONE


def _install_alias() -> None:
    """Make this package importable under the name that pickles and load cells use."""
    if ALIAS in sys.modules:
        return
    folder = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        ALIAS, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[ALIAS] = module
    spec.loader.exec_module(module)


@contextlib.contextmanager
def _workplace() -> Iterator[Path]:
    """A folder for unfinished work; and a working directory that can be written."""
    scratch = Path(tempfile.mkdtemp(prefix="mlops-step-"))
    try:
        if not os.access(Path.cwd(), os.W_OK):
            # an image's files belong to root, and clusters run them as anybody
            copy = scratch / "project"
            shutil.copytree(Path.cwd(), copy, symlinks=True, ignore_dangling_symlinks=True)
            os.chdir(copy)
        yield scratch
    finally:
        os.chdir("/")
        shutil.rmtree(scratch, ignore_errors=True)


def _stop(stopped: list[int]) -> None:
    stopped.append(STOPPED)
    raise KeyboardInterrupt


def _leave(code: int) -> None:
    """End the process, also if the user's code left threads behind that never end."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    timer = threading.Timer(_PATIENCE, os._exit, (code,))
    timer.daemon = True
    timer.start()
    sys.exit(code)


if __name__ == "__main__":
    _leave(main(sys.argv[1:]))
