"""Servers on this machine: processes of their own, found again by their number and the moment they started."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

from jupyter_mlops.deploy.deployment import Deployment
from jupyter_mlops.deploy.status import Status, read_status
from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home

__all__ = ["await_revision", "deployment_folder", "is_alive", "start", "stop"]

_MODULE = "jupyter_mlops.api.deployed"
_STARTING = 120.0
_GOING_OVER = 60.0
_STOPPING = 40.0
_PAUSE = 0.05
_SAME = 2.0
"""Seconds by which two answers about when a process started may differ."""
_LOG_LINES = 12


def deployment_folder(home: Home, name: str) -> Path:
    """Return the folder of a deployment; it is made, for its owner alone."""
    home.deployments.mkdir(mode=0o700, exist_ok=True)
    folder = home.deployments / name
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def is_alive(deployment: Deployment) -> bool | None:
    """Tell whether the process on record runs; None if it is on another machine, where nobody can look from here."""
    if deployment.pid is None or deployment.pid_started is None:
        return False
    if deployment.host != platform.node():
        return None
    return _started_at(deployment.pid, deployment.pid_started)


def start(database: Database, home: Home, name: str) -> Deployment:
    """Start the server of a deployment and wait until it answers.

    Raises:
        InfrastructureError: It ends before that, or takes too long.
    """
    import psutil

    folder = deployment_folder(home, name)
    log = folder / "server.log"
    with contextlib.suppress(OSError):
        log.replace(folder / "server.log.1")
    (folder / "live.json").unlink(missing_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, str(home.root), name],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home.root,
            start_new_session=True,
            env=_environment(),
        )
    with contextlib.suppress(psutil.Error):
        started = psutil.Process(process.pid).create_time()
        database.set_deployment_process(name, host=platform.node(), pid=process.pid, pid_started=started)
    due = time.monotonic() + _STARTING
    while time.monotonic() < due:
        found = _found(database, name)
        if found.state == "running" and found.pid == process.pid:
            # Not waited for: it goes on when this process has ended. Popen would warn of that.
            process.returncode = 0
            return found
        if process.poll() is not None:
            raise _failed(database, name, log, f"ended with code {process.returncode}")
        time.sleep(_PAUSE)
    process.kill()
    process.wait()
    raise _failed(database, name, log, f"did not answer within {_STARTING:g} seconds")


def await_revision(folder: Path, deployment: Deployment, seconds: float = _GOING_OVER) -> Status:
    """Wait until the server of a deployment serves what is on record.

    Raises:
        InfrastructureError: It can't, it has ended, or takes too long.
    """
    due = time.monotonic() + seconds
    while time.monotonic() < due:
        status = read_status(folder)
        if status is not None and status.pid == deployment.pid and status.revision >= deployment.revision:
            if status.problem is not None and status.revision == deployment.revision and _is_refusal(status.problem):
                raise InfrastructureError(
                    f"{deployment.name} still serves what it did before: {status.problem}.",
                    hint=f"Go back with: jupyter mlops deploy rollback {deployment.name}",
                )
            return status
        if is_alive(deployment) is False:
            raise InfrastructureError(
                f"The server of {deployment.name} has ended.",
                hint=f"Its last words are in {folder / 'server.log'}. Deploying again starts it.",
            )
        time.sleep(_PAUSE)
    raise InfrastructureError(
        f"The server of {deployment.name} did not go over within {seconds:g} seconds.",
        hint=f"See {folder / 'server.log'}",
    )


def stop(deployment: Deployment) -> bool:
    """End the server of a deployment, requests that are being answered first; tell whether it ran.

    Raises:
        InfrastructureError: It runs on another machine, or does not end.
    """
    import psutil

    alive = is_alive(deployment)
    if alive is None:
        raise InfrastructureError(
            f"The server of {deployment.name} runs on {deployment.host}, not on this machine.",
            hint="Stop it there.",
        )
    if not alive or deployment.pid is None:
        return False
    try:
        process = psutil.Process(deployment.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOPPING)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(5)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error as error:
        raise InfrastructureError(f"The server of {deployment.name} can't be ended: {error}.") from error
    return True


def _started_at(pid: int, started: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        # A process that has ended and that nobody has waited for counts as gone.
        return bool(abs(process.create_time() - started) < _SAME and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _is_refusal(problem: str) -> bool:
    return "can't be loaded" in problem


def _found(database: Database, name: str) -> Deployment:
    record = database.deployment(name)
    if record is None:
        raise InfrastructureError(f"The deployment {name} was removed while it started.")
    return Deployment.from_record(record)


def _failed(database: Database, name: str, log: Path, what: str) -> InfrastructureError:
    said = _last_lines(log)
    problem = f"The server of {name} {what}"
    database.set_deployment_state(name, "failed", problem=said[-1] if said else problem)
    database.set_deployment_process(name, host=None, pid=None, pid_started=None)
    words = "".join(f"\n{line}" for line in said)
    return InfrastructureError(f"{problem}{':' if said else '.'}{words}", hint=f"All that it said is in {log}.")


def _last_lines(log: Path) -> list[str]:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()][-_LOG_LINES:]


def _environment() -> dict[str, str]:
    """Of this process; the models use one thread each unless told otherwise, so that requests don't fight for them."""
    return {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ}
