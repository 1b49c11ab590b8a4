"""A step of a run in a live process: everything as it was when the step began."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.pipeline.model import Snippet, Step
from jupyter_mlops.runtime.context import Context, Load
from jupyter_mlops.runtime.errors import HandoverError
from jupyter_mlops.steps.notebook import replay_source
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import ArtifactRecord, FailureRecord
from jupyter_mlops.tracking.locating import ABSENT, find_step
from jupyter_mlops.tracking.same import holds_code, holds_content
from jupyter_mlops.tracking.values import RunReader, bindings

__all__ = ["LiveStep", "Restored", "run_of"]

Bound = tuple[ArtifactRecord, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put into a process.

    Args:
        step: Name of the step, and ``status`` how it ended in the run.
        inputs: Variables that earlier steps made.
        code: Imports, functions and the like that the step replays.
        states: Hidden state, such as ``rng:numpy``.
        files: Files that were put into place.
        files_left: Files that the step got, and that were left as they are here.
        failure: Why it failed in the run, if it did.
        cell: Number on the page of the cell that failed, counted from 1.
    """

    run_id: str
    step: str
    status: str
    inputs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    files_left: tuple[str, ...] = ()
    failure: FailureRecord | None = None
    cell: int | None = None


def run_of(database: Database, notebook: str | os.PathLike[str] | None) -> str:
    """Return the id of the last run of a notebook; of the last run at all where no notebook is named.

    Raises:
        UsageError: There is none.
    """
    if notebook is None:
        return database.run_id("latest")
    path = Path(notebook)
    found = database.latest_run_of([str(path), str(path.absolute()), str(path.resolve())])
    if found is None:
        raise UsageError(
            f"There is no run of {printable(str(notebook))} on record.",
            hint="Run it (`%mlops run`), or name a run with --run: the last of all is `latest`.",
        )
    return found


class LiveStep:
    """A step of a run, to be restored.

    Args:
        reader: Reads the run.
        name: Of the step.

    Raises:
        UsageError: The run has no such step, or kept no notebook.
    """

    def __init__(self, reader: RunReader, name: str) -> None:
        self._reader = reader
        self._record = find_step(reader.database, reader.run.run_id, name)
        page = reader.recorded
        step = None if page is None else next((s for s in page.pipeline.steps if s.slug == self._record.slug), None)
        if page is None or step is None:
            raise UsageError(f"The run {reader.run.run_id} has not kept the notebook that says what the step needs.")
        self._page = page
        self._step: Step = step

    def restore(
        self,
        namespace: dict[str, Any],
        execute: Callable[[str], None],
        *,
        files: bool,
        force: bool,
        known: dict[str, Any],
    ) -> Restored:
        """Put it all into a namespace.

        Args:
            execute: Runs code of the notebook there.
            files: Whether files are put into place, too.
            force: Whether names that hold something else are overwritten.
            known: Values that may be overwritten; what is restored is added.

        Raises:
            UsageError: An input was never made, a name holds something else, or something can't be restored here.
        """
        bound = bindings(self._reader, self._step.slug)
        values = self._given()
        if not force:
            self._refuse_overwriting(namespace, bound, values, known)
        self._run(self._step.parameters_source, execute)
        namespace.update(values)
        self._run_snippets(self._step.replay, execute)
        self._load(namespace, [(record, names) for record, names in bound if files or record.kind != "file"])
        self._run_snippets(self._step.replay_loaded, execute)
        restored = self._restored(bound, namespace, with_files=files)
        known.update(
            {name: namespace[name] for name in (*restored.inputs, *restored.code, *values) if name in namespace}
        )
        return restored

    def _given(self) -> dict[str, Any]:
        run = self._reader.run
        return {name: run.parameters[name] for name in self._step.parameters if name in run.parameters}

    def _refuse_overwriting(
        self, namespace: Mapping[str, Any], bound: Iterable[Bound], values: Mapping[str, Any], known: Mapping[str, Any]
    ) -> None:
        def is_other(name: str) -> bool:
            return name in namespace and not (name in known and known[name] is namespace[name])

        held = [name for name, value in values.items() if is_other(name) and not _equal(namespace[name], value)]
        for record, names in bound:
            others = [name for name in names if record.kind == "value" and is_other(name)]
            if others and not holds_content(namespace, record, self._reader):
                held += others
        for snippet in (*self._step.replay, *self._step.replay_loaded):
            others = [name for name in snippet.names if is_other(name)]
            held += [name for name in others if not holds_code(namespace[name], name, snippet.source)]
        if held := list(dict.fromkeys(held)):
            what = ", ".join(printable(name) for name in held)
            verb = "holds" if len(held) == 1 else "hold"
            raise UsageError(
                f"{what} {verb} something else here; nothing was loaded.",
                hint="Rename what you want to keep, or overwrite it with --force.",
            )

    def _run_snippets(self, snippets: Iterable[Snippet], execute: Callable[[str], None]) -> None:
        snippets = tuple(snippets)
        if snippets:
            self._run(replay_source(snippets)[0], execute)

    def _run(self, source: str, execute: Callable[[str], None]) -> None:
        if not source.strip():
            return
        try:
            execute(source)
        except Exception as error:
            text = " ".join(str(error).split())
            raise UsageError(
                f'Code of earlier cells that step "{printable(self._step.name)}" needs failed here: '
                f"{type(error).__name__}: {text[:300]}"
            ) from error

    def _load(self, namespace: dict[str, Any], bound: Iterable[Bound]) -> None:
        from jupyter_mlops.runtime.step import load

        loads = tuple(self._load_of(record, names) for record, names in bound)
        step, pipeline = self._step, self._page.pipeline
        context = Context(pipeline.name, step.slug, step.name, loads, (), frozenset(), (), Path())
        try:
            load(namespace, context)
        except HandoverError as error:
            raise UsageError(str(error), hint=self._reader.missing_module_hint(error)) from error

    def _load_of(self, record: ArtifactRecord, names: tuple[str, ...]) -> Load:
        target = record.names[0] if record.kind == "file" else None
        path = self._reader.path(record)
        return Load(record.id, record.kind, record.names, names, path, record.serializer or "pickle", target)

    def _restored(self, bound: Iterable[Bound], namespace: Mapping[str, Any], *, with_files: bool) -> Restored:
        bound = list(bound)
        failure = self._record.error
        numbers = {cell.id: cell.index + 1 for cell in self._page.notebook.cells}
        files = tuple(record.names[0] for record, _ in bound if record.kind == "file" and record.serializer != ABSENT)
        code = [name for item in (*self._step.replay, *self._step.replay_loaded) for name in item.names]
        return Restored(
            self._reader.run.run_id,
            self._step.name,
            self._record.status,
            tuple(name for record, names in bound if record.kind == "value" for name in names if name in namespace),
            tuple(self._given()),
            tuple(dict.fromkeys(name for name in code if name in namespace)),
            tuple(record.names[0] for record, _ in bound if record.kind == "state"),
            files if with_files else (),
            () if with_files else files,
            failure,
            numbers.get(failure.cell) if failure is not None and failure.cell is not None else None,
        )


def _equal(here: Any, then: Any) -> bool:
    return type(here) is type(then) and bool(here == then)
