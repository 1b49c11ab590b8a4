"""A registered model, loaded: predicts, and knows where it came from."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.store.models import ModelVersion
from jupyter_mlops.store.records import ArtifactRecord, RunRecord
from jupyter_mlops.tracking.model_lineage import ModelLineage
from jupyter_mlops.tracking.models import Registry
from jupyter_mlops.tracking.signature import Signature, signature_of
from jupyter_mlops.tracking.values import RunReader
from jupyter_mlops.tracking.versions import Difference

__all__ = ["Model", "load_model", "predict"]


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A version of a registered model.

    Args:
        name: Under which it is registered.
        version: Its number.
        aliases: That stood for the version when it was loaded.
        value: The model itself: an estimator or whatever else was registered.
        signature: What it takes and gives, as far as known.
        run: The run that made it.
        record: The artifact in the store.
        changed: Distributions that have another version here than the run had.
    """

    name: str
    version: int
    aliases: tuple[str, ...]
    description: str | None
    value: Any
    signature: Signature
    run: RunRecord
    record: ArtifactRecord
    changed: tuple[Difference, ...] = ()
    _lineage: Callable[[], ModelLineage] | None = None
    _predict: Callable[[Model, Any], Any] | None = None

    def predict(self, data: Any, **options: Any) -> Any:
        """Return what the model says of some rows.

        Args:
            data: What the model itself takes: a frame, an array; or rows as dicts, or a dict of columns, which become a
                frame with the model's columns.
            options: Passed on to the model.

        Raises:
            UsageError: The model can't predict, or the data lack columns that it needs.
        """
        if self._predict is not None and not options:
            return self._predict(self, data)
        return predict(self.value, data, self.signature, **options)

    @cached_property
    def lineage(self) -> ModelLineage:
        """Cells, data, parameters, commit and environment that it came from."""
        if self._lineage is None:
            raise LookupError("this model was not loaded from a store")
        return self._lineage()

    def __repr__(self) -> str:
        shown = f" ({', '.join(self.aliases)})" if self.aliases else ""
        kind = type(self.value).__name__
        return f"<Model {printable(self.name)}/{self.version}{shown}: {kind}, run {self.run.run_id}>"


def predict(value: Any, data: Any, signature: Signature, **options: Any) -> Any:
    """Let a model predict: the one way in which models are used.

    Args:
        value: The model: something with a ``predict`` method, or a function.
        data: Rows.
        signature: What the model takes.

    Raises:
        UsageError: The model can't predict, or the data lack columns that it needs.
    """
    method = getattr(value, "predict", None)
    if not callable(method):
        method = value if callable(value) else None
    if method is None:
        kind = "The file" if isinstance(value, Path) else f"A {type(value).__name__}"
        raise UsageError(f"{kind} can't predict by itself.", hint="`.value` has it; use it as its library says.")
    return method(_rows(data, signature.names), **options)


def load_model(
    text: str,
    registry: Registry,
    reader: Callable[[str], RunReader],
    lineage: Callable[[ModelVersion], ModelLineage] | None = None,
    way: Callable[[Model, Any], Any] | None = None,
) -> Model:
    """Load a registered model.

    Its pickle is code that is run: registries of people you don't trust are not for loading.

    Args:
        text: ``churn``, ``churn@champion``, ``churn@3`` or ``churn/3``.
        reader: Reads what the run of an id made.
        lineage: Finds out where a version came from, when that is asked for.
        way: How the model predicts; its own method by default.

    Raises:
        UsageError: There is no such model, or it can't be loaded here, such as for lack of a library.
        InfrastructureError: Its content is missing or damaged.
    """
    version = registry.version(text)
    run = reader(version.run_id)
    record = registry.artifact(version)
    if record is None:
        raise UsageError(f"{_called(version)} is not on record any more.")
    value = _from_file(record, run) if record.kind == "file" else _from_values(version, record, run)
    changed = run.differences(record)
    if changed:
        told = "; ".join(item.text for item in changed)
        warnings.warn(f"{_called(version)}: versions differ from those of its run: {told}.", stacklevel=3)
    return Model(
        version.model,
        version.version,
        version.aliases,
        version.description,
        value,
        signature_of(record, version.member or record.name, registry.around(version), value),
        run.run,
        record,
        changed,
        None if lineage is None else lambda: lineage(version),
        way,
    )


def _called(version: ModelVersion) -> str:
    return f"The model {printable(version.model)}/{version.version}"


def _from_values(version: ModelVersion, record: ArtifactRecord, run: RunReader) -> Any:
    values = run.values(record)
    name = version.member or record.name
    if name not in values:
        raise UsageError(f"{_called(version)} has no value: {printable(name)} was not bound when its step ended.")
    return values[name]


def _from_file(record: ArtifactRecord, run: RunReader) -> Any:
    """The model in a file, where its format says how to read it; else the path of the file."""
    path = run.path(record)
    suffix = Path(record.names[0]).suffix.lower()
    try:
        if suffix in (".joblib", ".pkl", ".pickle"):
            import joblib  # which reads plain pickles as well

            return joblib.load(path)
    except Exception as error:
        raise run.refusal(record, error) from error
    return path


def _rows(data: Any, names: Sequence[str]) -> Any:
    """The columns that the model takes, of data that have names; anything else as it is."""
    is_rows = isinstance(data, Sequence) and bool(data) and all(isinstance(row, Mapping) for row in data)
    if isinstance(data, Mapping) or is_rows:
        import pandas as pd

        plain = [data] if isinstance(data, Mapping) and not _has_columns(data) else data
        data = pd.DataFrame(plain)
    columns = getattr(data, "columns", None)
    if not names or columns is None:
        return data
    missing = [name for name in names if name not in columns]
    if missing:
        some = ", ".join(printable(name) for name in missing[:10]) + (", …" if len(missing) > 10 else "")
        raise UsageError(
            f"The data lack {some}.", hint=f"The model takes {', '.join(printable(name) for name in names[:20])}."
        )
    return data if list(columns) == list(names) else data[list(names)]


def _has_columns(data: Mapping[str, Any]) -> bool:
    return any(hasattr(value, "__len__") and not isinstance(value, (str, bytes)) for value in data.values())
