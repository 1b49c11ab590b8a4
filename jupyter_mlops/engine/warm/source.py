"""Where the kernels of a run come from: forked ones as far as that is safe, fresh ones otherwise."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.engine.kernels import kernel_environment
from jupyter_mlops.engine.request import RunRequest
from jupyter_mlops.engine.warm.pool import KernelPool
from jupyter_mlops.engine.warm.process import WarmProcess
from jupyter_mlops.engine.warm.template import NoWarmKernelError, Template
from jupyter_mlops.engine.warm.wish import (
    QUIET,
    Wish,
    heavy_imports,
    launch_arguments,
    resolved,
    sets_environment,
    unsuitable,
)
from jupyter_mlops.pipeline.model import Step

__all__ = ["WarmKernels", "WarmStart"]

_PATIENCE = 60.0


@dataclass(frozen=True)
class WarmStart:
    """How a step's kernel is started, if there is a forked one.

    Args:
        template: Where it comes from; None if it has to be a fresh one.
        reason: Why it has to be.
    """

    template: Template | None = None
    reason: str | None = None

    def take(self, stanza: Mapping[str, str], cwd: Path, log: int, stopped: Callable[[], bool]) -> WarmProcess:
        """Let a kernel begin.

        Args:
            stanza: The environment stanza of its kernelspec.
            log: Descriptor of the file for what its process prints on its own.
            stopped: Whether to give up waiting.

        Raises:
            NoWarmKernelError: There is none, for the reason that is the message.
        """
        if self.template is None:
            raise NoWarmKernelError(self.reason or "")
        environment = {**resolved(stanza), "JPY_PARENT_PID": str(os.getpid())}  # as jupyter_client
        return self.template.take(environment, cwd, (log, log), seconds=_PATIENCE, stopped=stopped)


class WarmKernels:
    """The forked kernels of a run.

    Args:
        pool: Where they are kept; None for none.
        sources: All code of a step, as far as it can be read, with the project's own modules that it imports.
    """

    def __init__(self, request: RunRequest, pool: KernelPool | None, sources: Callable[[Step], Sequence[ast.AST]]):
        self._request = request
        self._pool = pool
        self._sources = sources
        self._template: Template | None = None
        self._reason = "it was asked for" if pool is None else unsuitable(request.kernel)
        if self._reason is None and request.instruments is not None:
            self._reason = "the run is observed"

    def begin(self, bundle: Path, steps: Sequence[Step], folders: Sequence[str]) -> None:
        """Have a template made for the steps that are to run; return at once.

        Args:
            bundle: The runtime, for the module path.
            folders: What the notebook puts on the module path.
        """
        suited = [step for step in steps if self._refusal(step) is None]
        if self._pool is None or self._reason is not None or not suited:
            return
        request = self._request
        command = request.kernel.interpreter
        assert command is not None
        stanza = kernel_environment(request.kernel, bundle=bundle, context=None, settings=self._settings(suited[0]))
        imports = heavy_imports(tree for step in suited for tree in self._sources(step))
        places = tuple(request.cwd / folder for folder in folders)
        wish = Wish(command, resolved(stanza), request.cwd, tuple(imports), places)
        try:
            self._template = self._pool.prepare(wish, self._arguments, spares=min(request.workers, len(suited)))
        except (NoWarmKernelError, OSError) as error:
            self._reason = str(error)

    def of_step(self, step: Step) -> WarmStart:
        """Say how a step's kernel is to be started."""
        reason = self._refusal(step)
        return WarmStart(self._template if reason is None else None, reason)

    def expect(self, steps: int) -> None:
        """Take notice that at most so many steps will still begin."""
        if self._template is not None:
            self._template.want(min(self._request.workers, steps))

    def _refusal(self, step: Step) -> str | None:
        if self._reason is not None:
            return self._reason
        if self._settings(step) != dict(self._request.notebook.defaults.env):
            return "the step has environment variables of its own"
        if any(self._loads_environment(name) for name in step.loads) or sets_environment(self._sources(step)):
            return "the step may set environment variables before it imports libraries"
        return None

    def _loads_environment(self, artifact: str) -> bool:
        item = self._request.pipeline.artifact(artifact)
        return item.kind == "state" and item.names == ("env",)

    def _settings(self, step: Step) -> dict[str, str]:
        return self._request.environment_of(step)

    def _arguments(self, connection_file: str) -> list[str]:
        return [*(launch_arguments(self._request.kernel, connection_file) or []), *QUIET]
