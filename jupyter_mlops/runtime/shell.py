"""IPython in this process, run as a kernel runs it, without a kernel: no sockets, no second process, a fast start."""

from __future__ import annotations

import asyncio
import builtins
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .outputs import Outputs

__all__ = ["Executed", "Shell"]

_NO_INPUT = "Nobody can type here: a step that runs in a container has no input."


@dataclass(frozen=True)
class Executed:
    """How a cell ended.

    Args:
        error: What it raised; None if it ended well.
        shown: Whether what failed was to show its last value.
    """

    count: int | None
    error: BaseException | None = None
    shown: bool = False


class Shell:
    """Runs cells one after the other in one namespace, in an event loop that never stops, as in a notebook.

    Args:
        outputs: Takes what cells show.
    """

    def __init__(self, outputs: Outputs) -> None:
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        self._outputs = outputs
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._shell = _make_shell(outputs)
        self.code_names: dict[str, Any] = {}
        """What identifies a cell, by the file name that its code has in tracebacks."""
        self._current: Any = None
        cache = self._shell.compile.cache

        def noted(*args: Any, **kwargs: Any) -> str:
            name: str = cache(*args, **kwargs)
            self.code_names[name] = self._current
            return name

        self._shell.compile.cache = noted

    @property
    def namespace(self) -> dict[str, Any]:
        """The user's variables."""
        found: dict[str, Any] = self._shell.user_ns
        return found

    def run(self, source: str, *, cell: Any = None, history: bool = True) -> Executed:
        """Run a cell.

        Args:
            cell: Whatever identifies it, for ``code_names``.
            history: Whether it is one of the user's, which are counted.
        """
        self._current = cell
        return self._loop.run_until_complete(self._run(source, history))

    def close(self) -> None:
        """End what goes on in the background."""
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _run(self, source: str, history: bool) -> Executed:
        shell = self._shell
        problem = None
        try:
            transformed = shell.transform_cell(source)
        except Exception:
            transformed, problem = source, sys.exc_info()
        if shell.should_run_async(source, transformed_cell=transformed, preprocessing_exc_tuple=problem):
            result = None
            try:
                result = await shell.run_cell_async(
                    source, store_history=history, transformed_cell=transformed, preprocessing_exc_tuple=problem
                )
            finally:
                shell.events.trigger("post_execute")
                if result is not None:
                    shell.events.trigger("post_run_cell", result)
        else:
            result = shell.run_cell(source, store_history=history)
        await asyncio.sleep(0)  # tasks that the cell has begun may begin
        if shell.payload_manager is not None:
            shell.payload_manager.clear_payload()
        error = result.error_before_exec or result.error_in_exec
        if error is None and self._outputs.error is not None and shell.show_failed:
            shown, shell.show_failed = shell.show_failed, None
            return Executed(shell.execution_count - 1, shown, True)
        return Executed(shell.execution_count - 1 if history else None, error)


def _make_shell(outputs: Outputs) -> Any:
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from traitlets.config import Config

    base, options = _base_class()

    class Publisher(DisplayPublisher):
        def publish(
            self, data: Any, metadata: Any = None, *_: Any, transient: Any = None, update: bool = False, **__: Any
        ) -> None:
            _flush()
            display = (transient or {}).get("display_id")
            if update:
                outputs.update(data, metadata, display)
            else:
                outputs.data("display_data", data, metadata, None, display)

        def clear_output(self, wait: bool = False) -> None:
            _flush()
            outputs.clear(wait)

    class Hook(DisplayHook):
        topic = None
        msg = None

        def _of_shell(self) -> Any:
            return self.shell

        def start_displayhook(self) -> None:
            self._of_shell().showing = True

        def write_output_prompt(self) -> None:
            return None

        def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
            _flush()
            if format_dict:
                outputs.data("execute_result", format_dict, md_dict, self.prompt_count, None)

        def finish_displayhook(self) -> None:
            self._of_shell().showing = False

    def showtraceback(self: Any, etype: Any, evalue: Any, stb: Any) -> None:
        if self.showing:
            self.show_failed, self.showing = evalue, False
        _flush()
        outputs.fail(str(etype.__name__), str(evalue), stb)
        self._last_traceback = stb

    members = {
        "displayhook_class": Hook,
        "display_pub_class": Publisher,
        "_showtraceback": showtraceback,
        "system": lambda self, command: self.system_piped(command),
        "ask_exit": lambda self: None,
        "enable_gui": lambda self, gui=None: None,
        "showing": False,
        "show_failed": None,
    }
    # libraries look at the name to find out whether they are in a notebook
    cls: Any = type("ZMQInteractiveShell", (base,), {**members, "__module__": "ipykernel.zmqshell"})
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    config.IPKernelApp.component = "jupyter_mlops"
    shell = cls.instance(config=config, **options)
    _forbid_input()
    return shell


def _base_class() -> tuple[Any, dict[str, Any]]:
    """The shell of kernels and what they make it with; IPython's own where there are no kernels."""
    try:
        from ipykernel.compiler import XCachingCompiler
        from ipykernel.zmqshell import ZMQInteractiveShell
    except ImportError:
        from IPython.core.interactiveshell import InteractiveShell

        return InteractiveShell, {}
    return ZMQInteractiveShell, {"compiler_class": XCachingCompiler}


def _flush() -> None:
    """What was printed before comes first."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _forbid_input() -> None:
    import getpass

    from IPython.core.error import StdinNotImplementedError

    def refuse(*_: Any, **__: Any) -> str:
        raise StdinNotImplementedError(_NO_INPUT)

    asking: Callable[..., str] = refuse
    builtins.input = asking
    getpass.getpass = asking
