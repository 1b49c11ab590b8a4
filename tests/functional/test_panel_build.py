"""The build hook: the JupyterLab panel goes into the wheel where it can be built, and its absence is said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGE = {"name": "panel-of-the-test", "jupyterlab": {"outputDir": "built"}}
FAKE_NPM = """#!/bin/sh
echo "$@" >> npm-calls
if [ "$1" = run ]; then mkdir -p built && echo '{}' > built/package.json; fi
"""


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> Path:
    """Return a copy of the source tree with a panel's folder in it."""
    tree = tmp_path / "tree"
    shutil.copytree(root / "jupyter_mlops", tree / "jupyter_mlops", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "templates", tree / "templates")
    for name in ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py"):
        shutil.copy(root / name, tree)
    (tree / "labextension").mkdir()
    (tree / "labextension" / "package.json").write_text(json.dumps(PACKAGE), encoding="utf-8")
    return tree


def _build(tree: Path, wish: str, programs: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "wheel", "-v", "--no-build-isolation", "--no-deps", "--no-index"]
    environment = {**os.environ, "PATH": str(programs), "JUPYTER_MLOPS_PANEL": wish}
    return subprocess.run(
        [*command, "--wheel-dir", tree / "wheels", tree], capture_output=True, text=True, env=environment
    )


def _names(tree: Path) -> list[str]:
    (wheel,) = (tree / "wheels").glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for npm is a shell script")
def test_panel_is_built_and_shipped_once(tree: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "npm").write_text(FAKE_NPM, encoding="utf-8")
    (programs / "npm").chmod(0o755)
    for name in ("sh", "mkdir"):
        (programs / name).symlink_to(str(shutil.which(name)))
    done = _build(tree, "required", programs)
    assert done.returncode == 0, done.stderr
    assert (tree / "labextension" / "npm-calls").read_text().splitlines() == ["ci --ignore-scripts", "run build:prod"]
    shipped = [name for name in _names(tree) if name.endswith("/package.json")]
    assert [name.partition(".data/")[2] for name in shipped] == [
        "data/share/jupyter/labextensions/panel-of-the-test/package.json"
    ]


def test_without_npm_the_panel_is_left_out_with_a_line(tree: Path, tmp_path: Path) -> None:
    done = _build(tree, "auto", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "JupyterLab panel left out: npm (Node.js) is not installed" in done.stdout + done.stderr
    assert not any("labextensions" in name for name in _names(tree))


def test_a_required_panel_that_cannot_be_built_is_an_error(tree: Path, tmp_path: Path) -> None:
    done = _build(tree, "required", tmp_path)
    assert done.returncode != 0
    assert "the JupyterLab panel can't be built: npm (Node.js) is not installed" in done.stdout + done.stderr
