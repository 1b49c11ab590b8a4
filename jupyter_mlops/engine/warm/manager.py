"""A kernel manager that anybody can drive, whose kernels are forked where that is safe."""

from __future__ import annotations

import ast
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

from jupyter_mlops.engine.bundle import install_bundle
from jupyter_mlops.engine.kernels import Kernel, kernel_environment, kernel_of
from jupyter_mlops.engine.warm.pool import KernelPool
from jupyter_mlops.engine.warm.process import WarmProcess
from jupyter_mlops.engine.warm.provisioner import adopt
from jupyter_mlops.engine.warm.template import NoWarmKernelError
from jupyter_mlops.engine.warm.wish import (
    QUIET,
    Wish,
    heavy_imports,
    launch_arguments,
    resolved,
    sets_environment,
    unsuitable,
)

__all__ = ["WarmKernelManager", "warm_manager"]

_START_SECONDS = 60.0
_log = logging.getLogger(__name__)


class WarmKernelManager(AsyncKernelManager):
    """Starts a forked kernel; a fresh one where there is none, and says in the log why.

    ``pool`` is where forked kernels come from, ``code`` what the kernel is going to execute, as far as it is known.
    """

    pool: KernelPool
    code: Sequence[ast.AST] = ()

    async def _async_pre_start_kernel(self, **kwargs: Any) -> tuple[list[str], dict[str, Any]]:
        if self.provisioner is None:
            try:
                adopt(self, self._forked(kwargs))
            except NoWarmKernelError as error:
                _log.info("The kernel is a fresh one: %s.", error)
        return await super()._async_pre_start_kernel(**kwargs)

    pre_start_kernel = _async_pre_start_kernel

    def _forked(self, options: Mapping[str, Any]) -> WarmProcess:
        kernel = kernel_of(self.kernel_name, self.kernel_spec)
        reason = unsuitable(kernel)
        if reason is None and sets_environment(self.code):
            reason = "the code may set environment variables before it imports libraries"
        command = kernel.interpreter
        if reason is not None or command is None:
            raise NoWarmKernelError(reason or "")
        bundle = install_bundle(_runtime_folder(), with_cloudpickle=False)
        stanza = kernel_environment(kernel, bundle=bundle, context=None, settings={}, seed=None)
        cwd = Path(options.get("cwd") or Path.cwd()).absolute()
        wish = Wish(command, resolved(stanza), cwd, tuple(heavy_imports(self.code)))
        template = self.pool.prepare(wish, _arguments(kernel), spares=1)
        environment = {**resolved(kernel.env, options.get("env")), "JPY_PARENT_PID": str(os.getpid())}
        streams = (_descriptor(options.get("stdout"), 1), _descriptor(options.get("stderr"), 2))
        return template.take(environment, cwd, streams, seconds=_START_SECONDS, stopped=lambda: False)


def warm_manager(pool: KernelPool, code: Sequence[ast.AST]) -> type[WarmKernelManager]:
    """Make a class of kernel managers, since nbclient makes the manager itself."""

    class Manager(WarmKernelManager):
        pass

    Manager.pool, Manager.code = pool, code
    return Manager


def _arguments(kernel: Kernel) -> Callable[[str], list[str]]:
    return lambda connection_file: [*(launch_arguments(kernel, connection_file) or []), *QUIET]


def _descriptor(stream: Any, default: int) -> int:
    if stream is None:
        return default
    return int(stream if isinstance(stream, int) else stream.fileno())


def _runtime_folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path("~/.cache").expanduser()) / "jupyter-mlops" / "runtime"
