"""Predictions of whole files: some rows at a time, and not again what was done before an interruption."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from jupyter_mlops.deploy.engines import LABELS, PROBABILITIES
from jupyter_mlops.deploy.predictor import Predictor
from jupyter_mlops.deploy.schema import InputError
from jupyter_mlops.deploy.texts import typed_columns
from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store.objects import hash_file

__all__ = ["FilePredictions", "predict_file"]

_SUFFIXES = (".parquet", ".csv")
_PREDICTION = "prediction"


@dataclass(frozen=True, slots=True)
class FilePredictions:
    """What ``predict_file`` did.

    Args:
        rows: How many there are in ``target``.
        resumed: How many of them were there from before.
    """

    target: Path
    rows: int
    resumed: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Some rows of the source.

    Args:
        given: Columns as they stand in the file.
        data: What is predicted from.
    """

    given: Mapping[str, Any]
    data: Any


def predict_file(
    predictor: Predictor,
    digest: str,
    source: Path,
    target: Path,
    *,
    probabilities: bool = False,
    keep: bool = False,
    rows: int = 10_000,
    restart: bool = False,
    told: Callable[[int], None] = lambda done: None,
) -> FilePredictions:
    """Predict the rows of a file.

    Finished parts stand in ``TARGET.parts`` until all are done; then they become ``target`` at once.

    Args:
        digest: Of the bundle: parts of another model are not gone on with.

    Raises:
        UsageError: A file can't be read or written, or rows don't fit.
        ModelFailure: The model raised.
        InfrastructureError: The disk is full or failed.
    """
    _check(source, target, rows)
    if probabilities and PROBABILITIES not in predictor.outputs:
        raise UsageError("The model gives no probabilities.", hint="Leave --probabilities out.")
    folder = target.with_name(target.name + ".parts")
    state = {
        "model": digest, "source": hash_file(source), "rows": rows, "probabilities": probabilities, "keep": keep,
    }  # fmt: skip
    resumed = done = number = 0
    try:
        _prepare(folder, state, restart)
        for number, part in enumerate(_parts(source, predictor, rows)):
            file = folder / f"{number:06}{target.suffix.lower()}"
            count = _length(part.given)
            if file.exists():
                resumed += count
            else:
                _write_part(file, _predicted(predictor, part, probabilities, keep, done), names=not number)
            done += count
            told(done)
        _join(sorted(folder.glob(f"*{target.suffix.lower()}")), target)
        shutil.rmtree(folder)
    except OSError as error:
        raise InfrastructureError(
            f"{target} can't be written: {error.strerror or error}.", hint="Run the same command again to go on."
        ) from error
    return FilePredictions(target, done, resumed)


def _check(source: Path, target: Path, rows: int) -> None:
    if rows < 1:
        raise UsageError("--rows must be 1 or more.")
    for path in (source, target):
        if path.suffix.lower() not in _SUFFIXES:
            raise UsageError(f"{path} has no form that is known here.", hint="Files end in .parquet or .csv.")
    if not source.is_file():
        raise UsageError(f"There is no file {source}.")
    if source.resolve() == target.resolve():
        raise UsageError("The predictions can't replace the file that they are made from.", hint="Name another file.")
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {target.parent}.")
    if ".parquet" in (source.suffix.lower(), target.suffix.lower()):
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError:
            raise UsageError(
                "Parquet needs pyarrow, which is not installed here.", hint="pip install pyarrow"
            ) from None


def _prepare(folder: Path, state: Mapping[str, Any], restart: bool) -> None:
    """Go on with what is there if it is of the same work, else begin anew."""
    note = folder / "state.json"
    known = None
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(note.read_text("utf-8"))
    if folder.exists() and (restart or known != state):
        shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)
    if not note.exists():
        _replace(note, lambda path: path.write_text(json.dumps(state), "utf-8"))


def _parts(source: Path, predictor: Predictor, rows: int) -> Iterator[_Part]:
    if source.suffix.lower() == ".csv":
        yield from _csv_parts(source, predictor, rows)
        return
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(source) as file:
            for batch in file.iter_batches(batch_size=rows):
                given = {name: _array(batch.column(name)) for name in batch.schema.names}
                yield _Part(given, _matrix(given, predictor))
    except pyarrow.ArrowException as error:
        raise UsageError(f"{source} can't be read: {' '.join(str(error).split())[:200]}") from error


