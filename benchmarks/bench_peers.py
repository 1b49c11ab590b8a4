"""Five steps, nothing cached: against ploomber-engine on the same notebook, and kfp.local on the same steps."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

from budget import Row, ratio
from measuring import NOTEBOOKS, Cost, Effort, in_turn, median, mlops, run, workplace

_NAME = "five_steps.ipynb"
_PLOOMBER = Path(tempfile.gettempdir()) / "jupyter-mlops-bench-ploomber-engine"
"""An environment of its own: this project's packages, and ploomber-engine on top, which stays out of the project's."""


def measure(effort: Effort) -> list[Row]:
    """Run the five steps with each."""
    ploomber, problem = _ploomber()
    with workplace() as (folder, env):
        (folder / _NAME).write_bytes((NOTEBOOKS / _NAME).read_bytes())
        tasks: dict[str, Callable[[], Cost]] = {
            "ours": lambda: run(mlops("run", "--no-cache", _NAME), cwd=folder, env=env),
            "kfp": lambda: run([sys.executable, str(Path(__file__).with_name("kfp_five_steps.py")), "kfp"], cwd=folder),
        }
        if ploomber is not None:
            command, quiet = [str(ploomber), _NAME, "ploomber.ipynb"], {"PLOOMBER_STATS_ENABLED": "false"}
            tasks["ploomber"] = lambda: run(command, cwd=folder, env=quiet)
        walls = {name: median(found).wall for name, found in in_turn(effort.tries, tasks).items()}
    what = "five steps, nothing cached, to ploomber-engine"
    if ploomber is None:
        first = Row(what, None, 0.8, note=problem)
    else:
        version = subprocess.run(
            [ploomber.with_name("python"), "-c", "import ploomber_engine; print(ploomber_engine.__version__)"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        first = ratio(what, walls["ours"], walls["ploomber"], 0.8, note=f"version {version}")
    return [first, ratio("the same, to kfp.local in subprocesses", walls["ours"], walls["kfp"], 0.5)]


def _ploomber() -> tuple[Path | None, str]:
    """Return ploomber-engine's program, installed if it was missing; or None and the reason."""
    program = _PLOOMBER / "bin" / "ploomber-engine"
    python = program.with_name("python")
    try:
        if not program.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(_PLOOMBER)], check=True, timeout=120)
            place = sysconfig.get_path("purelib", vars={"base": str(_PLOOMBER), "platbase": str(_PLOOMBER)})
            ours = sysconfig.get_path("purelib")
            Path(place, "project.pth").write_text(f"{ours}\n", encoding="utf-8")
            install = [str(python), "-m", "pip", "install", "--quiet", "--quiet", "ploomber-engine"]
            subprocess.run(install, check=True, timeout=300, capture_output=True, text=True)
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"ploomber-engine can't be installed: {type(error).__name__}"
    return program, ""
