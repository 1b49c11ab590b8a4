"""The package works as a copy under another name, without the rest of the project."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jupyter_mlops.runtime as runtime

SOURCE = Path(runtime.__file__).parent


def run(script: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "0"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_imports_are_relative_or_of_the_standard_library():
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert not (node.module or "").startswith("jupyter_mlops"), path
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("jupyter_mlops") for alias in node.names), path


def test_a_copy_reads_and_writes_the_same_bytes(tmp_path, handover):
    shutil.copytree(SOURCE, tmp_path / "mlops_runtime", ignore=shutil.ignore_patterns("__pycache__"))
    value = {"f": lambda x: x + 1, "set": {7, 15, 3}, "keys": {"a": 1}.keys(), "text": "name"}
    del value["f"]
    path = handover.write(value)
    digest = handover.digest
    script = f"""
import sys
sys.modules["jupyter_mlops"] = None
from pathlib import Path
import mlops_runtime
from mlops_runtime.usercode import UserCode
from mlops_runtime.writer import HashingFile
from mlops_runtime.serializers import choose
value = mlops_runtime.read_artifact(Path({str(path)!r}), "pickle", ["value"])["value"]
with HashingFile(Path({str(tmp_path / "again")!r})) as file:
    choose((value,)).write(file, (value,), UserCode({{}}))
print(file.digest)
"""
    assert run(script, tmp_path).strip() == digest


def test_importing_it_is_light(tmp_path):
    shutil.copytree(SOURCE, tmp_path / "mlops_runtime", ignore=shutil.ignore_patterns("__pycache__"))
    heavy = ["numpy", "pandas", "cloudpickle", "blake3"]
    script = f"import sys, mlops_runtime\nprint([name for name in {heavy} if name in sys.modules])"
    assert run(script, tmp_path).strip() == "[]"
