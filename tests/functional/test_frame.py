"""The frame of the project: packaging, Makefile, what the repository may contain."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import jupyter_mlops
from jupyter_mlops._version import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEXT = {".py", ".md", ".toml", ".json", ".ipynb", ".j2", ".txt", ".yaml", ".yml", ".css", ".html", ".svg", ""}


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def files(root: Path) -> list[Path]:
    """Return the text files that belong to the repository."""
    return sorted(path for path in _walk(root) if path.suffix in TEXT)


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and not _is_generated(path.name):
            yield from _walk(path)
        elif path.is_file() and path.name != ".git":  # that of a further work tree
            yield path


def _is_generated(name: str) -> bool:
    generated = {"build", "dist", "node_modules", "__pycache__"}
    return name in generated or name.endswith(".egg-info") or (name.startswith(".") and name != ".ci")


def _read(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


# --- packaging --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    environment = {**os.environ, "JUPYTER_MLOPS_PANEL": "off"}
    done = subprocess.run([*command, "--wheel-dir", target, root], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    (built,) = target.glob("*.whl")
    return zipfile.ZipFile(built)


def test_wheel_holds_the_package_and_its_data(root: Path, wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    package = {path.relative_to(root).as_posix() for path in _walk(root / "jupyter_mlops") if path.suffix != ".pyc"}
    templates = {
        "jupyter_mlops/_templates/" + path.relative_to(root / "templates").as_posix()
        for path in _walk(root / "templates")
    }
    assert {"jupyter_mlops/py.typed", "jupyter_mlops/analysis/effects/pandas.json"} <= package
    assert templates
    assert package | templates <= names


def test_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    outside = {name for name in wheel.namelist() if not name.startswith("jupyter_mlops/")}
    data = f"jupyter_mlops-{__version__}.data/data/share/jupyter/nbconvert/templates/mlops/"
    assert {name.removeprefix(data) for name in outside if name.startswith(data)} == {
        "conf.json",
        "index.html.j2",
        "style.css",
    }
    config = f"jupyter_mlops-{__version__}.data/data/etc/jupyter/jupyter_server_config.d/jupyter_mlops.json"
    enabled = json.loads(wheel.read(config))["ServerApp"]["jpserver_extensions"]
    assert enabled == {"jupyter_mlops": True}  # installing is enough for the Jupyter server to load it
    others = {name.split("/")[0] for name in outside if not name.startswith(data) and name != config}
    assert others == {f"jupyter_mlops-{__version__}.dist-info"}


def test_wheel_metadata(wheel: zipfile.ZipFile) -> None:
    metadata = wheel.read(f"jupyter_mlops-{__version__}.dist-info/METADATA").decode()
    assert "Name: jupyter-mlops\n" in metadata
    assert f"Version: {__version__}\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata
    assert "Requires-Python: >=3.10\n" in metadata


def test_version_stands_in_one_place(files: list[Path], root: Path) -> None:
    assert jupyter_mlops.__version__ == __version__
    holders = [
        path.relative_to(root).as_posix()
        for path in files
        if path.suffix in {".py", ".toml"}
        and re.search(rf"""["']{re.escape(__version__)}["']""", path.read_text("utf-8"))
    ]
    assert holders == ["jupyter_mlops/_version.py"]


def test_console_script_is_what_jupyter_looks_for(project: dict, wheel: zipfile.ZipFile) -> None:
    assert project["project"]["scripts"] == {"jupyter-mlops": "jupyter_mlops.cli.main:main"}
    listed = wheel.read(f"jupyter_mlops-{__version__}.dist-info/entry_points.txt").decode()
    assert "jupyter-mlops = jupyter_mlops.cli.main:main" in listed
    assert callable(import_module("jupyter_mlops.cli.main").main)


