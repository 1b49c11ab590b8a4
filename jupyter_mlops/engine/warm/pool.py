"""Templates that are kept, and kernels that wait in each."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from jupyter_mlops.engine.warm.template import NoWarmKernelError, Template
from jupyter_mlops.engine.warm.wish import Wish

__all__ = ["KernelPool"]

_LONGEST = 90 - len("/w10000-5")
"""Of a folder for sockets, whose paths are short on every system."""
_KEPT = 4
_TRIES = 40
_PAUSE_SECONDS = 0.05


class KernelPool:
    """Gives out forked kernels; a context manager, which may live longer than a run.

    Its methods may be called in any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._templates: list[Template] = []
        self._folder: Path | None = None
        self._closed = False

    def __enter__(self) -> KernelPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def prepare(self, wish: Wish, arguments: Callable[[str], list[str]], *, spares: int) -> Template:
        """Have a template made, if there is none of this kind; return at once.

        Args:
            arguments: From a connection file to the arguments of a kernel.
            spares: How many kernels are to wait.

        Raises:
            NoWarmKernelError: There is no place for it.
        """
        with self._lock:
            template = self._suitable(wish)
            if template is None:
                template = Template(wish, self._new_folder(), arguments)
                self._templates.append(template)
                while len(self._templates) > _KEPT:
                    self._templates.pop(0).close()
        template.want(spares)
        return template

    def close(self) -> None:
        """End everything."""
        with self._lock:
            self._closed = True
            templates, self._templates = self._templates, []
        for template in templates:
            template.close()
        if self._folder is not None:
            _remove(self._folder)

    def _suitable(self, wish: Wish) -> Template | None:
        for template in list(self._templates):
            if template.wish.place != wish.place:
                continue
            if template.is_current() and set(wish.imports) <= set(template.wish.imports):
                return template
            self._templates.remove(template)
            template.close()
        return None

    def _new_folder(self) -> Path:
        if self._closed:
            raise NoWarmKernelError("the kernels were ended")
        if self._folder is None:
            self._folder = _short_folder()
        return Path(tempfile.mkdtemp(prefix="t", dir=self._folder))


def _remove(folder: Path) -> None:
    """Remove it, although a kernel that is just beginning may be making its sockets there."""
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_SECONDS)


def _short_folder() -> Path:
    for parent in (tempfile.gettempdir(), "/tmp"):
        if len(parent) + len("/mlops-xxxxxxxx/txxxxxxxx") <= _LONGEST and Path(parent).is_dir():
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="mlops-", dir=parent))  # only its owner may enter
    raise NoWarmKernelError("no folder for sockets has a path that is short enough")
