"""Papermill's engine and client, with a kernel manager of our own and an eye on every cell.

Imports papermill: imported on first use only.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from jupyter_mlops.engine.capture import Capture, shortened
from jupyter_mlops.engine.events import CellFinished, CellStarted, StepOutput
from jupyter_mlops.engine.kernelclient import StepKernelManager
from jupyter_mlops.engine.kernels import kernel_specs
from jupyter_mlops.engine.processes import KernelProcess
from jupyter_mlops.engine.redactor import Redactor
from jupyter_mlops.engine.session import Launch, StepSession
from jupyter_mlops.engine.steplog import StepLog
from jupyter_mlops.engine.streams import Streams
from jupyter_mlops.engine.warm.provisioner import adopt
from jupyter_mlops.engine.warm.template import NoWarmKernelError
from jupyter_mlops.steps.cells import role_of

__all__ = ["ENGINE", "Attempt", "CellError", "StepEngine", "register_engine"]

ENGINE = "jupyter-mlops-step"
"""Name of the engine in papermill's registry."""

_START_SECONDS = 120
_OUTPUT_SECONDS = 60
"""How long outputs may lag behind the end of a cell on a busy machine."""

_LAST_WORDS = """\
def __mlops__():
    import os, sys
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "flush_timeout"):
            stream.flush = lambda: None
    kernel = getattr(get_ipython(), "kernel", None)
    if os.name == "posix" and hasattr(kernel, "_process_children"):
        kernel._process_children = list
__mlops__()
"""
"""Executed last of all, so that ipykernel ends at once and the user's ``atexit`` functions run.

Otherwise a flush in one of its threads may wait for one that has ended, and it waits for child processes that nobody
collects (joblib's workers, too), until the kernel is killed seconds later. Child processes are ended by the session."""

_OUTPUTS = frozenset({"stream", "display_data", "execute_result", "error"})
_BREAKS = frozenset({"display_data", "execute_result", "error", "clear_output"})
"""Messages that end a text: what follows them stands below."""

_SILENT_ROLES = frozenset({"replay", "load", "save", "probe"})


@dataclass(frozen=True)
class CellError:
    """The error that ended a cell."""

    index: int
    ename: str
    evalue: str
    traceback: tuple[str, ...] = ()


@dataclass
class Attempt:
    """One execution of a step notebook, filled in while it runs.

    Args:
        session: The step's session.
        launch: How the kernel is started.
        transcript: The step's log.
        on_exit: Called when a cell ended the notebook with ``sys.exit()``, before metrics are saved.
        notebook: The notebook being executed, as papermill's node.
        error: What ended it early.
        exited: Whether a cell ended it with ``sys.exit()``.
        ready: Whether the kernel has started.
        returncode: Of a kernel that died, where known.
        path: Where the notebook is kept.
        redactor: Takes secrets out of outputs as they come.
    """

    session: StepSession
    launch: Launch
    transcript: StepLog
    on_exit: Callable[[], None]
    notebook: Any = None
    error: CellError | None = None
    exited: bool = False
    ready: bool = False
    died_at: int | None = None
    returncode: int | None = None
    log: logging.Logger = field(default_factory=lambda: _quiet_logger())
    path: Path = field(default_factory=Path)
    redactor: Redactor = field(default_factory=Redactor)


def register_engine() -> None:
    """Make papermill know the engine, and keep its warnings off the terminal of those who set up no logging."""
    papermill_engines.register(ENGINE, StepEngine)
    papermill_logger = logging.getLogger("papermill")
    if not papermill_logger.handlers:
        papermill_logger.addHandler(logging.NullHandler())


