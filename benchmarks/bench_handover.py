"""How fast a large value goes from one step to the next, against writing its raw bytes to the same disk."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

from budget import Line

SIZE = 10**9
PAIRS = 7
READ_BUDGET = 0.05
SHARE = 0.8
ENGINE_MB = 200
CHUNK = 8 << 20


def measure() -> list[Line]:
    """Write and read an array and a frame of one gigabyte; hand two gigabytes over in a run."""
    return [*_values(), _engine_memory()]


def _values() -> list[Line]:
    # In a process of its own, as in a kernel: what other benchmarks left in memory does not count.
    script = Path(__file__).resolve()
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    return [Line(**fields) for fields in json.loads(done.stdout)]


def _measure_values() -> list[dict[str, Any]]:
    import numpy as np
    import pandas as pd

    rows = SIZE // 80
    array = np.random.default_rng(0).random(SIZE // 8)
    values = {"array": array, "frame": pd.DataFrame(array.reshape(10, rows).T, columns=list("abcdefghij"))}
    lines = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("MLOPS_BENCH_FOLDER", ".")) as folder:
        for name, value in values.items():
            ratios, reads = zip(*(_pair(Path(folder), value, array) for _ in range(PAIRS)), strict=True)
            lines.append(
                {
                    "what": f"write a 1 GB {name}, against its raw bytes",
                    "value": statistics.median(ratios),
                    "budget": 1 / SHARE,
                    "unit": "times",
                }
            )
            lines.append(
                {"what": f"read a 1 GB {name} mapped", "value": statistics.median(reads), "budget": READ_BUDGET}
            )
    return lines


def _pair(folder: Path, value: Any, raw: Any) -> tuple[float, float]:
    """Seconds of writing a value as a part of those of writing raw bytes, both forced to disk; seconds of reading."""
    from jupyter_mlops.runtime.serializers import choose
    from jupyter_mlops.runtime.usercode import UserCode
    from jupyter_mlops.runtime.writer import HashingFile

    plain, ours = folder / "raw", folder / "value"
    seconds = [_timed(lambda: _write_raw(plain, raw))]
    serializer = choose((value,))
    user = UserCode({}, frozenset(), "bench/step")

    def write() -> None:
        with HashingFile(ours) as file:
            serializer.write(file, (value,), user)
        assert file.digest

    written = _timed(write)
    plain.unlink()
    seconds.append(_timed(lambda: _write_raw(plain, raw)))  # around ours: the disk's mood changes
    read = _timed(lambda: serializer.read(ours, {}))
    plain.unlink()
    ours.unlink()
    return written / statistics.mean(seconds), read


def _write_raw(path: Path, raw: Any) -> None:
    memory = memoryview(raw).cast("B")
    with path.open("wb", buffering=0) as file:
        for start in range(0, memory.nbytes, CHUNK):
            file.write(memory[start : start + CHUNK])
        os.fsync(file.fileno())


def _timed(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _engine_memory() -> Line:
    """Peak memory of the engine's process, without its kernels, while an array of 2 GB crosses a boundary."""
    cells = [
        ("step:make", "import numpy as np\nx = np.ones(250_000_000)"),
        ("step:take|metrics", "total = float(x[:10].sum())"),
    ]
    made = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {"tags": tags.split("|")},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, (tags, source) in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    script = textwrap.dedent("""
        import resource, sys
        from jupyter_mlops import api
        result = api.run(sys.argv[1])
        assert result.metrics == {"total": 10.0}, result
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    """)
    with tempfile.TemporaryDirectory(dir=os.environ.get("MLOPS_BENCH_FOLDER", ".")) as folder:
        notebook = Path(folder) / "two.ipynb"
        content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": made}
        notebook.write_text(json.dumps(content), encoding="utf-8")
        environment = {**os.environ, "JUPYTER_MLOPS_HOME": str(Path(folder) / ".mlops")}
        done = subprocess.run(
            [sys.executable, "-c", script, str(notebook)], capture_output=True, text=True, check=True, env=environment
        )
    return Line("the engine's memory while 2 GB are handed over", float(done.stdout.split()[-1]), ENGINE_MB, "MB")


if __name__ == "__main__":
    print(json.dumps(_measure_values()))
