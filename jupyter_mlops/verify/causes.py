"""Why a pipeline computes something else: the likeliest cause, from what was seen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.verify.comparison import Found, Varying
from jupyter_mlops.verify.evidence import Evidence, Key
from jupyter_mlops.verify.model import Cause, Undeclared

__all__ = ["Detective"]

_JOIN = "or give both steps the same `step:` tag"
_STATE_WORDS = {
    "options:pandas": "pandas' options",
    "options:numpy": "NumPy's options",
    "options:matplotlib": "matplotlib's options",
    "options:sklearn": "scikit-learn's options",
    "env": "environment variables",
    "cwd": "the working directory",
    "locale": "the locale",
    "decimal": "the decimal context",
}


class Detective:
    """Finds causes in what two runs have shown.

    Args:
        wholes: Runs of the whole notebook; the first is what is compared.
        other: The pipeline.
        ignored: What differs from run to run.
        undeclared: What steps did that the analysis does not know of.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        wholes: Sequence[Evidence],
        other: Evidence,
        ignored: Varying,
        undeclared: Sequence[Undeclared],
    ) -> None:
        self._pipeline = pipeline
        self._wholes = wholes
        self._whole = wholes[0]
        self._other = other
        self._ignored = ignored
        self._undeclared = undeclared

    def cause(self, found: Found, before: Sequence[Found]) -> Cause:
        """Return the likely cause of a difference.

        Args:
            before: Differences above it on the page.
        """
        if found.step is None:
            return Cause(
                "unknown",
                "The cell is replayed in the steps that need its code, where its outputs are not shown.",
                "Give the cell a `step:` tag.",
            )
        step = self._pipeline.step(found.step)
        if found.sharing:
            return self._alias(found.key.name)
        if found.key.kind == "input":
            return self._input(step, found.key.name)
        return (
            self._upstream(step, before)
            or self._random_state(step)
            or self._lost_alias(step)
            or self._hidden_state(step)
            or self._files(step)
            or self._unstable(step)
            or self._outside(step)
            or Cause(
                "unknown",
                f"Step {step.name!r} gets what it needs as far as could be seen, and still computes something else.",
                f"Compare the step's cells with those above them for state that is not a variable, {_JOIN}.",
            )
        )

    def failure(self, step: Step, error: StepFailure, before: Sequence[Found]) -> Cause:
        """Return the likely cause of a step's failure in a notebook that does not fail."""
        name = re.search(r"name '(\w+)' is not defined", error.evalue)
        if error.ename == "NameError" and name:
            return self._missing(step, name.group(1))
        if error.ename in ("SaveError", "UnpicklableError", "PicklingError"):
            hint = error.hint or f"Recreate the value in each step that needs it (tag `setup`), {_JOIN}."
            return Cause("unpicklable", f"Step {step.name!r} makes a value that can't be handed over.", hint)
        if error.ename in ("LoadError", "ContextError"):
            return Cause(
                "handover", f"Step {step.name!r} can't take over its inputs.", error.hint or "See its message."
            )
        if error.ename in ("FileNotFoundError", "NotADirectoryError", "OperationalError"):
            return self._missing_file(step, error)
        known = self._upstream(step, before) or self._lost_alias(step) or self._hidden_state(step) or self._files(step)
        return known or Cause(
            "failure",
            f"Step {step.name!r} fails on its own, but not within the whole notebook.",
            f"Look for what earlier cells leave behind that is not a variable, {_JOIN}.",
        )

    # what has differed before

    def _upstream(self, step: Step, before: Sequence[Found]) -> Cause | None:
        """A difference that this one follows from: in the step itself, or in one that it waits for."""
        above = self._ancestors(step.slug)
        for item in before:
            if item.step == step.slug or item.step in above:
                place = "an earlier cell of the step" if item.step == step.slug else f"step {self._name(item.step)!r}"
                return Cause("upstream", f"It follows from {item.key.name!r} in {place}.", "See the first difference.")
        return None

    def _ancestors(self, slug: str) -> set[str]:
        found: set[str] = set()
        waiting = [slug]
        while waiting:
            for source in self._pipeline.upstream(waiting.pop()):
                if source not in found:
                    found.add(source)
                    waiting.append(source)
        return found

    # what the step began with

    def _input(self, step: Step, name: str) -> Cause:
        if Key("input", step.slug, name) in self._other.items:
            changer = self._changer(step, name)
            how = (
                f"Step {changer.name!r} changes it"
                if changer
                else "It is changed before this step, unseen by the analysis,"
            )
            tags = f"the changing cell `out:{name}` and this step `in:{name}`"
            return Cause("stale-input", f"{how} and the change is not handed on.", f"Tag {tags}, {_JOIN}.")
        return self._missing(step, name)

    def _changer(self, step: Step, name: str) -> Step | None:
        """The last step above that has changed a variable of this name in the whole notebook."""
        found = None
        for other in self._pipeline.steps:
            if other.slug == step.slug:
                break
            begin, end = self._whole.begins.get(other.slug), self._whole.ends.get(other.slug)
            if begin is None or end is None or name not in end.values:
                continue
            if name not in begin.values or begin.values[name].digest != end.values[name].digest:
                found = other
        return found

    def _missing(self, step: Step, name: str) -> Cause:
        maker = self._changer(step, name)
        who = f"step {maker.name!r} makes it" if maker else "an earlier cell makes it"
        hint = f"Tag the cell that makes it `out:{name}` and this step `in:{name}`, {_JOIN}."
        return Cause("missing-name", f"{name!r} does not arrive at step {step.name!r}, though {who}.", hint)

    def _random_state(self, step: Step) -> Cause | None:
        begin, end = self._whole.begins.get(step.slug), self._whole.ends.get(step.slug)
        other = self._other.begins.get(step.slug)
        if begin is None or end is None or other is None:
            return None
        for state, after in end.states.items():
            if not state.startswith("rng:") or self._state_varies(step, state):
                continue
            before = begin.states.get(state)
            if before != after and other.states.get(state) != before:
                return Cause(
                    "random-state",
                    f"Step {step.name!r} draws from the generator {state!r}, whose state it does not take over.",
                    "Pass `random_state` or a generator of your own to what draws.",
                )
        return None

    def _hidden_state(self, step: Step) -> Cause | None:
        begin, other = self._whole.begins.get(step.slug), self._other.begins.get(step.slug)
        if begin is None or other is None:
            return None
        for state, words in _STATE_WORDS.items():
            one, two = begin.states.get(state), other.states.get(state)
            if one is not None and two is not None and one != two and not self._state_varies(step, state):
                text = (
                    f"{words[0].upper()}{words[1:]} were set by an earlier step and are not set in step {step.name!r}."
                )
                return Cause("hidden-state", text, "Set them in a cell tagged `setup`, which every step replays.")
        return None

    def _state_varies(self, step: Step, state: str) -> bool:
        begins = [run.begins[step.slug].states for run in self._wholes if step.slug in run.begins]
        return len({states.get(state) for states in begins}) > 1

    def _alias(self, names: str) -> Cause:
        text = f"{names} are or hold the same object in the notebook, but not when they arrive in the pipeline."
        return Cause("alias", text, f"Make a copy where they should be apart, {_JOIN}.")

    def _lost_alias(self, step: Step) -> Cause | None:
        begin, other = self._whole.begins.get(step.slug), self._other.begins.get(step.slug)
        if begin is None or other is None or list(begin.linked) == list(other.linked):
            return None
        apart = [names for names in begin.linked if names not in other.linked]
        return self._alias(", ".join(apart[0])) if apart else None

    # the world around

    def _files(self, step: Step) -> Cause | None:
        for item in self._undeclared:
            if item.step != step.slug or item.kind == "mutation":
                continue
            if item.kind == "process":
                text = f"Step {step.name!r} starts {item.name!r}, which may touch any file."
                return Cause("file", text, f"Name the files in the cell that needs them, {_JOIN}.")
            verb = "reads" if item.kind == "read" else "writes"
            text = f"Step {step.name!r} {verb} {item.name!r}, which the analysis does not know of."
            return Cause("file", text, f"Write the path out where the file is used, {_JOIN}.")
        return None

    def _missing_file(self, step: Step, error: StepFailure) -> Cause:
        path = re.search(r"'([^']+)'\s*$", error.evalue)
        name = repr(path.group(1)) if path else "a file"
        makers = [
            other.name
            for other in self._pipeline.steps
            if path and other.slug != step.slug and other.slug in self._whole.ends
            for file in self._whole.ends[other.slug].files
            if path.group(1).replace("\\", "/").endswith(file.rpartition("/")[2])
        ]
        who = f", which step {makers[0]!r} writes" if makers else ""
        hint = f"Write the path out where the file is written and where it is read, {_JOIN}."
        return Cause("file", f"Step {step.name!r} does not get {name}{who}.", hint)

    def _unstable(self, step: Step) -> Cause | None:
        """What the step takes or makes differs from run to run, so that anything may follow."""
        above = self._ancestors(step.slug) | {step.slug}
        crossing = {(item.producer, name) for item in self._pipeline.artifacts for name in item.names}
        for key in sorted(self._ignored, key=lambda key: (key.kind, key.name)):
            if key.kind == "output" or key.owner not in above:
                continue
            if key.owner == step.slug or key.kind == "file" or (key.owner, key.name) in crossing:
                where = "" if key.owner == step.slug else f" from step {self._name(key.owner)!r}"
                text = f"It may depend on {key.name!r}{where}, which differs from run to run."
                return Cause("unstable", text, "Seed what is random, or fix what varies, and verify again.")
        return None

    def _outside(self, step: Step) -> Cause | None:
        if step.volatile is None:
            return None
        text = f"The result of step {step.name!r} depends on the outside world: {step.volatile}."
        return Cause("outside", text, "Fetch the data into a file of the project, and verify again.")

    def _name(self, slug: str | None) -> str:
        return self._pipeline.step(slug).name if slug is not None else ""