class StepEngine(NBClientEngine):
    """Runs a step notebook and reports each cell to the step's session."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, attempt: Attempt, **kwargs: Any) -> Any:
        """Execute the notebook that papermill has prepared."""
        attempt.notebook = nb_man.nb
        nb_man.nb.metadata.papermill.update(input_path=str(attempt.path), output_path=str(attempt.path))
        attempt.session.check()
        launch = attempt.launch
        with launch.log.open("ab") as log:  # appended to, so that it can be shortened meanwhile
            client = StepClient(
                nb_man,
                km=_kernel_manager(attempt, log.fileno()),
                attempt=attempt,
                kernel_name=kernel_name,
                startup_timeout=math.ceil(launch.patience.start or _START_SECONDS),
                timeout_func=_cell_timeout(attempt),
                iopub_timeout=_OUTPUT_SECONDS,
                log=attempt.log,
            )
            if any("ipykernel" in argument for argument in client.km.kernel_spec.argv):
                # Kernels that run side by side must not wait for each other's history file.
                client.extra_arguments = ["--HistoryManager.hist_file=:memory:"]
            return client.execute(cleanup_kc=True, cwd=str(launch.cwd), stdout=log, stderr=log)


class StepClient(PapermillNotebookClient):
    """Executes the cells of a step notebook."""

    def __init__(self, nb_man: Any, *, km: AsyncKernelManager, attempt: Attempt, **kwargs: Any) -> None:
        super().__init__(nb_man, km=km, **kwargs)
        self._attempt = attempt
        self._session = attempt.session
        self._capture = Capture()
        self._streams = Streams(attempt.redactor)
        self._latest: dict[str, dict[str, Any]] = {}

    def start_new_kernel(self, **kwargs: Any) -> None:
        """Start the kernel and hand its process to the session."""
        self._session.check()
        super().start_new_kernel(**kwargs)
        process = getattr(self.km.provisioner, "process", None)
        if process is not None:
            self._session.attach(KernelProcess(process))

    def papermill_execute_cells(self) -> None:
        """Execute the cells in order until one fails."""
        self._attempt.ready = True
        self.kc.iopub_channel.room = lambda: self._capture.room
        own = set(self._session.cells)
        count = sum(cell.get("id") in own for cell in self.nb.cells)
        done = 0
        for index, cell in enumerate(self.nb.cells):
            if cell.get("id") not in own:
                proceeds = self._run(index)
            else:
                done += 1
                started = time.monotonic()
                self._session.emit(CellStarted(self._session.slug, cell.id, done, count))
                proceeds = self._run(index)
                seconds = time.monotonic() - started
                self._session.emit(CellFinished(self._session.slug, cell.id, done, count, seconds))
            if not proceeds:
                break
        if self._attempt.exited:
            self._save_after_exit()
        self._session.measure()
        self.kc.execute(_LAST_WORDS, silent=True, store_history=False)

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Take one message of the kernel's: every output of a step passes through here, and is kept within limits."""
        if msg["msg_type"] in _BREAKS:
            self._release(cell, cell_index)
        if not self._is_kept(msg):
            return None
        output = super().process_message(msg, cell, cell_index)
        if output is not None and output.get("output_type") == "stream":
            self._print(output["name"], output["text"])
        elif output is not None and output.get("output_type") == "error":
            self._attempt.transcript.note("\n".join(output["traceback"]))
        return output

    def _is_kept(self, msg: dict[str, Any]) -> bool:
        """Cut a message to what is kept of it; tell whether that is anything."""
        kind, content, capture = msg["msg_type"], msg["content"], self._capture
        if kind in _OUTPUTS and kind != "stream":
            self._attempt.redactor.output(content)
        if kind == "clear_output" and not content.get("wait"):
            capture.clear()
        if kind in _OUTPUTS and self.clear_before_next_output:
            capture.clear()
        if kind == "stream":
            if not capture.room:  # of what still comes the last is kept, and looked through at the end
                waited, missing = (
                    self._streams.raw(content["name"]),
                    (content.pop("left_out", 0), content.pop("end", "")),
                )
                capture.text(content["name"], waited + content["text"], *missing)
                return False
            missing = content.pop("left_out", 0), self._attempt.redactor.text(content.pop("end", ""))
            self._latest[content["name"]] = msg
            text = self._streams.add(content["name"], content["text"])
            if missing[0]:
                text += self._streams.cut(content["name"])
            content["text"] = capture.text(content["name"], text, *missing) if text or missing[0] else ""
            return bool(content["text"])
        if kind == "update_display_data":
            self._attempt.redactor.output(content)
            content["data"] = capture.update(content["data"])
        elif kind in _OUTPUTS and kind != "error":
            content["data"] = capture.data(content["data"])
            return content["data"] is not None
        return True

    def _release(self, cell: Any, cell_index: int) -> None:
        """Let go what waited because it could have been the beginning of a secret."""
        for stream, text in self._streams.rest().items():
            kept = self._capture.text(stream, text)
            if not kept:
                continue
            latest = self._latest[stream]
            content = {**latest["content"], "text": kept}
            output = super().process_message({**latest, "content": content}, cell, cell_index)
            if output is None:
                continue
            self._print(output["name"], kept)
            outputs = cell.outputs
            if len(outputs) > 1 and outputs[-1] is output and outputs[-2].get("name") == stream:
                outputs[-2]["text"] += outputs.pop()["text"]

    def _finish_outputs(self, cell: Any, index: int) -> None:
        """Add the end of what a cell printed, where it waited, and where not all of it is kept."""
        self._release(cell, index)
        rest = self._capture.end()
        if rest is not None:
            rest = self._attempt.redactor.text(rest)
            place = len(cell.outputs)
            if place and cell.outputs[-1].output_type == "error":
                place -= 1
            cell.outputs.insert(place, new_output("stream", name="stdout", text=rest))
            self._print("stdout", rest)
        self._attempt.transcript.flush()

    def _print(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        self._attempt.transcript.write(stream, text)
        self._session.emit(StepOutput(self._session.slug, stream, text))

    def _run(self, index: int) -> bool:
        """Execute one cell as papermill does; tell whether the next may follow."""
        cell = self.nb.cells[index]
        self._capture.begin()
        try:
            self.nb_man.cell_start(cell, index)
            # Cells of ours leave no trace in In, Out and the numbering of the user's cells.
            self.execute_cell(cell, index, store_history=role_of(cell) not in _SILENT_ROLES)
        except CellExecutionError as error:
            self.nb_man.cell_exception(cell, cell_index=index, exception=error)
            self._note(index, error)
            return False
        except BaseException as error:
            self.nb_man.cell_exception(cell, cell_index=index, exception=error)
            self._attempt.died_at = index
            if isinstance(error, DeadKernelError):
                process = getattr(self.km.provisioner, "process", None)
                if process is not None:
                    process.poll()
                    self._attempt.returncode = process.returncode
            raise
        finally:
            self._finish_outputs(cell, index)
            self.nb_man.cell_complete(cell, cell_index=index)
        # A cell may end well although it was interrupted: a program that it called was.
        return self._session.stop_reason is None

    def _note(self, index: int, error: CellExecutionError) -> None:
        if error.ename == "SystemExit" and error.evalue in ("", "0"):
            self._attempt.exited = True
            return
        outputs = [item for item in self.nb.cells[index].get("outputs", []) if item.output_type == "error"]
        traceback = tuple(outputs[-1].traceback) if outputs else ()
        ename, evalue = error.ename, self._attempt.redactor.text(error.evalue)
        if ename == "NoneType" and outputs:
            # Showing the last value failed, not the code: the kernel reports an error without saying which.
            ename, evalue = outputs[-1].ename, outputs[-1].evalue
        self._attempt.error = CellError(index, ename, shortened(evalue), tuple(map(shortened, traceback)))

    def _save_after_exit(self) -> None:
        """Keep the metrics of a step that ended itself; later steps don't run, so nothing else is needed."""
        for index, cell in enumerate(self.nb.cells):
            if role_of(cell) == "save":
                self._attempt.on_exit()
                try:
                    self.execute_cell(cell, index, store_history=False)
                except CellExecutionError:
                    cell.outputs = []  # a metric that was never reached


def _cell_timeout(attempt: Attempt) -> Callable[[Any], float | None]:
    """What a cell of the user's may take; cells of ours take what they take."""
    own, seconds = set(attempt.session.cells), attempt.launch.patience.cell
    return lambda cell: seconds if cell.get("id") in own else None


def _kernel_manager(attempt: Attempt, log: int) -> AsyncKernelManager:
    launch, session = attempt.launch, attempt.session
    try:
        process = launch.warm.take(launch.environment, launch.cwd, log, lambda: session.stop_reason is not None)
    except NoWarmKernelError as error:
        session.check()
        session.kernel = f"cold: {error}" if str(error) else "cold"
        return _fresh_kernel(launch)
    session.kernel = "warm"
    manager = StepKernelManager(kernel_name=launch.kernel_name, kernel_spec_manager=kernel_specs())
    return adopt(manager, process)


def _fresh_kernel(launch: Launch) -> AsyncKernelManager:
    settings: dict[str, Any] = {"kernel_name": launch.kernel_name, "kernel_spec_manager": kernel_specs()}
    if launch.sockets is not None:
        settings.update(transport="ipc", connection_file=f"{launch.sockets}.json")
    manager = StepKernelManager(**settings)
    spec = manager.kernel_spec
    if spec is not None:  # a copy of this manager's own: the installed kernelspec stays as it is
        spec.env = dict(launch.environment)
    return manager


def _quiet_logger() -> logging.Logger:
    logger = logging.getLogger("jupyter_mlops.kernel")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger
