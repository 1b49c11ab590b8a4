"""A process that has imported what kernels need, and forks a kernel whenever it is told to.

``python -m mlops_runtime.template FD`` talks over an inherited Unix socket, one JSON object per packet.

    told      {"do": "prepare", "cwd", "imports", "pools", "threads", "seconds"}     once, first
              {"do": "fork", "number", "argv"} and a socket                a kernel; ``forked`` tells about the socket
              {"do": "retire"}                                             nothing more is asked of it
    answers   {"is": "ready", "tops", "folders"} or {"is": "unsafe", "reason"}
              {"is": "forked", "number", "pid"}, {"is": "spare", "number"}, {"is": "ended", "pid", "status"}

It ends when the other side of the socket is closed.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import importlib.util
import itertools
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .ending import Ending
from .forked import ForkedKernel
from .preload import Preloaded, UnsafeImportError

__all__ = ["main"]

_PACKET = 1 << 20
_LATE = (
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.debugger"),
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.magics.execution"),
    *("IPython.core.magics.ast_mod", "IPython.extensions.storemagic", "IPython.utils.module_paths"),
    *("IPython.utils.timing", "IPython.utils.wildcard", "psutil", "pygments.formatters.terminal256", "stack_data"),
    *("tornado.platform.asyncio", "tornado.queues"),
)
"""What an ipykernel imports until its second cell; the first must be there."""


class Template:
    """The process.

    Args:
        channel: The socket.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._ending = Ending()
        self._preloaded = Preloaded()
        self._children: set[int] = set()
        self._retired = False
        self._numbers = 0

    def serve(self) -> ForkedKernel | None:
        """Do what one is told to; return None at the end, and the kernel in a process that became one."""
        kernel = self._serve()
        self._ending.well = kernel is None
        return kernel

    def _serve(self) -> ForkedKernel | None:
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        while True:
            readable, _, _ = select.select([self._channel.fileno(), woken], [], [])
            if woken in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(woken, 4096)
                self._reap()
            if self._channel.fileno() in readable:
                packet, descriptors, _, _ = socket.recv_fds(self._channel, _PACKET, 1)
                if not packet:
                    return None
                kernel = self._do(json.loads(packet), descriptors, (woken, wake))
                if kernel is not None:
                    return kernel
            if self._retired and not self._children:
                return None

    def _do(self, order: Mapping[str, Any], descriptors: Sequence[int], own: tuple[int, int]) -> ForkedKernel | None:
        if order["do"] == "prepare":
            try:
                with _ended_by_news(self._channel):
                    ready = self._prepare(order)
                self._say(ready)
            except UnsafeImportError as error:
                self._say({"is": "unsafe", "reason": str(error)})
        elif order["do"] == "fork":
            return self._fork(order, descriptors[0], own)
        elif order["do"] == "retire":
            self._retired = True
        return None

    def _say(self, answer: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more: the next turn notices
            self._channel.send(json.dumps(answer).encode())

    def _prepare(self, order: Mapping[str, Any]) -> dict[str, Any]:
        gc.disable()  # nearly all that imports make stays
        try:
            self._import(order)
        finally:
            gc.enable()
        probe = self._check_threads(order)
        self._preloaded.hide()
        self._ending.note(self._preloaded.names)
        gc.freeze()  # a child's collector leaves alone, and unshared, what the template has
        probe.wait()
        return {"is": "ready", "tops": self._preloaded.tops, "folders": _folders()}

    def _import(self, order: Mapping[str, Any]) -> None:
        first, *late = _LATE
        if hasattr(threading, "_counter"):
            threading._counter = itertools.count(1).__next__
        try:
            importlib.import_module(first)
        except Exception as error:
            raise UnsafeImportError(f"ipykernel can't be imported ({type(error).__name__}: {error})") from None
        for name in late:
            with contextlib.suppress(Exception):  # of another version
                importlib.import_module(name)
        if hasattr(threading, "_counter"):
            self._numbers = threading._counter() - 1
        # As in a kernel, where matplotlib is imported after this was set.
        backend = os.environ.get("MPLBACKEND")
        os.environ["MPLBACKEND"] = backend or "module://matplotlib_inline.backend_inline"
        os.chdir(order["cwd"])
        printed = _printed()
        self._preloaded.load([*_own_imports(), *order["imports"]])
        if backend is None:
            del os.environ["MPLBACKEND"]
        if _printed() > printed:
            raise UnsafeImportError("imported modules print something")

    def _check_threads(self, order: Mapping[str, Any]) -> _Probe:
        """Make sure that a child is not left with locks of threads that it does not have.

        Returns:
            A child that computes; it has to end well.

        Raises:
            UnsafeImportError: There are threads nobody knows, or a child does not answer.
        """
        if threading.active_count() > 1:
            raise UnsafeImportError("imported modules have started threads")
        threads = set(order["threads"])
        if _threads() - threads:
            maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
            if not any(pool in maps for pool in order["pools"]):
                raise UnsafeImportError("imported modules have started threads of a kind that was not tested")
        probe = _Probe(order["seconds"])
        if left := _threads() - threads:
            probe.wait()
            raise UnsafeImportError(f"imported modules keep threads that do not end before a fork ({', '.join(left)})")
        return probe

    def _fork(self, order: Mapping[str, Any], lifeline: int, own: tuple[int, int]) -> ForkedKernel | None:
        pid = os.fork()
        if pid:
            os.close(lifeline)
            self._children.add(pid)
            self._say({"is": "forked", "number": order["number"], "pid": pid})
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in own:
            os.close(descriptor)
        number = order["number"]

        def ready() -> None:
            self._say({"is": "spare", "number": number})
            self._channel.close()

        return ForkedKernel(
            socket.socket(fileno=lifeline), order["argv"], self._preloaded, ready, self._ending, self._numbers
        )

    def _reap(self) -> None:
        for pid in list(self._children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._children.discard(pid)
                code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                self._say({"is": "ended", "pid": pid, "status": code})


@contextlib.contextmanager
def _ended_by_news(channel: socket.socket) -> Iterator[None]:
    """Have the system end this process as soon as the socket is closed or one is told to retire.

    Imports may take for ever, and then nobody would look at the socket.
    """
    flags = fcntl.fcntl(channel, fcntl.F_GETFL)
    fcntl.fcntl(channel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(channel, fcntl.F_SETFL, flags | os.O_ASYNC)  # SIGIO, which ends a process
    try:
        if select.select([channel], [], [], 0)[0]:  # it came before
            os._exit(0)
        yield
    finally:
        fcntl.fcntl(channel, fcntl.F_SETFL, flags)


def _own_imports() -> list[str]:
    """What loading and saving imports; hidden like the rest."""
    if importlib.util.find_spec("cloudpickle") is None:
        return []
    return [f"import {__package__}.step", f"import {__package__}.container", "import blake3"]


def _printed() -> int:
    """How much was printed so far: standard output and standard error are one file."""
    sys.stdout.flush()
    sys.stderr.flush()
    return os.fstat(1).st_size


def _threads() -> set[str]:
    """Names of this process's threads besides the main one."""
    found = set()
    for thread in os.listdir("/proc/self/task"):  # noqa: PTH208
        if int(thread) != os.getpid():
            with contextlib.suppress(OSError):
                found.add(Path(f"/proc/self/task/{thread}/comm").read_text(encoding="utf-8").strip())
    return found


class _Probe:
    """Lets a child compute something with the thread pools.

    Args:
        seconds: How long it may take.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._pid = os.fork()
        if not self._pid:
            try:
                signal.alarm(int(seconds) + 1)  # in case that its parent is ended meanwhile
                _compute(sys.modules)
                os._exit(0)
            finally:
                os._exit(1)

    def wait(self) -> None:
        """Wait for its end.

        Raises:
            UnsafeImportError: It can't compute.
        """
        while time.monotonic() < self._deadline:
            found, status = os.waitpid(self._pid, os.WNOHANG)
            if found:
                if status:
                    raise UnsafeImportError("a forked process can't compute with the imported modules")
                return
            time.sleep(0.002)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        raise UnsafeImportError("a forked process hangs when it computes with the imported modules")


def _compute(modules: Mapping[str, Any]) -> None:
    numpy, linear, arrow = (modules.get(name) for name in ("numpy", "scipy.linalg", "pyarrow"))
    if arrow is not None:
        arrow.array(range(10_000)).cast(arrow.float64()).to_pylist()
    if numpy is None:
        return
    square = numpy.ones((200, 200)) + numpy.eye(200)
    product = square @ square
    if linear is not None:
        linear.solve(square, product)


def _folders() -> dict[str, int]:
    """Return where modules were found, and when something was installed there last."""
    found = {}
    own = str(Path(__file__).parent.parent)  # touched by each run, and made anew where its content changes
    for name in sys.path:
        with contextlib.suppress(OSError):
            if name and name != own:
                found[name] = Path(name).stat().st_mtime_ns
    return found


def main() -> Callable[[], None] | None:
    """Serve; return what a forked process has to do."""
    del sys.path[0]  # the folder it was started in
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    kernel = Template(channel).serve()
    return None if kernel is None else kernel.run


if __name__ == "__main__":
    _run = main()
    if _run is not None:
        _run()
