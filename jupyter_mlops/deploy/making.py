"""Makes bundles of registered models."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jupyter_mlops.deploy.bundle import (
    DIGESTS,
    MANIFEST,
    SCHEMA,
    SIGNATURE,
    Bundle,
    bundle_digest,
    canonical,
    read_bundle,
)
from jupyter_mlops.deploy.checks import rows_from
from jupyter_mlops.deploy.converting import Converted, convert, independent_padding
from jupyter_mlops.deploy.engines import LABELS, PROBABILITIES, EstimatorEngine
from jupyter_mlops.deploy.members import pack
from jupyter_mlops.deploy.schema import Column, ModelSchema, Rows, Tensor
from jupyter_mlops.deploy.statistics import reference_statistics
from jupyter_mlops.deploy.training import training_data
from jupyter_mlops.deploy.trust import Trust, sign
from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store.objects import hash_bytes
from jupyter_mlops.store.records import ArtifactRecord
from jupyter_mlops.tracking.model import Model
from jupyter_mlops.tracking.signature import Signature

__all__ = ["Ingredients", "make_bundle", "schema_of"]

_MOST_ROWS = 50_000
_COMPARED = 2_000
_LARGEST_SINGLE = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Ingredients:
    """What a bundle is made of.

    Args:
        model: The registered version, loaded.
        before: Names and values that are applied before it, in their order.
        signature: Of what comes first.
        name: Of the variable that the model is.
        around: Values that the training data may be among: of each artifact of the step that fitted what comes first.
        fitted: Names of what it was fitted with, as far as the code says.
        environment: What the run recorded of its environment.
        lineage: What the model came from.
    """

    model: Model
    before: tuple[tuple[str, Any], ...]
    signature: Signature
    name: str
    around: Callable[[], Sequence[tuple[ArtifactRecord, Mapping[str, Any]]]]
    fitted: tuple[str, ...]
    environment: Mapping[str, Any]
    lineage: Mapping[str, Any]


def make_bundle(
    made_of: Ingredients, folder: Path, *, rows: Any = None, key: Path | None = None, use_onnx: bool = True
) -> Bundle:
    """Make a bundle.

    Args:
        folder: Where it is to be; it must not be there, or be empty.
        rows: Real rows to describe and compare on, where the training data isn't found, or other ones are better.
        key: A private key that signs it.
        use_onnx: Whether a converted model may take the estimator's place.

    Raises:
        UsageError: The folder is in the way, or the model can't be bundled.
        InfrastructureError: The disk is full or failed.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", hint="Name a new folder.")
    members = [*(value for _, value in made_of.before), made_of.model.value]
    schema, checked = _described(made_of, members, rows)
    schema = replace(schema, outputs=_outputs(members, schema, checked))
    compared = None if checked is None else _spread(checked, _COMPARED)
    converted = convert(members, schema, compared) if use_onnx else Converted(reason="it was not asked for")
    if converted.content is not None:
        schema = _as_compared(schema, checked, converted)
    content = _contents(made_of, schema, converted, members, checked)
    return _written(content, folder, key)


def _described(made_of: Ingredients, members: Sequence[Any], rows: Any) -> tuple[ModelSchema, Rows | None]:
    """What the model takes, and real rows: those that were given, else the first candidates that it can predict."""
    if rows is not None:
        schema = schema_of(made_of.signature, members, rows)
        return schema, _some_rows(rows, schema)
    for data in training_data(made_of.signature, made_of.around(), made_of.fitted):
        schema = schema_of(made_of.signature, members, data)
        with contextlib.suppress(Exception):  # other data, that happen to have the same columns
            checked = _some_rows(data, schema)
            EstimatorEngine(members, schema).run(checked, (LABELS,))
            return schema, checked
    return schema_of(made_of.signature, members), None


