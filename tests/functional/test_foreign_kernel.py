"""The kernel is the notebook's own, in whatever environment it lives."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution, version
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jupyter_mlops import api

pytestmark = pytest.mark.alone

# The same versions as here, or the numbers could differ in the last digit.
PINNED = ("ipykernel", "joblib", "matplotlib", "numpy", "pandas", "scikit-learn", "scipy")
ABSENT = ("jupyterlab", "jupyter_mlops", "mlops_runtime", "nbformat", "nbclient", "papermill", "blake3")


@pytest.fixture(scope="module")
def foreign_python(root: Path) -> Path:
    """Return the interpreter of a second environment with data science in it and nothing of ours; made once, kept."""
    folder = root / "build" / "foreign-kernel"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = [f"{name}=={version(name)}" for name in PINNED]
    label = json.dumps([sys.version, *wanted])
    stamp = folder / "made-of.json"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != label:
        venv.create(folder, clear=True)
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
        for item in needed(PINNED):
            install(item, site)
        stamp.write_text(label, encoding="utf-8")
    return python


def needed(names: Iterable[str]) -> list[Distribution]:
    """Return the installed distributions of these names, and all that they need."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found[name] = distribution(name)
            wanted = map(Requirement, found[name].requires or ())
            waiting += [item.name for item in wanted if item.marker is None or item.marker.evaluate({"extra": ""})]
    return list(found.values())


def install(item: Distribution, site: Path) -> None:
    """Put the files of a distribution into another environment, as they are here: no index is asked, nothing built."""
    for source, target in _modules(item, site):
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            try:
                os.link(source, target)
            except OSError:  # another disk
                shutil.copy2(source, target)


def _modules(item: Distribution, site: Path) -> Iterator[tuple[Path, Path]]:
    for file in item.files or ():
        source = Path(str(item.locate_file(file)))
        if ".." not in file.parts and source.is_file():  # programs and data outside of the modules are not needed
            yield source, site / file


@pytest.fixture
def foreign_kernel(foreign_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a kernelspec that starts that interpreter."""
    folder = tmp_path / "jupyter" / "kernels" / "elsewhere"
    folder.mkdir(parents=True)
    arguments = [str(foreign_python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": arguments, "display_name": "Elsewhere", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return folder.name


@pytest.mark.timeout(900)
def test_environment_lacks_what_it_should(foreign_python, foreign_kernel, tmp_path):
    code = f"import importlib.util as u; print([name for name in {ABSENT!r} if u.find_spec(name)])"
    done = subprocess.run([foreign_python, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.timeout(900)
def test_example_runs_in_a_kernel_of_another_environment(root, foreign_python, foreign_kernel, run_whole, tmp_path):
    notebook = nbformat.read(root / "examples" / "breast_cancer.ipynb", as_version=4)
    notebook.metadata.kernelspec = {"name": foreign_kernel, "display_name": "Elsewhere", "language": "python"}
    notebook.cells.append(nbformat.v4.new_code_cell("import sys\nprint(sys.prefix)", id="where"))
    path = tmp_path / "work" / "breast_cancer.ipynb"
    path.parent.mkdir()
    nbformat.write(notebook, path)

    whole = run_whole(path)
    result = api.run(path, output=tmp_path / "executed.ipynb")

    assert result.status == "succeeded"
    assert whole.metrics and dict(result.metrics) == dict(whole.metrics)
    executed = {cell.id: cell for cell in nbformat.read(result.output_notebook, as_version=4).cells}
    assert Path(executed["where"].outputs[0].text.strip()).resolve() == foreign_python.parent.parent.resolve()
