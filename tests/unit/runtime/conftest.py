from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.runtime.serializers import choose, read_artifact
from jupyter_mlops.runtime.states import STATES
from jupyter_mlops.runtime.usercode import UserCode
from jupyter_mlops.runtime.writer import HashingFile

ROOT = Path(__file__).resolve().parents[3]


class Handover:
    """Saves values and loads them again, as two steps would."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.digest = ""
        self.serializer = ""

    def write(self, *values: Any, namespace: dict[str, Any] | None = None, code: frozenset[str] = frozenset()) -> Path:
        self._count += 1
        path = self._folder / str(self._count)
        chosen = choose(values)
        with HashingFile(path, fsync=False) as file:
            chosen.write(file, values, UserCode({} if namespace is None else namespace, code, "p/s"))
        assert file.digest is not None
        self.digest, self.serializer = file.digest, chosen.name
        return path

    def __call__(self, *values: Any, stable: bool = True) -> Any:
        """Return the value (a tuple if there are several) as the next step gets it.

        With ``stable``, saving it again must give the same bytes.
        """
        path = self.write(*values)
        digest = self.digest
        names = [f"v{i}" for i in range(len(values))]
        loaded = tuple(read_artifact(path, self.serializer, names).values())
        if stable:
            self.write(*loaded)
            assert self.digest == digest, "a value passed on unchanged must keep its digest"
        return loaded if len(loaded) > 1 else loaded[0]


@pytest.fixture
def handover(tmp_path: Path) -> Handover:
    folder = tmp_path / "objects"
    folder.mkdir()
    return Handover(folder)


def _save(step: str, names: list[str]) -> dict[str, Any]:
    kind = "state" if names[0] in STATES else "value"
    return {"id": f"{step}.{names[0]}", "kind": kind, "names": names}


class Steps:
    """Runs pieces of code as steps, each in a process of its own, as the runtime's cells would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._results: dict[str, dict[str, Any]] = {}

    def run(
        self,
        source: str,
        *,
        step: str = "s",
        replay: str = "",
        loads: list[dict[str, Any]] | None = None,
        saves: list[list[str]] | None = None,
        code: list[str] | None = None,
        seed: str = "0",
    ) -> str:
        """Run one step and return what it prints."""
        output = self.folder / step
        context = {
            "schema": 1,
            "pipeline": "p",
            "step": step,
            "name": step,
            "loads": loads or [],
            "saves": [_save(step, names) for names in saves or []],
            "code": code or [],
            "metrics": [],
            "output_dir": str(output),
            "fsync": False,
        }
        place = self.folder / f"{step}.json"
        place.write_text(json.dumps(context), encoding="utf-8")
        cells = [replay, "load(globals())", source, "save(globals())"]
        lines = "\n".join(textwrap.dedent(cell) for cell in cells)
        script = f"from jupyter_mlops.runtime import load, save\n{lines}\n"
        environment = {
            **os.environ,
            "JUPYTER_MLOPS_STEP": str(place),
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error::DeprecationWarning:__main__",
        }
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, cwd=self.folder, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        self._results[step] = json.loads((output / "result.json").read_text(encoding="utf-8"))
        return done.stdout

    def loads(self, step: str) -> list[dict[str, Any]]:
        """What a consumer of that step loads."""
        return [
            {
                "id": item["id"],
                "kind": item["kind"],
                "names": item["names"],
                "bind": item["names"],
                "serializer": item["serializer"],
                "path": str(self.folder / step / item["path"]),
            }
            for item in self._results[step]["artifacts"]
        ]

    def digests(self, step: str) -> dict[str, str]:
        return {item["id"].split(".", 1)[1]: item["digest"] for item in self._results[step]["artifacts"]}


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return Steps(tmp_path)


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., Any]:
    """Make a context in memory."""
    from jupyter_mlops.runtime.context import parse_context

    def make(**fields: Any) -> Any:
        raw = {
            "schema": 1,
            "pipeline": "p",
            "step": "s",
            "name": "train",
            "output_dir": str(tmp_path / "out"),
            "fsync": False,
        }
        return parse_context({**raw, **fields})

    return make