def schema_of(signature: Signature, members: Sequence[Any], data: Any = None) -> ModelSchema:
    """Return what a model takes, by its signature and, where it is known, the data that it was trained with.

    Args:
        members: Preprocessing, then what predicts.
        data: A frame or an array.
    """
    tags = [_allows_missing(item) for item in members]
    allowed = None if None in tags and False not in tags else all(tags)
    classes = signature.classes or tuple(_plain(getattr(members[-1], "classes_", ())))
    if not signature.inputs:
        seen = data is not None and bool(np.isnan(_floats(data)).any())
        missing = allowed if data is not None else allowed is not False
        dtype = str(getattr(data, "dtype", None) or signature.dtype or "float64")
        width = signature.features if data is None else int(np.shape(data)[1])
        known = dtype if np.dtype(dtype).kind in "fiub" else "float64"
        return ModelSchema("array", (), width, known, bool(missing or seen), classes)
    columns = []
    for item in signature.inputs:
        if data is None:
            columns.append(Column(item.name, item.dtype or "float64", allowed is not False))
            continue
        values = data[item.name]
        dtype = str(values.dtype)
        categories = tuple(_plain(values.cat.categories)) if dtype == "category" else None
        columns.append(Column(item.name, dtype, bool(allowed or values.isna().any()), categories))
    return ModelSchema("frame", tuple(columns), None, "float64", True, classes)


def _as_compared(schema: ModelSchema, rows: Rows | None, converted: Converted) -> ModelSchema:
    """The converted model was compared on these rows: a value may be missing where it was missing there."""
    assert rows is not None  # it was compared
    largest = _LARGEST_SINGLE if converted.single else schema.largest
    if schema.layout == "array":
        return replace(schema, largest=largest, missing=bool(np.isnan(rows.matrix).any()))
    columns = tuple(replace(item, missing=_has_gaps(rows.column(item.name))) for item in schema.columns)
    return replace(schema, largest=largest, columns=columns)


def _has_gaps(values: Any) -> bool:
    if values.dtype.kind == "f":
        return bool(np.isnan(values).any())
    return any(item is None or item != item for item in values.tolist())


def _outputs(members: Sequence[Any], schema: ModelSchema, rows: Rows | None) -> tuple[Tensor, ...]:
    last = members[-1]
    has_chances = bool(schema.classes) and callable(getattr(last, "predict_proba", None))
    kind, shape = _label_type(schema.classes), (-1,)
    if rows is not None and len(rows):
        found = EstimatorEngine(members, schema).run(rows.part(0, 2), (LABELS,))[LABELS]
        kind, shape = _datatype(found.dtype), (-1, *found.shape[1:])
    outputs = [Tensor(LABELS, kind, shape)]
    if has_chances:
        outputs.append(Tensor(PROBABILITIES, "FP64", (-1, len(schema.classes))))
    return tuple(outputs)


def _contents(
    made_of: Ingredients, schema: ModelSchema, converted: Converted, members: Sequence[Any], rows: Rows | None
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    about = []
    names = [*(name for name, _ in made_of.before), made_of.name]
    for at, (name, value) in enumerate(zip(names, members, strict=True)):
        packed = pack(value)
        file = f"members/{at}{packed.suffix}"
        files[file] = packed.content
        about.append({"name": name, "file": file, "form": packed.form, "type": _type_name(value)})
    if converted.content is not None:
        files["model.onnx"] = converted.content
    outputs = [item.name for item in schema.outputs]
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "model": made_of.model.name,
        "version": made_of.model.version,
        "run": made_of.model.run.run_id,
        "engine": "estimator" if converted.content is None else "onnx",
        "onnx": _onnx(converted),
        "members": about,
        "signature": schema.to_json(),
        "python": sys.version.split()[0],
    }
    padding: int | None = 1
    if rows is not None and len(rows):
        engine = _engine(manifest, converted, members, schema)
        part = _spread(rows, _COMPARED)
        padding = independent_padding(engine, part, outputs)
        found = engine.run(rows, outputs)
        files["statistics.json"] = canonical(reference_statistics(rows, found, schema))
        files["example.json"] = canonical(_example(rows.part(0, 2)))
    else:
        padding = None  # nobody could look
    manifest["batching"] = {"padding": padding}
    files["requirements.txt"] = _requirements(made_of.environment)
    files["environment.json"] = canonical(dict(made_of.environment))
    files["lineage.json"] = canonical(dict(made_of.lineage))
    files[MANIFEST] = canonical(manifest)
    return files