def test_each_import_is_a_declared_dependency(root: Path, project: dict) -> None:
    """A third-party import at the top of a module, or in a function, names a package that pip installs with us."""
    distributions = {"sklearn": "scikit-learn", "yaml": "pyyaml", "jupyter_client": "jupyter-client"}
    distributions |= {"jupyter_core": "jupyter-core", "kfp_server_api": "kfp-server-api"}
    distributions |= {"jupyter_server": "jupyter-server"}
    with_them = {"IPython", "joblib", "jsonschema", "markupsafe", "numpy", "tornado", "traitlets", "zmq"}  # theirs
    with_them |= {"certifi", "kubernetes", "urllib3"}  # kfp's and kfp-server-api's
    optional = {
        "fsspec",
        "keyring",
        "matplotlib",
        "mlflow",
        "polars",
        "pyarrow",
        "scipy",
        "skops",
        "torch",
        "mlops_runtime",
    }  # used where present
    declared = {re.split(r"[\[<>=; ]", item)[0] for item in project["project"]["dependencies"]}
    distributions |= {"prometheus_client": "prometheus-client"}
    extra = {re.split(r"[\[<>=; ]", item)[0] for item in project["project"]["optional-dependencies"]["deploy"]}
    undeclared = {
        f"{path.relative_to(root)}: {name}"
        for path in _walk(root / "jupyter_mlops")
        if path.suffix == ".py"
        for name in _imported(path)
        if name not in sys.stdlib_module_names | with_them | optional | {"jupyter_mlops"}
        and distributions.get(name, name) not in declared | (extra if "deploy" in path.parts else set())
    }
    assert not undeclared


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


# --- make and the documents -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_documented_make_targets_exist(root: Path, document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _read(root, "Makefile"), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", _read(root, document), re.MULTILINE))
    assert {first or second for first, second in named} <= targets


def test_make_help_names_every_target(root: Path) -> None:
    text = _read(root, "Makefile")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    described = set(re.findall(r"@echo 'make ([a-z-]+)", text))
    assert described == set(phony.split()) - {"help"}


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/README.md", "docs/architecture.md"])
def test_links_between_documents_lead_somewhere(root: Path, document: str) -> None:
    home = (root / document).parent
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", _read(root, document))
    assert links
    assert [link for link in links if not (home / link).exists()] == []


def test_each_document_is_in_the_index(root: Path) -> None:
    index = _read(root, "docs/README.md")
    others = {path.name for path in (root / "docs").iterdir() if path.name != "README.md"}
    assert {name for name in others if f"]({name}" not in index} == set()


def test_ci_runs_make_test_and_allows_no_skip(root: Path) -> None:
    script = _read(root, ".ci/run")
    assert "export MLOPS_NO_SKIP=1" in script
    assert "exec make test" in script
    assert os.access(root / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize(
    "body",
    [
        "import pytest\ndef test(require): require('no-such-program')",
        "import pytest\npytest.skip('why', allow_module_level=True)",
    ],
)
@pytest.mark.parametrize("allowed", [True, False])
def test_skips_fail_where_none_is_allowed(root: Path, tmp_path: Path, body: str, allowed: bool) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    shutil.copy(root / "tests" / "conftest.py", tests)
    (tests / "test_it.py").write_text(body, encoding="utf-8")
    environment = {**os.environ, "MLOPS_NO_SKIP": "" if allowed else "1"}
    command = [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", str(tests)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    if allowed:
        assert "1 skipped" in done.stdout
        assert "SKIPPED" in done.stdout  # and says why
    else:
        assert done.returncode not in {0, 5}
        assert "nothing may be skipped" in done.stdout


# --- what the repository may contain ----------------------------------------------------------------------------------


def test_no_file_knows_the_machine_it_was_written_on(files: list[Path], root: Path) -> None:
    private = re.compile(r"/root/|/work/(?:main|shared)|/tmp/dev\b|\bpip\.conf\b")
    me = Path(__file__).resolve()
    hits = {
        f"{path.relative_to(root)}: {match.group()}"
        for path in files
        if path != me
        for match in private.finditer(path.read_text(encoding="utf-8", errors="replace"))
    }
    assert not hits


def test_files_are_short(files: list[Path], root: Path) -> None:
    sizes = {
        path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in files
        if path.suffix == ".py"
    }
    assert {name: size for name, size in sizes.items() if size > 400} == {}


def test_sql_stands_in_the_store_alone(root: Path) -> None:
    sql = re.compile(r"\b(?:SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE)\b")
    speakers = {
        path.relative_to(root / "jupyter_mlops").parts[0]
        for path in _walk(root / "jupyter_mlops")
        if path.suffix == ".py" and sql.search(path.read_text(encoding="utf-8"))
    }
    assert speakers <= {"store"}
