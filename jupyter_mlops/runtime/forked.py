"""A kernel in a process that was forked from a template: waits until it is needed, then serves."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from .ending import Ending
from .preload import Preloaded

__all__ = ["ForkedKernel"]


class ForkedKernel:
    """The kernel.

    Args:
        lifeline: Socket to who wants the kernel. First comes a byte with the descriptors of standard output and
            standard error, then a line of JSON: ``{"env": ..., "cwd": ...}``. The kernel ends when it is closed.
        argv: Arguments of the kernel's application.
        preloaded: What was imported before.
        ready: Called when the kernel waits.
        ending: How the process ends.
        numbers: How many threads were made, and numbered, by modules that a fresh kernel imports, too.
    """

    begun: ClassVar[Mapping[str, str] | None] = None
    """The environment that this process was given when it became a kernel; None in a process that was not forked."""

    def __init__(
        self,
        lifeline: socket.socket,
        argv: Sequence[str],
        preloaded: Preloaded,
        ready: Callable[[], None],
        ending: Ending,
        numbers: int = 0,
    ) -> None:
        self._lifeline = lifeline
        self._argv = list(argv)
        self._preloaded = preloaded
        self._ready = ready
        self._ending = ending
        self._numbers = numbers

    def run(self) -> None:
        """Serve until the kernel is shut down."""
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._lifeline.set_inheritable(False)
        # First of all, as ipykernel makes the thread that watches its parent: threads are numbered.
        if hasattr(threading, "_counter"):
            threading._counter = itertools.count(1).__next__
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.name = watcher.name.partition(" ")[0]  # ipykernel's has no function in its name
        app, descriptors, made = self._start()
        for _ in range(self._numbers):
            threading.Thread()
        self._ready()
        stdout, stderr, order = self._wait()
        try:
            os.chdir(order["cwd"])
        except OSError as error:
            self._lifeline.sendall(f"{error}\n".encode())
            os._exit(1)
        ForkedKernel.begun = order["env"]
        os.environ.clear()
        os.environ.update(order["env"])
        os.environ.update(made)
        for descriptor, target in zip(descriptors, (stdout, stderr)):  # noqa: B905 (Python 3.9)
            for place in descriptor:
                os.dup2(target, place, inheritable=place < 3)
        os.close(stdout)
        os.close(stderr)
        _note_directory(order["cwd"])
        _forget_runtime(order["env"])
        self._lifeline.sendall(b"started\n")
        watcher.start()
        app.start()
        self._ending.well = True

    def _start(self) -> tuple[Any, list[list[int]], dict[str, str]]:
        """Make the application; return it, descriptors of its log, and the variables it has set."""
        from ipykernel.kernelapp import IPKernelApp

        logs = [_blank(1), _blank(2)]
        self._preloaded.seed()
        launcher = _launcher()
        sys.argv = [launcher, *self._argv]
        if hasattr(sys, "orig_argv"):
            command = sys.orig_argv[: sys.orig_argv.index("-m")]
            sys.orig_argv = [*command, "-m", "ipykernel_launcher", *self._argv]
        app: Any = IPKernelApp.instance()
        app.parent_handle = 1  # its parent, the template, is not the one to watch
        app.initialize()
        if "__mp_main__" in sys.modules:
            sys.modules["__mp_main__"] = sys.modules["__main__"]
        made = {name: value for name, value in os.environ.items() if self._preloaded.environ.get(name) != value}
        for proxy, stream in zip(self._preloaded.streams, (sys.stdout, sys.stderr)):  # noqa: B905
            proxy.target = stream
        return app, [_same(log) for log in logs], made

    def _wait(self) -> tuple[int, int, Mapping[str, Any]]:
        byte, descriptors, _, _ = socket.recv_fds(self._lifeline, 1, 2)
        if not byte:
            os._exit(0)  # it is not needed
        line = b""
        while not line.endswith(b"\n"):
            more = self._lifeline.recv(1 << 16)
            if not more:
                os._exit(0)
            line += more
        stdout, stderr = descriptors
        return stdout, stderr, json.loads(line)

    def _watch(self) -> None:
        try:
            while self._lifeline.recv(16):
                pass
        finally:
            os._exit(1)  # as ipykernel does when its parent is gone


def _blank(descriptor: int) -> tuple[int, int]:
    """Put an empty file in the place of a stream, so that all duplicates can be found later."""
    file = os.memfd_create("log")
    os.dup2(file, descriptor)
    os.close(file)
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _same(file: tuple[int, int]) -> list[int]:
    found = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            status = os.fstat(int(name))
        except OSError:
            continue
        if (status.st_dev, status.st_ino) == file:
            found.append(int(name))
    return found


def _note_directory(folder: str) -> None:
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.ORIGINAL_DIR = folder


def _forget_runtime(environment: Mapping[str, str]) -> None:
    """Take this package off the module path, if only the template needed it."""
    folder = str(Path(__file__).parent.parent)
    if folder not in environment.get("PYTHONPATH", "").split(os.pathsep) and folder in sys.path:
        sys.path.remove(folder)


def _launcher() -> str:
    import importlib.util

    spec = importlib.util.find_spec("ipykernel_launcher")
    return (spec.origin if spec else None) or "ipykernel_launcher.py"