def _engine(manifest: Mapping[str, Any], converted: Converted, members: Sequence[Any], schema: ModelSchema) -> Any:
    from jupyter_mlops.deploy.engines import OnnxEngine

    if converted.content is None:
        return EstimatorEngine(members, schema)
    return OnnxEngine(
        converted.content, schema, single=converted.single, by_column=converted.by_column, names=converted.names
    )


def _onnx(converted: Converted) -> dict[str, Any]:
    return {
        "used": converted.content is not None,
        "reason": converted.reason,
        "rows_compared": converted.rows,
        "largest_difference": converted.difference,
        "float": "float32" if converted.single else "float64",
        "inputs": "columns" if converted.by_column else "matrix",
        "outputs": dict(converted.names),
    }


def _written(files: Mapping[str, bytes], folder: Path, key: Path | None) -> Bundle:
    """Write all, then give it its name: a folder of that name is whole."""
    digests = {name: hash_bytes(content) for name, content in files.items()}
    digest = bundle_digest(digests)
    signature = None if key is None else sign(digest, key)
    target = folder.parent / digest if folder.name == "*" else folder
    temporary = folder.parent / f".{secrets.token_hex(6)}.tmp"
    try:
        for name, content in files.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content)
        _write(temporary / DIGESTS, canonical({"files": digests, "digest": digest}))
        if signature is not None:
            _write(temporary / SIGNATURE, signature)
        if target.exists() and (folder.name == "*" or not any(target.iterdir())):
            shutil.rmtree(target)
        temporary.rename(target)
    except OSError as error:
        raise InfrastructureError(f"The bundle {target} can't be written: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(temporary)
    return read_bundle(target, Trust(digests=frozenset([digest])))


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _some_rows(data: Any, schema: ModelSchema) -> Rows:
    length = len(data)
    if length > _MOST_ROWS:
        at = np.linspace(0, length - 1, _MOST_ROWS).astype(int)
        data = data.iloc[at] if hasattr(data, "iloc") else data[at]
    return rows_from(data, schema)


def _spread(rows: Rows, most: int) -> Rows:
    if len(rows) <= most:
        return rows
    at = np.linspace(0, len(rows) - 1, most).astype(int)
    if rows.matrix is not None:
        return Rows(rows.schema, rows.matrix[at])
    return Rows(rows.schema, None, {name: values[at] for name, values in rows.columns.items()})


def _example(rows: Rows) -> dict[str, Any]:
    if rows.schema.layout == "array":
        return {"instances": rows.matrix.tolist()}
    columns = [rows.column(name).tolist() for name in rows.schema.names]
    whole = [item.kind == "integer" for item in rows.schema.columns]
    data = [
        [int(value) if is_whole and value == value else value for value, is_whole in zip(row, whole, strict=True)]
        for row in zip(*columns, strict=True)
    ]
    return {"dataframe_split": {"columns": list(rows.schema.names), "data": data}}


def _requirements(environment: Mapping[str, Any]) -> bytes:
    known = environment.get("distributions") or environment.get("packages") or {}
    lines = [f"{name}=={version}" for name, version in sorted(known.items())] if isinstance(known, Mapping) else []
    return ("\n".join(lines) + "\n").encode()


def _allows_missing(value: Any) -> bool | None:
    """Whether an estimator says that it copes with missing values; None if it says nothing."""
    try:
        from sklearn.utils import get_tags

        return bool(get_tags(value).input_tags.allow_nan)
    except Exception:  # older versions, and what is no estimator
        return None


def _floats(data: Any) -> Any:
    try:
        return np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        return np.zeros(1)


def _plain(values: Any) -> list[Any]:
    found = values.tolist() if hasattr(values, "tolist") else list(values)
    return [item if isinstance(item, (bool, int, float, str)) else str(item) for item in found]


def _type_name(value: Any) -> str:
    cls = type(value)
    return f"{cls.__module__}.{cls.__qualname__}"


def _label_type(classes: Sequence[Any]) -> str:
    kinds = {type(item) for item in classes}
    return {frozenset([int]): "INT64", frozenset([bool]): "BOOL", frozenset([str]): "BYTES"}.get(
        frozenset(kinds), "FP64"
    )


def _datatype(dtype: Any) -> str:
    kind = np.dtype(dtype).kind
    return {"i": "INT64", "u": "INT64", "b": "BOOL", "f": "FP64"}.get(kind, "BYTES")
