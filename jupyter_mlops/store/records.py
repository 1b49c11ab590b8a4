"""What the store keeps of a run, as frozen values.

The shape is that of ML Metadata: a run and its step runs are executions, artifacts are what
they took and made, events are the edges between the two, contexts group runs.
Times are milliseconds since the epoch, in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "FINAL",
    "Addressee",
    "ArtifactRecord",
    "Delivery",
    "Direction",
    "EventRecord",
    "FailureRecord",
    "MetricRecord",
    "NewRun",
    "RunRecord",
    "Status",
    "StepOutcome",
    "StepRecord",
]

Status = Literal["queued", "running", "succeeded", "reused", "failed", "skipped", "cancelled"]
FINAL: frozenset[str] = frozenset({"succeeded", "reused", "failed", "skipped", "cancelled"})
"""The statuses that do not change any more."""

Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """Why a step failed.

    Args:
        type: Name of the exception (``ValueError``) or of the mishap (``KernelDied``).
        message: Its message.
        cell: Id of the cell, where known.
        line: 1-based line in it, where known.
        traceback: Plain text, without colour codes.
    """

    type: str
    message: str
    cell: str | None = None
    line: int | None = None
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """Something that a step took or made, with its content's address.

    Args:
        id: The artifact's id in the pipeline (``train.model``), ``file:PATH`` for a file that no step made,
            ``train.logged:NAME`` for what a step logged, ``train.figure:CELL:NUMBER`` for a figure that a cell showed.
        kind: ``value``, ``file``, ``state`` or ``figure``.
        names: Variables in it, or the path of the file, or the name of the state.
        digest: BLAKE3 of the content, the object's name in the object store.
        bytes: Size of the content.
        type: Qualified type (``pandas.DataFrame``), where known.
        serializer: Name of what wrote it, and reads it again.
        preview: A short text that says what it looks like.
        schema: Columns, dtypes, shape: a JSON object.
        members: For each of ``names``: its type, preview and schema.
        run_id: Run of the event it was read from; ignored when it is recorded.
        step: Slug of the step of that event; ignored when it is recorded.
    """

    id: str
    kind: str
    names: tuple[str, ...]
    digest: str
    bytes: int = 0
    type: str | None = None
    serializer: str | None = None
    preview: str | None = None
    schema: Mapping[str, Any] | None = None
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    run_id: str = ""
    step: str = ""

    @property
    def name(self) -> str:
        """The names in one text, for people."""
        return ", ".join(self.names)


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """One value of a metric.

    Args:
        value: May be NaN or infinite.
        step: Slug of the step that reported it; empty for the run as a whole.
        iteration: Of a history (epoch, batch); 0 where there is none.
        time: When it was reported, in milliseconds; None means now.
    """

    name: str
    value: float
    step: str = ""
    iteration: int = 0
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who else wants to know of a run.

    Args:
        tracker: Its kind (``mlflow``).
        target: Where it is, without a password.
        options: What it was told to do with what it gets, JSON values.
    """

    tracker: str
    target: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that is still to be delivered.

    Args:
        kind: ``run`` or ``model``; ``subject`` is the run's id or the model's name.
        revision: Goes up when the subject changes while it waits.
        queued: When it was put there, in milliseconds.
        attempts: How often that failed.
        due: Not to be tried before this time by itself, in milliseconds.
        error: Why it failed last.
    """

    to: Addressee
    kind: Literal["run", "model"]
    subject: str
    revision: int = 1
    queued: int = 0
    attempts: int = 0
    due: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is known of a run when it begins.

    Args:
        pipeline: The pipeline's name.
        steps: Slug and name of each step, in the order of the page.
        parameters: Every parameter with the value it runs with, JSON values or non-finite floats.
        parameter_sources: Where each value came from (``default``, ``-p``, ``-f params.yaml``).
        notebook: Path of the notebook, as the user gave it.
        trigger: ``hand``, ``sweep``, ``schedule``, ``ci``, ``retraining``.
        commit: Git commit of the project, if it has one.
        configuration: Digest of the configuration.
        parent: Id of the run this one resumes or belongs to.
        experiments: Names of the groups it is in.
        documents: Texts kept with the run by name (``pipeline`` is the pipeline's JSON); equal ones are stored once.
        addressees: Trackers that are to get the run once it has ended.
    """

    pipeline: str
    steps: Sequence[tuple[str, str]] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parameter_sources: Mapping[str, str] = field(default_factory=dict)
    notebook: str | None = None
    kernel: str | None = None
    backend: str = "local"
    trigger: str = "hand"
    user: str | None = None
    commit: str | None = None
    configuration: str | None = None
    parent: str | None = None
    experiments: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    addressees: Sequence[Addressee] = ()


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it stands in the store.

    Args:
        seconds: Wall time; None while it runs.
        parameters: Every parameter with its value.
        metrics: The last value of each; where two steps report the same name, the later step on the page counts.
        host: Name of the machine and ``pid`` the process that runs it, to tell a run that was killed.
    """

    run_id: str
    pipeline: str
    status: Status
    started: int
    finished: int | None = None
    seconds: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parameter_sources: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    notebook: str | None = None
    kernel: str | None = None
    backend: str = "local"
    trigger: str = "hand"
    user: str | None = None
    commit: str | None = None
    configuration: str | None = None
    parent: str | None = None
    host: str | None = None
    pid: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step of a run.

    Args:
        position: Its place on the page, from 0.
        seconds: Wall time; None until it has ended.
        cached: Whether its results were reused.
        reason: Why it was reused, run, skipped or cancelled, for people.
        cache_key: What its results are found by.
        reused_from: Id of the run whose results it took.
        attempts: How often it was started.
        kernel: ``warm``, ``cold``, with the reason.
        peak_memory: Bytes.
        notebook: The executed step notebook, relative to the run's folder.
    """

    run_id: str
    slug: str
    name: str
    position: int
    status: Status
    started: int | None = None
    finished: int | None = None
    seconds: float | None = None
    cached: bool = False
    reason: str | None = None
    cache_key: str | None = None
    reused_from: str | None = None
    attempts: int = 0
    kernel: str | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    notebook: str | None = None
    error: FailureRecord | None = None


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How a step ended; everything here is recorded in one transaction.

    Args:
        status: One of ``FINAL``.
        seconds: Wall time by a monotonic clock; None takes the time since the start.
        inputs: What it loaded: the producers' records, and files of the project it read.
        outputs: What it made. Their objects must be in the object store already.
        metrics: What it reported; their ``step`` is filled in.
        cache_key: Only for results that may be reused.
        parameters: Values that it logged; none of them replaces a parameter of the notebook.
        tags: What it tagged the run with.
    """

    status: Status
    seconds: float | None = None
    cached: bool = False
    reason: str | None = None
    cache_key: str | None = None
    reused_from: str | None = None
    kernel: str | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    notebook: str | None = None
    error: FailureRecord | None = None
    inputs: Sequence[ArtifactRecord] = ()
    outputs: Sequence[ArtifactRecord] = ()
    metrics: Sequence[MetricRecord] = ()
    documents: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A step of a run took or made an artifact.

    Args:
        direction: ``out`` if the step made it, ``in`` if it took it.
        artifact: With the run and step of this event.
    """

    run_id: str
    pipeline: str
    step: str
    step_status: Status
    direction: Direction
    started: int
    artifact: ArtifactRecord
