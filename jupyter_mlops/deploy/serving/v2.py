"""The Open Inference Protocol (v2) over HTTP: tensors in JSON, or behind it as bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from jupyter_mlops.deploy.checks import rows_from_columns, rows_from_matrix
from jupyter_mlops.deploy.schema import NUMBERS, InputError, ModelSchema, Rows
from jupyter_mlops.deploy.serving.binary import DTYPES, bytes_of, split_body, tensor_of
from jupyter_mlops.deploy.serving.calls import Answer, member, plain
from jupyter_mlops.deploy.serving.problems import Problem
from jupyter_mlops.deploy.serving.reading import json_of
from jupyter_mlops.notebook.names import printable

__all__ = ["InferCall"]

_MATRIX_NAMES = ("input-0", "input")


class InferCall:
    """A request for an inference.

    Args:
        header_length: What ``Inference-Header-Content-Length`` says, if it was sent.

    Raises:
        Problem: The body makes no sense.
    """

    def __init__(self, body: bytes, header_length: bytes | None = None) -> None:
        head, self._tail = split_body(body, header_length)
        self._data = member(json_of(head))
        given = self._data.get("id")
        self.id: str | None = None if given is None or given == "" else str(given)
        inputs = self._data.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            raise Problem(400, 'The body has no "inputs", an array of tensors.', field="inputs")
        self._inputs = inputs
        outputs = self._data.get("outputs") or []
        if not isinstance(outputs, list):
            raise Problem(400, '"outputs" is no array.', field="outputs")
        self._outputs = [member(item, "outputs") for item in outputs]

    def rows(self, schema: ModelSchema) -> Rows:
        """Check the tensors."""
        tensors: dict[str, Any] = {}
        at = 0
        for item in self._inputs:
            name, values, used = self._tensor(item, at)
            at += used
            if name in tensors:
                raise Problem(400, f"The tensor {name} is there twice.", field=name)
            tensors[name] = values
        if at != len(self._tail):
            raise Problem(
                400, f"{len(self._tail) - at} bytes behind the JSON belong to no tensor.", field="binary_data_size"
            )
        return _rows(tensors, schema)

    def wanted(self, schema: ModelSchema) -> tuple[str, ...]:
        """Return the names of the outputs that are asked for; all by default."""
        known = tuple(item.name for item in schema.outputs)
        if not self._outputs:
            return known
        names = tuple(dict.fromkeys(str(item.get("name")) for item in self._outputs))
        for name in names:
            if name not in known:
                raise Problem(
                    400, f"The model has no output {printable(name)[:80]!r}; it has {', '.join(known)}.", field=name
                )
        return names

    def answer(self, outputs: Mapping[str, Any], schema: ModelSchema, model: str, version: int, id: str) -> Answer:
        """Write the outputs, as JSON or as bytes, as was asked for."""
        binary = self._binary(outputs)
        kinds = {item.name: item.datatype for item in schema.outputs}
        described: list[dict[str, Any]] = []
        tail: list[bytes] = []
        for name, values in outputs.items():
            about: dict[str, Any] = {"name": name, "datatype": kinds[name], "shape": list(values.shape)}
            if name in binary:
                content = bytes_of(values, kinds[name])
                tail.append(content)
                about["parameters"] = {"binary_data_size": len(content)}
            else:
                about["data"] = plain(values.ravel())
            described.append(about)
        head = orjson.dumps({"model_name": model, "model_version": str(version), "id": id, "outputs": described})
        if not tail:
            return Answer(head)
        length = (b"inference-header-content-length", str(len(head)).encode())
        return Answer(b"".join([head, *tail]), ((b"content-type", b"application/octet-stream"), length))

    def _binary(self, outputs: Mapping[str, Any]) -> set[str]:
        parameters = self._data.get("parameters")
        everything = isinstance(parameters, dict) and parameters.get("binary_data_output") is True
        found = set(outputs) if everything else set()
        for item in self._outputs:
            wish = (item.get("parameters") or {}).get("binary_data")
            if wish is True:
                found.add(str(item.get("name")))
            elif wish is False:
                found.discard(str(item.get("name")))
        return found

    def _tensor(self, item: Any, at: int) -> tuple[str, Any, int]:
        """Return a tensor's name, its values, and how many bytes of the tail it took."""
        about = member(item, "inputs")
        name = about.get("name")
        if not isinstance(name, str) or not name:
            raise Problem(400, "A tensor has no name.", field="name")
        datatype = about.get("datatype")
        if datatype != "BYTES" and datatype not in NUMBERS:
            raise Problem(400, f"The tensor {name} has the unknown datatype {str(datatype)[:40]!r}.", field=name)
        shape = about.get("shape")
        if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
            raise Problem(400, f"The tensor {name} has no shape of whole numbers that are not negative.", field=name)
        parameters = about.get("parameters")
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if size is not None:
            return name, tensor_of(self._tail, at, size, name, datatype, shape), size
        if "data" not in about:
            raise Problem(400, f"The tensor {name} has no data.", field=name)
        return name, _from_json(about["data"], name, datatype, shape), 0


