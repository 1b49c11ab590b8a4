"""How values become files: one registry, asked in order."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import LoadError

if TYPE_CHECKING:
    from .usercode import UserCode
    from .writer import HashingFile

__all__ = ["SERIALIZERS", "SERIALIZER_VERSION", "Serializer", "choose", "read_artifact"]

SERIALIZER_VERSION = 1
"""Changes whenever the same value would be written differently: artifacts of another version are not reused."""

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Serializer:
    """One way to store values.

    Args:
        name: As recorded with the artifact.
        suffix: Of its files.
        accepts: Whether it stores these values faithfully.
        write: Writes them.
        read: Reads them again; the second argument is the user's namespace.
    """

    name: str
    suffix: str
    accepts: Callable[[Values], bool]
    write: Callable[[HashingFile, Values, UserCode], None]
    read: Callable[[Path, dict[str, Any]], Values]


def choose(values: Values) -> Serializer:
    """Return the first serializer that stores these values faithfully."""
    return next(item for item in SERIALIZERS if item.accepts(values))


def read_artifact(
    path: Path, serializer: str, names: Sequence[str], namespace: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Read an artifact of values.

    Args:
        names: What the artifact holds, in the order of saving.
        namespace: Where functions and classes of the notebook are found; a fresh one if left out.

    Returns:
        The values by name; a variable that was not bound at the end of its step is left out.

    Raises:
        LoadError: It cannot be read.
    """
    if serializer == "absent":
        return {}
    reader = next((item for item in SERIALIZERS if item.name == serializer), None)
    if reader is None:
        raise LoadError(f"{path}: unknown serializer {serializer!r}")
    values = reader.read(path, {"__builtins__": __builtins__} if namespace is None else namespace)
    if len(values) != len(names):
        raise LoadError(f"{path} holds {len(values)} values, not the {len(names)} expected: {', '.join(names)}")
    found = dict(zip(names, values))  # noqa: B905 (Python 3.9)
    if serializer == "pickle":
        from .pickling import UNBOUND

        found = {name: value for name, value in found.items() if value is not UNBOUND}
    return found


def _is(value: Any, qualified_name: str) -> bool:
    cls = type(value)
    return f"{cls.__module__}.{cls.__qualname__}" == qualified_name


def _accepts_numpy(values: Values) -> bool:
    if len(values) != 1 or not _is(values[0], "numpy.ndarray"):
        return False
    from .arrays import dtype_to_text

    array = values[0]
    whole = array.flags.c_contiguous or array.flags.f_contiguous
    return bool(whole and array.flags.writeable and array.dtype.names is None and dtype_to_text(array.dtype))


def _write_numpy(file: HashingFile, values: Values, _: UserCode) -> None:
    import numpy as np

    from .arrays import extent, raw_memory

    (array,) = values
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    file.write(header.getbuffer())
    low, high = extent(array)
    if high > low:
        file.write(raw_memory(low, high))


def _read_numpy(path: Path, _: dict[str, Any]) -> Values:
    import numpy as np

    from .arrays import OWN_LIMIT
    from .container import map_file

    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        start = file.tell()
    if 0 in shape or dtype.itemsize == 0:
        return (np.empty(shape, dtype, order="F" if fortran else "C"),)
    memory = map_file(path)[start:]
    array: Any = np.ndarray(shape, dtype, buffer=memory, order="F" if fortran else "C")
    return (array.copy(order="K") if array.nbytes <= OWN_LIMIT else array,)


def _accepts_arrow(values: Values) -> bool:
    if len(values) != 1 or not _is(values[0], "polars.dataframe.frame.DataFrame"):
        return False
    return not any("Object" in str(dtype) for dtype in values[0].dtypes)


def _write_arrow(file: HashingFile, values: Values, _: UserCode) -> None:
    values[0].write_ipc(file, compression="uncompressed")


def _read_arrow(path: Path, _: dict[str, Any]) -> Values:
    import polars

    return (polars.read_ipc(path),)


def _write_pickle(file: HashingFile, values: Values, user: UserCode) -> None:
    from .container import write_container

    write_container(file, values, user)


def _read_pickle(path: Path, namespace: dict[str, Any]) -> Values:
    from .container import read_container

    return read_container(path, namespace)


SERIALIZERS: tuple[Serializer, ...] = (
    Serializer("numpy", ".npy", _accepts_numpy, _write_numpy, _read_numpy),
    Serializer("arrow", ".arrow", _accepts_arrow, _write_arrow, _read_arrow),
    Serializer("pickle", ".pickle5", lambda values: True, _write_pickle, _read_pickle),
)
"""``pickle`` comes last and takes everything: frames, estimators, figures, tensors, plain data and groups of values."""