def _csv_parts(source: Path, predictor: Predictor, rows: int) -> Iterator[_Part]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            names = next(lines, None)
            if not names:
                raise UsageError(f"{source} is empty; a line of names is expected.")
            start = 0
            while chunk := list(islice((line for line in lines if line), rows)):
                for at, line in enumerate(chunk):
                    if len(line) != len(names):
                        raise UsageError(
                            f"Row {start + at} of {source} has {len(line)} values, not {len(names)} as the names."
                        )
                given = {name: [line[at] for line in chunk] for at, name in enumerate(names)}
                yield _Part(given, typed_columns(given, predictor.schema))
                start += len(chunk)
    except UnicodeDecodeError:
        raise UsageError(f"{source} is no UTF-8.") from None
    except csv.Error as error:
        raise UsageError(f"{source} is no CSV: {error}.") from error


def _array(column: Any) -> Any:
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.to_numpy(zero_copy_only=False)


def _matrix(given: Mapping[str, Any], predictor: Predictor) -> Any:
    """Columns as they are, or side by side for a model that knows no names."""
    if predictor.schema.layout == "frame":
        return given
    import numpy as np

    return np.column_stack([np.asarray(values) for values in given.values()])


def _predicted(predictor: Predictor, part: _Part, probabilities: bool, keep: bool, start: int) -> dict[str, Any]:
    try:
        checked = predictor.rows(part.data)
    except InputError as error:
        where = f" (rows are counted from row {start} of the file)" if start else ""
        raise InputError(error.message + where, field=error.field, hint=error.hint) from error
    found = predictor.run(checked, (LABELS, PROBABILITIES) if probabilities else (LABELS,))
    columns = dict(part.given) if keep else {}
    columns[_free(_PREDICTION, columns)] = found[LABELS]
    if probabilities:
        for at, label in enumerate(predictor.schema.classes):
            columns[_free(f"probability_{label}", columns)] = found[PROBABILITIES][:, at]
    return columns


def _free(name: str, columns: Mapping[str, Any]) -> str:
    while name in columns:
        name += "_"
    return name


def _write_part(file: Path, columns: Mapping[str, Any], *, names: bool) -> None:
    if file.suffix == ".csv":
        _replace(file, lambda path: _write_csv(path, columns, names=names))
        return
    import pyarrow
    import pyarrow.parquet

    arrays = {name: pyarrow.array(_flat(values)) for name, values in columns.items()}
    _replace(file, lambda path: pyarrow.parquet.write_table(pyarrow.table(arrays), path))


def _flat(values: Any) -> Any:
    return list(values) if getattr(values, "ndim", 1) > 1 else values


def _write_csv(path: Path, columns: Mapping[str, Any], *, names: bool) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if names:  # parts are joined as they are
            writer.writerow(columns)
        plain = [values.tolist() if hasattr(values, "tolist") else values for values in columns.values()]
        writer.writerows(zip(*plain, strict=True))


def _join(parts: list[Path], target: Path) -> None:
    if target.suffix.lower() == ".csv":
        _replace(target, lambda path: _join_csv(parts, path))
    else:
        _replace(target, lambda path: _join_parquet(parts, path))


def _join_csv(parts: list[Path], path: Path) -> None:
    with path.open("wb") as file:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, file)


def _join_parquet(parts: list[Path], path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    if not parts:
        pyarrow.parquet.write_table(pyarrow.table({_PREDICTION: pyarrow.array([], pyarrow.float64())}), path)
        return
    schemas = [pyarrow.parquet.read_schema(part) for part in parts]
    schema = pyarrow.unify_schemas(schemas, promote_options="permissive")
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for part in parts:
            writer.write_table(pyarrow.parquet.read_table(part).cast(schema))


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside, then rename: a file of its name is whole."""
    temporary = path.with_name(f".{path.name}.tmp")
    write(temporary)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def _length(columns: Mapping[str, Any]) -> int:
    return len(next(iter(columns.values()), ()))
