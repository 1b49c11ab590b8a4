"""Decides whether a step has to run, and says why."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.bundle import runtime_fingerprint
from jupyter_mlops.engine.cachekey import Change, Parts, cache_key, changes, text_of_parts
from jupyter_mlops.engine.claims import claimed, files_of_step
from jupyter_mlops.engine.codeform import CodeCell, code_cells
from jupyter_mlops.engine.codescan import scan
from jupyter_mlops.engine.decision import Decision
from jupyter_mlops.engine.filehashes import FileHashes, UnknownContentError
from jupyter_mlops.engine.inputs import form_of, label_of, modules_of
from jupyter_mlops.engine.interpreter import Interpreter, examine_interpreter
from jupyter_mlops.engine.modules import Modules, find_modules
from jupyter_mlops.engine.place import folder_part, kernel_part, place_part
from jupyter_mlops.engine.reasons import reason_of
from jupyter_mlops.engine.request import RunRequest
from jupyter_mlops.engine.selection import Selection
from jupyter_mlops.engine.sharing import Publication, Sharing
from jupyter_mlops.engine.stepreport import StepReport
from jupyter_mlops.engine.takeover import (
    NOTEBOOK_DIGEST,
    Found,
    Sources,
    UnusableError,
    check_absent,
    find_results,
    restore_files,
    with_outputs_of,
)
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.steps.cells import code_cell
from jupyter_mlops.steps.notebook import step_notebook
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.filelocks import FileLocks
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.objects import ObjectStore, hash_bytes, hash_file
from jupyter_mlops.store.records import ArtifactRecord, StepOutcome

__all__ = ["Reuse"]

OWN = frozenset(["jupyter_mlops"])
"""What steps log with: it does not decide about what they compute, and the runtime is in the key anyway."""

_LONGEST_WAIT = 10.0  # seconds for files that another run uses, before a step runs again instead


class Reuse:
    """Looks for results of earlier runs.

    Args:
        database: None if nothing was ever recorded.
        selection: Which steps have to run in any case.
        remember: Whether anything may be written.
        stop: Whether the run is being stopped.
        files: Keeps other runs from the files that are put back.
    """

    def __init__(
        self,
        request: RunRequest,
        home: Home,
        database: Database | None,
        selection: Selection,
        *,
        remember: bool = True,
        stop: Callable[[], bool] = lambda: False,
        files: FileLocks | None = None,
    ) -> None:
        self._request = request
        self._pipeline = request.pipeline
        self._home = home
        self._database = database
        self._selection = selection
        self._objects = ObjectStore(home.objects)
        self._memory = home.cache if remember else None
        self._hashes = FileHashes(home.cache / "files.json" if remember else None)
        self._interpreter: Interpreter | None = None
        self._asked = False
        self._roots: list[str] | None = None
        self._imports: dict[str, frozenset[str]] = {}
        self._imported: dict[str, Modules] = {}
        self._observed: dict[str, set[str]] = {}
        self._cells: dict[str, tuple[CodeCell, ...]] = {}
        self._runtime = runtime_fingerprint()
        self._stop = stop
        self._files_in_use = files or FileLocks(home)
        self.sharing = None if request.shared is None else Sharing(request.shared, home, stop)

    def decide(self, step: Step, inputs: Mapping[str, ArtifactRecord]) -> Decision:
        """Decide about a step whose inputs are all there.

        Args:
            inputs: What its loads resolve to, by the artifact's id.
        """
        refusal = self.refusal(step)
        if refusal is not None:
            return Decision(refusal)
        try:
            parts = self._parts(step, inputs)
        except UnknownContentError as error:
            return Decision(str(error))
        key = cache_key(parts)
        asked = self._selection.reason(step.slug)
        if asked is not None:
            return Decision(asked, key=key, parts=parts)
        try:
            results = self._recorded(key, step) or self._shared(key, step)
        except UnusableError as error:
            results = self._shared(key, step)
            if results is None:
                return Decision(str(error), key=key, parts=parts)
        if results is None:
            found = self._changes(step, parts)
            return Decision(reason_of(found, self._request.notebook), key=key, parts=parts, changes=found or ())
        return Decision(f"unchanged since {results.origin}", results, key, parts)

    def _recorded(self, key: str, step: Step) -> Found | None:
        record = None if self._database is None else self._database.reusable(key)
        if record is None or self._database is None:
            return None
        repair = self._memory is not None
        sources = Sources(self._database, self._home, self._objects, self._request.cwd, repair=repair)
        return find_results(record, self._pipeline, step, sources)

    def _shared(self, key: str, step: Step) -> Found | None:
        if self.sharing is None:
            return None
        found = self.sharing.find(key, self._pipeline, step, fetch=self._memory is not None)
        with contextlib.suppress(UnusableError):
            check_absent(() if found is None else found.outputs, self._request.cwd)
            return found
        return None

    def refusal(self, step: Step) -> str | None:
        """Say why a step's results are never reused, or None."""
        if self._request.instruments is not None:
            return "the run is observed"
        cache = step.settings.cache or self._request.notebook.defaults.cache
        if cache == "off":
            return "its settings say `cache: off`"
        if step.touches_unknown_files or step.writes_unknown_files:
            return "it uses files whose paths are only known at run time"
        if cache == "on":
            return None
        found = scan(*self.trees(step))
        if found.refusals:
            return f"it {found.refusals[0]}"
        if cache == "volatile":
            return "its settings say `cache: volatile`"
        if step.volatile is not None:
            return f"it {step.volatile}"
        if step.draws:
            return f"it draws random numbers of {', '.join(step.draws)} that nothing has seeded"
        return None

    def was_recorded(self, step: Step) -> bool:
        """Tell whether results of this step were ever kept."""
        return self._database is not None and self._latest(step) is not None

    def take_over(self, step: Step, found: Found) -> dict[str, Any]:
        """Put the files of reused results in place; return the executed notebook.

        Raises:
            UnusableError: A file can't be put back.
        """
        with claimed(self._files_in_use, files_of_step(self._pipeline, step, self._request.cwd), self._wait()):
            restore_files(found, self._request.cwd, self._objects, self._hashes)
        fresh = step_notebook(self._pipeline, step, self._request.notebook.raw)
        return with_outputs_of(found.notebook, fresh)

    def _wait(self) -> Callable[[Path, bool], None]:
        due = time.monotonic() + _LONGEST_WAIT

        def wait(path: Path, _: bool) -> None:
            if self._stop() or time.monotonic() > due:
                raise UnusableError(f"another run uses {path.name}")

        return wait

    def confirmed_key(self, step: Step, inputs: Mapping[str, ArtifactRecord], decision: Decision) -> str | None:
        """Return the key for what a step has computed; None if files or modules changed while it ran."""
        if decision.key is None or decision.parts is None:
            return None
        try:
            now = self._parts(step, inputs)
        except UnknownContentError:
            return None
        same = _without(now, step.files_updated) == _without(decision.parts, step.files_updated)
        return decision.key if same else None

    def documents(self, decision: Decision, metrics: Mapping[str, float], notebook: Path | None) -> dict[str, str]:
        """Return what is kept with a step's record, to reuse it and to tell later what changed."""
        kept = {} if decision.parts is None else {"key": text_of_parts(self._request.redactor.parts(decision.parts))}
        if metrics:
            kept["metrics"] = json.dumps(dict(metrics))
        if notebook is not None:
            with contextlib.suppress(OSError):
                kept[NOTEBOOK_DIGEST] = hash_file(notebook)
        return kept

    def source_files(self, step: Step) -> list[ArtifactRecord]:
        """Record the project's files that a reused step would have read."""
        records = []
        for name in step.files_read:
            path = self._request.cwd / name
            if path.is_file():
                digest, size = self._hashes.file(path), path.stat().st_size
                records.append(ArtifactRecord(f"file:{name}", "file", (name,), digest, size, type="file"))
        return records

    def module_roots(self) -> list[str]:
        """Folders that any cell of the notebook puts on the module path."""
        if self._roots is None:
            raw = [
                code_cell(str(cell.get("id")), cell["source"], {})
                for cell in self._request.notebook.raw.get("cells", [])
                if cell.get("cell_type") == "code"
            ]
            trees = [cell.tree for cell in code_cells({"cells": raw}) if cell.tree is not None]
            self._roots = scan(*trees).roots
        return self._roots

    def trees(self, step: Step) -> list[ast.Module]:
        """Return a step's code, parsed."""
        return [cell.tree for cell in self._code(step) if cell.tree is not None]

    def sources(self, step: Step) -> list[ast.Module]:
        """Return a step's code, parsed, and that of the project's own modules that it imports."""
        trees = self.trees(step)
        return [*trees, *self._modules_of(step, trees).trees]

    def watched(self) -> tuple[Path, ...]:
        """Return the files that decide about the results: the notebook, modules, files that steps read."""
        found: dict[Path, None] = {}
        if self._request.notebook.path is not None:
            found[self._request.notebook.path.absolute()] = None
        for step in self._pipeline.steps:
            modules = self._modules_of(step, self.trees(step))
            names = [name for name in step.files_read if name not in step.files_written]
            found.update({self._request.cwd / name: None for name in (*modules.local, *names)})
        return tuple(found)

    def _modules_of(self, step: Step, trees: Sequence[ast.Module]) -> Modules:
        if step.slug not in self._imported:
            self._imported[step.slug] = Modules()
            if (interpreter := self.interpreter()) is not None:
                names = (scan(*trees).imports | set(step.imports)) - OWN
                with contextlib.suppress(UnknownContentError):
                    self._imported[step.slug] = find_modules(
                        names, self._request.cwd, self.module_roots(), interpreter, self._hashes
                    )
        return self._imported[step.slug]

    def close(self) -> None:
        """Write down digests of files for the next run."""
        self._hashes.save()

    def publish(self, run_id: str, slug: str, outcome: StepOutcome, report: StepReport, notebook: Path | None) -> None:
        """Give what a step has computed to the shared cache, if there is one; that is done in the background."""
        if self.sharing is None or outcome.status != "succeeded" or outcome.cache_key is None or notebook is None:
            return
        logged, outputs = report.logged, (*report.collected.outputs, *report.logged.artifacts)
        key, seconds, metrics = outcome.cache_key, outcome.seconds or 0.0, report.collected.metrics
        name = self._pipeline.name
        self.sharing.publish(
            Publication(key, name, slug, run_id, seconds, outputs, metrics, notebook, logged.to_json())
        )

    def notes(self, run_id: str) -> tuple[str, ...]:
        """Wait for what goes on in the background; record and return what there is to say about the run as a whole."""
        notes = () if self.sharing is None else self.sharing.close()
        if notes and self._database is not None:
            self._database.record_document(run_id, "notes", json.dumps(notes))
        return notes

    # the parts of the key

    def _parts(self, step: Step, inputs: Mapping[str, ArtifactRecord]) -> dict[str, Any]:
        interpreter = self.interpreter()
        if interpreter is None:
            raise UnknownContentError("the environment of the kernel can't be examined")
        request, cells = self._request, self._code(step)
        own = scan(*(cell.tree for cell in cells if cell.tree is not None))
        carried, seen = self._carried(step, inputs)
        names = (frozenset(own.imports | set(step.imports)) | carried) - OWN
        self._imports[step.slug] = names
        modules = find_modules(names, request.cwd, self.module_roots(), interpreter, self._hashes)
        self._imported[step.slug] = modules
        if modules.scan.refusals and (step.settings.cache or request.notebook.defaults.cache) != "on":
            raise UnknownContentError(f"a module of the project {modules.scan.refusals[0]}")
        observed = self._observed[step.slug] = own.observes | modules.scan.observes | seen
        values = request.values()
        return {
            "code": [dict(cell.form) for cell in cells],
            "saves": self._saves(step),
            "inputs": {label_of(inputs[name]): form_of(inputs[name], bound) for name, bound in step.loads.items()},
            "files": self._files(step),
            "parameters": {name: values[name] for name in step.parameters if name in values},
            "modules": modules.local,
            "distributions": modules.distributions,
            "python": dict(interpreter.python),
            "kernel": kernel_part(request.kernel),
            "runtime": {"code": self._runtime},
            "environment": self._environment(step, own.variables | modules.scan.variables),
            "folder": folder_part(request.cwd, request.root, observed),
            "place": place_part(observed),
            "step": {"pipeline": self._pipeline.name, "slug": step.slug},
        }

    def interpreter(self) -> Interpreter | None:
        """Return what the kernel's interpreter has told of its environment; asked once."""
        if not self._asked:
            self._asked = True
            self._interpreter = examine_interpreter(self._request.kernel, self._memory)
        return self._interpreter

    def _code(self, step: Step) -> tuple[CodeCell, ...]:
        if step.slug not in self._cells:
            notebook = step_notebook(self._pipeline, step, self._request.notebook.raw)
            self._cells[step.slug] = tuple(code_cells(notebook))
        return self._cells[step.slug]

    def _saves(self, step: Step) -> dict[str, Any]:
        made = {
            item.id.partition(".")[2]: [item.kind, item.names, item.declared_type, item.code]
            for item in self._pipeline.artifacts_of(step.slug)
        }
        plain: dict[str, Any] = json.loads(json.dumps(made))
        return {**plain, "(metrics)": list(step.metric_names)} if step.metric_names else plain

    def _files(self, step: Step) -> dict[str, str]:
        loaded = {
            self._pipeline.artifact(name).names[0]
            for name in step.loads
            if self._pipeline.artifact(name).kind == "file"
        }
        names = [*step.files_read, *(name for name in step.files_updated if name not in loaded)]
        return {name: self._hashes.content(self._request.cwd / name) for name in names}

    def _environment(self, step: Step, read: set[str]) -> dict[str, str | None]:
        """Digests only: a variable may be a secret."""
        declared = self._request.environment_of(step)
        found: dict[str, str | None] = {name: _digest(value) for name, value in declared.items()}
        for name in sorted(read - set(declared)):
            value = self._request.kernel.env.get(name, os.environ.get(name))
            found[name] = None if value is None else _digest(value)
        return found

    def _carried(self, step: Step, inputs: Mapping[str, ArtifactRecord]) -> tuple[frozenset[str], set[str]]:
        """Modules that loaded values need, and what code in them can see of the place: what their types say.

        Where that is too little, all of the producer's: a value may be a function, or have one in it.
        """
        names: set[str] = set()
        observed: set[str] = set()
        for artifact_id in step.loads:
            types, says_all = modules_of(inputs[artifact_id])
            names |= types
            if not says_all:
                producer = self._pipeline.artifact(artifact_id).producer
                names |= self._imports.get(producer, frozenset())
                observed |= self._observed.get(producer, set())
        return frozenset(names), observed

    def _latest(self, step: Step) -> str | None:
        if self._database is None:
            return None
        return self._database.latest_document(self._pipeline.name, step.slug, "key")

    def _changes(self, step: Step, parts: Parts) -> tuple[Change, ...] | None:
        latest = self._latest(step)
        if latest is None:
            return None
        redactor = self._request.redactor
        now = json.loads(text_of_parts(redactor.parts(parts)))
        return changes(json.loads(latest), now, [cell.shown(redactor.code) for cell in self._code(step)])


def _digest(value: str) -> str:
    return hash_bytes(value.encode("utf-8", "surrogateescape"))[:32]


def _without(parts: Parts, files: tuple[str, ...]) -> dict[str, Any]:
    kept = {name: digest for name, digest in parts["files"].items() if name not in files}
    return {**parts, "files": kept}