def _rows(tensors: Mapping[str, Any], schema: ModelSchema) -> Rows:
    if len(tensors) == 1:
        name, values = next(iter(tensors.items()))
        if name in _MATRIX_NAMES and name not in schema.names:
            if values.ndim != 2:
                raise Problem(
                    400,
                    f"The tensor {name} has the shape {list(values.shape)}; rows and columns are meant.",
                    field=name,
                )
            return rows_from_matrix(values, schema)
    known = schema.names if schema.layout == "frame" else _MATRIX_NAMES[:1]
    unknown = [name for name in tensors if name not in known]
    missing = [name for name in known if name not in tensors]
    if unknown:
        some = ", ".join(map(printable, known[:20])) + (", …" if len(known) > 20 else "")
        raise InputError(
            f"The model takes no tensor {printable(unknown[0])[:80]!r}; it takes {some}.", field=unknown[0]
        )
    if missing:
        raise InputError(f"The tensor {printable(missing[0])} is missing.", field=missing[0])
    for name, values in tensors.items():
        if values.ndim > 2 or (values.ndim == 2 and values.shape[1] != 1):
            raise InputError(
                f"The tensor {printable(name)} has the shape {list(values.shape)}; the model takes [-1, 1].", field=name
            )
    return rows_from_columns({name: values.ravel() for name, values in tensors.items()}, schema)


def _from_json(data: Any, name: str, datatype: str, shape: list[int]) -> Any:
    if not isinstance(data, list):
        raise Problem(400, f"The data of the tensor {name} are no array.", field=name)
    if datatype == "BYTES":
        flat = _flattened(data, name)
        values = np.empty(len(flat), object)
        values[:] = flat
    else:
        values = _numbers(data, name, datatype)
    if values.size != math.prod(shape):
        raise Problem(
            400,
            f"The tensor {name} has {values.size} values; its shape {shape} says {math.prod(shape)}.",
            field=name,
        )
    return values.reshape(shape)


def _numbers(data: list[Any], name: str, datatype: str) -> Any:
    try:
        values = np.asarray(data)
    except ValueError:
        raise Problem(400, f"The data of the tensor {name} are arrays of several lengths.", field=name) from None
    kind = values.dtype.kind
    wanted = {"F": "fiu", "I": "iu", "U": "iu", "B": "b"}[datatype[0]]
    if kind in wanted or not values.size:
        return values if values.size else values.astype(DTYPES[datatype])
    if kind == "O":  # null among numbers, or a number that is too large
        return values
    if datatype[0] in "IU" and kind == "f" and np.isnan(values).any():
        return values
    kinds = {"U": "text", "f": "a number with a fraction", "b": "a truth value"}
    raise Problem(
        400, f"The tensor {name} is {datatype}, but its data have {kinds.get(kind, 'something else')}.", field=name
    )


def _flattened(data: list[Any], name: str) -> list[Any]:
    flat: list[Any] = []
    waiting = [iter(data)]
    while waiting:
        for item in waiting[-1]:
            if isinstance(item, list):
                if len(waiting) > 8:
                    raise Problem(400, f"The data of the tensor {name} are nested too deeply.", field=name)
                waiting.append(iter(item))
                break
            flat.append(item)
        else:
            waiting.pop()
    return flat
