"""Large values: written against raw bytes, read back, and the engine's memory meanwhile."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from budget import Row
from measuring import Effort, in_turn, mlops, run, workplace
from notebooks.make_chain import handover
from notebooks.make_diamond import write

from jupyter_mlops.runtime.serializers import choose, read_artifact
from jupyter_mlops.runtime.usercode import UserCode
from jupyter_mlops.runtime.writer import HashingFile

_CHUNK = 8 * 1024 * 1024
_COLUMNS = 8


def measure(effort: Effort) -> list[Row]:
    """Write and read an array and a frame; run a notebook that hands an array over."""
    count = int(effort.gigabytes * 1e9 / 8) // _COLUMNS * _COLUMNS
    array = np.arange(count, dtype=np.float64)
    frame = pd.DataFrame(np.arange(count, dtype=np.float64).reshape(-1, _COLUMNS), columns=list("abcdefgh"))
    size = f"{effort.gigabytes:g} GB"
    rows = [*_value(f"{size} array", array, effort), *_value(f"{size} numeric frame", frame, effort)]
    del array, frame
    with workplace() as (folder, env):
        write(handover(2 * count), folder / "handover.ipynb")
        peak = run(mlops("run", "--no-cache", "handover.ipynb"), cwd=folder, env=env).peak / 1e6
    what = f"the engine's own memory while it hands over an array of {2 * effort.gigabytes:g} GB"
    return [*rows, Row(what, peak, 200, "MB", note="peak of the process")]


def _value(what: str, value: Any, effort: Effort) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as name:
        ours, raw = Path(name, "value"), Path(name, "raw")
        user = UserCode({}, (), "benchmark")
        serializer = choose((value,))
        memory = memoryview(np.ascontiguousarray(value)).cast("B")

        def write_ours() -> None:
            with HashingFile(ours) as file:
                serializer.write(file, (value,), user)

        tasks = {"ours": lambda: _seconds(ours, write_ours), "raw": lambda: _seconds(raw, lambda: _write(raw, memory))}
        times = {name: statistics.median(found) for name, found in in_turn(effort.tries, tasks).items()}
        reads = [_read(ours, serializer.name) for _ in range(effort.tries)]
    speed = times["raw"] / times["ours"]
    note = f"{times['ours']:.2f} s against {times['raw']:.2f} s, both with fsync; hashed on the way"
    return [
        Row(f"write a {what}, speed to that of its raw bytes", speed, 0.8, "x", True, note),
        Row(f"read a {what} back, mapped", statistics.median(reads), 0.05, "s"),
    ]


def _seconds(path: Path, write_file: Callable[[], None]) -> float:
    path.unlink(missing_ok=True)
    os.sync()
    start = time.perf_counter()
    write_file()
    return time.perf_counter() - start


def _write(path: Path, memory: memoryview) -> None:
    with path.open("xb", buffering=0) as file:
        for start in range(0, memory.nbytes, _CHUNK):
            file.write(memory[start : start + _CHUNK])
        os.fsync(file.fileno())


def _read(path: Path, serializer: str) -> float:
    start = time.perf_counter()
    read_artifact(path, serializer, ["value"])
    return time.perf_counter() - start
