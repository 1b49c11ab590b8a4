"""What is known of a notebook before its code is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jupyter_mlops.diagnostics import Diagnostic

__all__ = [
    "Accelerator",
    "Backoff",
    "BuildSettings",
    "Cell",
    "ConfigMap",
    "DeclaredName",
    "Magic",
    "Notebook",
    "PythonSource",
    "Role",
    "Secret",
    "StepSettings",
    "Toleration",
    "Volume",
]

Role = Literal["step", "parameters", "imports", "functions", "setup", "skip", "text"]
"""What a cell is for; ``text`` is markdown or raw, ``step`` is code that belongs to a step."""


@dataclass(frozen=True, slots=True)
class DeclaredName:
    """A name declared with ``in:NAME`` or ``out:NAME[:TYPE]``."""

    name: str
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A GPU or other device, such as ``nvidia.com/gpu``."""

    type: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a secret: its key arrives as an environment variable or a mounted file, never its value."""

    name: str
    key: str | None = None
    env: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """A reference to a config map: its key arrives as an environment variable, or all of it as files."""

    name: str
    key: str | None = None
    env: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Toleration:
    """Which taint of a node does not keep a step away from it; fields as Kubernetes names them."""

    key: str | None = None
    operator: Literal["Equal", "Exists"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """A persistent volume claim mounted into a step."""

    claim: str
    path: str


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a step waits before it is tried again.

    Args:
        delay: Seconds before the first further try.
        factor: What each delay is multiplied by to give the next.
        max_duration: Seconds since the first try began after which there is no further one; None sets no limit.
    """

    delay: float = 1.0
    factor: float = 2.0
    max_duration: float | None = None


@dataclass(frozen=True, slots=True)
class StepSettings:
    """How a step is to be run; None or empty means: not set here, look at the notebook's defaults.

    Args:
        cpu: Cores, as Kubernetes writes them (``2``, ``500m``).
        memory: As Kubernetes writes it (``4Gi``).
        timeout: Seconds.
        retries: Further tries after a failure.
        backoff: How long to wait before each.
        cache: ``on``, ``off``, or ``volatile`` (the outside world decides the result).
        image_pull_secrets: Names of the secrets that open the image's registry.
    """

    image: str | None = None
    packages: tuple[str, ...] = ()
    cpu: str | None = None
    memory: str | None = None
    accelerator: Accelerator | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    config_maps: tuple[ConfigMap, ...] = ()
    volumes: tuple[Volume, ...] = ()
    retries: int | None = None
    backoff: Backoff | None = None
    timeout: float | None = None
    cache: Literal["on", "off", "volatile"] | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    image_pull_secrets: tuple[str, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """How the pipeline's image is built; None or empty means: not set here.

    Args:
        base: Image to build upon.
        name: The image's name, without registry and tag.
        registry: Where it is pushed to, such as ``registry.example.com/team``.
        dockerfile: The user's own; brings all packages.
        environment: A conda ``environment.yml``; brings all packages.
        builder: Image with micromamba, which makes that environment.
        index_url: Package index instead of the machine's; credentials only as ``${VARIABLE}``.
        extra_index_urls: Further ones.
        platform: Such as ``linux/amd64``.
        system_packages: Debian packages that stay in the image.
        build_packages: Debian packages for building, which don't.
        include: Further files, folders or patterns of the project to put into the image.
        build_options: Further options of ``podman build`` or ``docker build``.
    """

    base: str | None = None
    name: str | None = None
    registry: str | None = None
    dockerfile: str | None = None
    environment: str | None = None
    builder: str | None = None
    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    platform: str | None = None
    system_packages: tuple[str, ...] = ()
    build_packages: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    build_options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Magic:
    """A magic or shell escape found in a cell.

    Args:
        kind: ``line`` (``%x``), ``cell`` (``%%x``) or ``shell`` (``!x``).
        name: ``time``, ``bash``, …; ``!`` for a shell escape.
        line: 1-based line in the cell.
        arguments: The rest of its line, verbatim.
        body: For a cell magic, the lines below it.
    """

    kind: Literal["line", "cell", "shell"]
    name: str
    line: int
    arguments: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class PythonSource:
    """A cell's source as plain Python, line for line.

    Line k of ``text`` stands for line k of the cell. Magics whose body is Python of
    the user's namespace (``%%time``, ``%%capture out``, ``%time x = f()``) are unwrapped,
    all others are the ``get_ipython().run_line_magic('name', 'arguments')``,
    ``run_cell_magic``, ``system`` and ``getoutput`` calls that IPython turns them into.

    Args:
        requirements: What ``%pip install``/``!pip install``/``%conda install`` lines ask
            for, verbatim; those lines are blank (``pass``) in ``text``.
    """

    text: str
    magics: tuple[Magic, ...] = ()
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the notebook with its tags understood.

    Args:
        id: The notebook's own id, else a deterministic one (content and ordinal).
        index: 0-based position in the notebook.
        step: The step's name as written, for the cell that carries ``step:NAME``.
        after: Names or slugs of steps that must end before this cell's step begins.
        metrics: Whether numbers bound here are metrics of the run.
        metric_names: Names bound elsewhere that are metrics too, since a ``pipeline-metrics`` cell of Kale prints them.
        settings: Step settings of the cell's own metadata (tags that are Kale's included).
        python: For code cells, the source without magics.
    """

    id: str
    index: int
    kind: Literal["code", "markdown", "raw"]
    source: str
    tags: tuple[str, ...] = ()
    role: Role = "step"
    step: str | None = None
    after: tuple[str, ...] = ()
    inputs: tuple[DeclaredName, ...] = ()
    outputs: tuple[DeclaredName, ...] = ()
    metrics: bool = False
    metric_names: tuple[str, ...] = ()
    settings: StepSettings = field(default_factory=StepSettings)
    python: PythonSource | None = None
    execution_count: int | None = None


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook, read and understood as far as its metadata go.

    Args:
        path: The file it was read from (absolute), or None for a notebook in memory.
        name: The pipeline's name: the metadata's, else the file's stem.
        kernel: Name of the kernelspec (``python3`` where the notebook names none).
        language: Lower case, such as ``python``.
        defaults: Settings for steps that don't set their own.
        build: How the pipeline's image is built.
        raw: The notebook's JSON, upgraded in memory to nbformat 4.5 (ids included); never written back.
        diagnostics: Problems of tags and metadata.
    """

    path: Path | None
    name: str
    cells: tuple[Cell, ...]
    kernel: str = "python3"
    language: str = "python"
    description: str | None = None
    defaults: StepSettings = field(default_factory=StepSettings)
    build: BuildSettings = field(default_factory=BuildSettings)
    raw: Mapping[str, Any] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
