"""Compiling for Kubeflow, against Kale on the same notebook; and what a container's step costs before the user's code.

Kale is measured where ``MLOPS_BENCH_KALE`` names the folder of an environment that it is installed in: it needs one
of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from budget import Row, ratio
from measuring import CommandFailed, Cost, Effort, in_turn, median, mlops, run, workplace
from notebooks.make_diamond import diamond, write

STEPS = 40
KALE = "MLOPS_BENCH_KALE"
_IMPORT = "import jupyter_mlops.api.kubeflow, jupyter_mlops.kubeflow.compiling"
_FIRST_LINE = "import time; print(time.process_time())"


def measure(effort: Effort) -> list[Row]:
    """Compile the diamond with both; start a step as its container does."""
    with workplace() as (folder, env):
        write(kale_diamond(STEPS), folder / "diamond.ipynb")
        tasks: dict[str, Callable[[], Cost]] = {
            "ours": lambda: run(mlops("compile", "diamond.ipynb", "--image", "x:1"), cwd=folder, env=env),
            "import": lambda: run([sys.executable, "-c", _IMPORT], cwd=folder, env=env),
        }
        kale = _kale()
        if kale is not None:
            tasks["kale"] = lambda: run([str(kale / "kale"), "--nb", "diamond.ipynb"], cwd=folder)
            tasks["kale import"] = lambda: run([str(kale / "python"), "-c", "import kale.cli"], cwd=folder)
        costs = {name: median(found) for name, found in in_turn(effort.tries, tasks).items()}
        starts, kfp = _starts(effort, folder, env)
    note = f"{STEPS} steps, whole process; {costs['ours'].wall:.2f} s of wall time"
    rows = [_against(f"compile, processor time, to `kale --nb` ({STEPS} steps)", costs, "ours", "kale", note)]
    rows.append(_against("import of what compiles, processor time, to Kale's", costs, "import", "kale import", ""))
    least = f"best of {len(starts)}: {min(starts):.2f} s to {max(starts):.2f} s"
    rows.append(Row("container's step, processor time until the user's first line", min(starts), 1.5, "s", note=least))
    if kfp is not None:
        what = "the same, to a lightweight component of kfp that installs kfp first"
        note = "processor time; of kfp the whole component, pip included"
        rows.append(ratio(what, statistics.median(starts), kfp, 1.0, note=note))
    return rows


def kale_diamond(steps: int) -> dict[str, Any]:
    """Return the diamond in the part of the tag language that Kale knows as well."""
    notebook = diamond(steps)
    parts: list[str] = []
    for cell in notebook["cells"]:
        tags = cell["metadata"].get("tags", [])
        name = next((tag[5:].replace(" ", "_") for tag in tags if tag.startswith("step:")), None)
        if name is None:
            continue
        if "metrics" in tags:
            cell["metadata"]["tags"] = ["skip"]  # Kale takes only names that are printed
            continue
        before = ["source"] if name.startswith("part") else parts if name == "join" else []
        parts += [name] if name.startswith("part") else []
        cell["metadata"]["tags"] = [f"step:{name}", *(f"prev:{other}" for other in before)]
    notebook["metadata"]["kubeflow_notebook"] = {
        "pipeline_name": "diamond",
        "pipeline_description": "",
        "experiment": {"id": "new", "name": "bench"},
        "experiment_name": "bench",
        "base_image": "python:3.11",
        "volumes": [],
    }
    return notebook


def _kale() -> Path | None:
    place = os.environ.get(KALE)
    if not place:
        return None
    programs = Path(place) / "bin"
    return programs if (programs / "kale").is_file() else None


def _against(what: str, costs: Mapping[str, Cost], ours: str, peer: str, note: str) -> Row:
    if peer not in costs:
        figure = f"ours {costs[ours].cpu:.2f} s of processor time; {KALE} names no environment with Kale"
        return Row(what, None, 0.3, note=figure)
    return ratio(what, costs[ours].cpu, costs[peer].cpu, 0.3, note=note)


def _starts(effort: Effort, folder: Path, env: Mapping[str, str]) -> tuple[list[float], float | None]:
    """Processor seconds until the user's first line, several times; and those of kfp's own component, once each."""
    write(_one_line(), folder / "one.ipynb")
    run(mlops("compile", "one.ipynb", "--image", "x:1", "-o", "one.yaml"), cwd=folder, env=env)
    container = _container(folder / "one.yaml")
    _started(container, folder, env)  # the first start compiles to bytecode
    tasks: dict[str, Callable[[], float | None]] = {"ours": lambda: _started(container, folder, env)}
    if effort.tries > 1:
        tasks["kfp"] = lambda: _kfp(folder)
    found = in_turn(effort.tries, tasks)
    kfp = [value for value in found.get("kfp", []) if value is not None]
    return [value for value in found["ours"] if value is not None], statistics.median(kfp) if kfp else None


def _one_line() -> dict[str, Any]:
    cell = {"cell_type": "code", "execution_count": None, "id": "a", "outputs": [], "source": _FIRST_LINE}
    cell["metadata"] = {"tags": ["step:one"]}
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _container(path: Path) -> dict[str, Any]:
    import yaml

    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: dict[str, Any] = spec["deploymentSpec"]["executors"]["exec-one"]["container"]
    return found


def _started(container: Mapping[str, Any], folder: Path, env: Mapping[str, str]) -> float:
    given = {"outputs": {"outputFile": str(folder / "out" / "output.json"), "artifacts": {}}}
    arguments = [json.dumps(given) if item == "{{$}}" else item for item in container["args"]]
    command = [sys.executable, *container["command"][1:], *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, cwd=folder, env={**environment, **env}, capture_output=True, text=True, timeout=120, check=True
    )
    return float(done.stdout)


_LIGHTWEIGHT = """
from kfp import dsl, local
@dsl.component
def one():
    import time
    print(time.process_time())
local.init(local.SubprocessRunner(use_venv=True), pipeline_root="kfp")
assert one() is not None
"""


def _kfp(folder: Path) -> float | None:
    """A lightweight component in an environment that does not have kfp; None where pip can't install it."""
    program = folder / "lightweight.py"
    program.write_text(_LIGHTWEIGHT, encoding="utf-8")
    try:
        whole = run([sys.executable, str(program)], cwd=folder).cpu
        return whole - run([sys.executable, "-c", "import kfp"], cwd=folder).cpu
    except (CommandFailed, subprocess.TimeoutExpired):
        return None
