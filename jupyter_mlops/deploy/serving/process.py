"""Runs a server: sockets, worker processes, signals."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from jupyter_mlops.deploy.serving.app import Server
from jupyter_mlops.deploy.serving.metrics import MULTIPROCESS
from jupyter_mlops.deploy.serving.settings import Settings
from jupyter_mlops.errors import InfrastructureError, UsageError

__all__ = ["CONFIGURATION", "configuration", "serve"]

CONFIGURATION = "JUPYTER_MLOPS_SERVE"
"""How worker processes are told what to serve; the token stands in a file of the owner's alone, not here."""


def serve(
    settings: Settings,
    make: Callable[[], Server],
    factory: str,
    what: Mapping[str, Any],
    *,
    started: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until a signal ends it; requests that are being answered end well.

    Args:
        make: Makes the server of this process.
        factory: Makes that of a worker process, as ``module:function``.
        what: That it reads from the environment (``CONFIGURATION``).
        started: Is called with the address when the port is taken.

    Raises:
        UsageError: The port is taken, or what is asked for can't be served.
    """
    with _bound(settings) as sock:
        scheme = "https" if settings.certificate else "http"
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        started(f"{scheme}://{host}:{sock.getsockname()[1]}")
        if settings.workers == 1:
            _one(settings, make(), sock)
        else:
            _several(settings, factory, what, sock)


def configuration() -> Mapping[str, Any]:
    """Return what a worker process is to serve."""
    found = json.loads(Path(os.environ[CONFIGURATION]).read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def _one(settings: Settings, server: Server, sock: socket.socket) -> None:
    running = uvicorn.Server(uvicorn.Config(server, lifespan="on", **_options(settings)))
    running.run(sockets=[sock])
    if not running.started:
        raise InfrastructureError("The server did not start.", hint="What went wrong stands above.")


def _several(settings: Settings, factory: str, what: Mapping[str, Any], sock: socket.socket) -> None:
    """Let worker processes share the socket; one that dies is replaced."""
    with tempfile.TemporaryDirectory(prefix="mlops-serve-") as folder:
        path = Path(folder, "serve.json")
        path.touch(0o600)
        path.write_text(json.dumps(what), "utf-8")
        numbers = Path(folder, "metrics")
        numbers.mkdir()
        os.environ[CONFIGURATION], os.environ[MULTIPROCESS] = str(path), str(numbers)
        try:
            uvicorn.run(
                factory,
                factory=True,
                lifespan="on",
                workers=settings.workers,
                fd=sock.fileno(),
                **_options(settings),
            )
        finally:
            del os.environ[CONFIGURATION], os.environ[MULTIPROCESS]


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": max(1, round(settings.drain)),
        "timeout_keep_alive": 30,
        "ssl_certfile": settings.certificate,
        "ssl_keyfile": settings.private_key,
    }


@contextlib.contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((settings.host, settings.port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"{settings.host}:{settings.port} can't be listened on: {getattr(error, 'strerror', None) or error}.",
                hint="Name another port with --port; 0 takes a free one.",
            ) from error
        sock.listen(2048)  # whoever comes before all is loaded waits, and is not refused
        sock.set_inheritable(True)
        yield sock
