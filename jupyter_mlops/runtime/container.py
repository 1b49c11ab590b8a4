"""The file of a graph of values: a pickle, the memory its arrays look at, a table of both.

    header   64 bytes: magic, version, zeros
    pickle   from byte 64
    regions  each at a multiple of 64 bytes, as they lie in memory
    table    JSON: where the pickle and the regions are; per array region, offset, shape, strides, dtype
    footer   32 bytes: offset and size of the table (little-endian), magic

The file is written front to back and mapped copy-on-write when it is read: arrays are views of it.
"""

from __future__ import annotations

import io
import json
import mmap
import struct
from pathlib import Path
from typing import Any

from .arrays import restore_arrays
from .errors import LoadError
from .pickling import no_collection, pickle_graph, unpickle_graph
from .usercode import UserCode
from .writer import HashingFile

__all__ = ["map_file", "read_container", "write_container"]

MAGIC = b"\x93MLOPS\r\n"
VERSION = 1
ALIGNMENT = 64
FOOTER = struct.Struct("<QQ8x8s")


def write_container(file: HashingFile, values: tuple[Any, ...], user: UserCode) -> None:
    """Write values that are saved together."""
    with no_collection():
        _write(file, values, user)


def _write(file: HashingFile, values: tuple[Any, ...], user: UserCode) -> None:
    stream, table = pickle_graph(values, user)
    regions, arrays, buffers = table.plan()
    file.write(MAGIC + struct.pack("<I", VERSION))
    file.pad(ALIGNMENT)
    layout: dict[str, Any] = {"pickle": [file.size, stream.nbytes], "regions": [], "arrays": arrays, "buffers": buffers}
    file.write(stream)
    for region in regions:
        file.pad(ALIGNMENT)
        layout["regions"].append([file.size, region.size])
        region.write(file.write)
    file.pad(ALIGNMENT)
    text = json.dumps(layout, separators=(",", ":")).encode()
    start = file.size
    file.write(text)
    file.write(FOOTER.pack(start, len(text), MAGIC))


def read_container(path: Path, namespace: dict[str, Any]) -> tuple[Any, ...]:
    """Read what ``write_container`` wrote.

    Raises:
        LoadError: The file is not whole, or is of another version.
    """
    memory = map_file(path)
    layout = _layout(memory, path)
    arrays = restore_arrays(layout["arrays"], layout["regions"], memory)
    buffers = []
    for region, offset, size in layout["buffers"]:
        start = layout["regions"][region][0] + offset
        buffers.append(memory[start : start + size])
    start, size = layout["pickle"]
    values: tuple[Any, ...] = unpickle_graph(_Stream(memory[start : start + size]), arrays, buffers, namespace)
    return values


def map_file(path: Path) -> memoryview:
    """Map a file into memory; changes stay in this process."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return memoryview(bytearray())
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


def _layout(memory: memoryview, path: Path) -> dict[str, Any]:
    if memory.nbytes < ALIGNMENT + FOOTER.size or memory[: len(MAGIC)] != MAGIC:
        raise LoadError(f"{path} is not an artifact of this format, or it is cut short")
    (version,) = struct.unpack_from("<I", memory, len(MAGIC))
    if version != VERSION:
        raise LoadError(f"{path} was written by another version of jupyter_mlops (format {version}, not {VERSION})")
    start, size, magic = FOOTER.unpack(memory[-FOOTER.size :])
    if magic != MAGIC or start + size + FOOTER.size != memory.nbytes:
        raise LoadError(f"{path} is cut short or damaged")
    layout: dict[str, Any] = json.loads(bytes(memory[start : start + size]))
    return layout


class _Stream(io.RawIOBase):
    """Reads a memoryview without copying it as a whole."""

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._position = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        end = self._memory.nbytes if size < 0 else self._position + size
        data = bytes(self._memory[self._position : end])
        self._position += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self._memory[self._position : self._position + len(buffer)]
        buffer[: data.nbytes] = data
        self._position += data.nbytes
        return data.nbytes

    def readline(self, size: int | None = -1) -> bytes:  # part of what pickle asks of a file
        raise io.UnsupportedOperation("readline")
