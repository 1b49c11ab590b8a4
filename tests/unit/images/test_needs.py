"""What goes into an image, and what would be missing in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import api
from jupyter_mlops.engine.interpreter import Distribution, Interpreter
from jupyter_mlops.images.checks import missing_problems
from jupyter_mlops.images.files import is_secret
from jupyter_mlops.images.model import Needs
from jupyter_mlops.images.needs import distribution_name, find_needs


@pytest.fixture
def needs(project: Path, write: Any, interpreter: Interpreter) -> Any:
    def find(steps: dict[str, str], include: tuple[str, ...] = (), **options: Any) -> Needs:
        notebook, pipeline = write(steps, **options)
        cwd = notebook.path.parent
        patterns = tuple((cwd, pattern) for pattern in include)
        return find_needs(pipeline, notebook, interpreter, root=project, cwd=cwd, include=patterns)

    return find


def messages(found: Needs) -> list[str]:
    return [f"{item.severity}: {item.message}" for item in found.problems]


def test_distributions_of_imports_with_all_that_they_need(needs: Any) -> None:
    found = needs({"load": "import pandas as pd\nx = pd.DataFrame()", "end": "y = x.sum()"})
    assert found.steps["load"].distributions == {"pandas", "numpy", "tzdata", "pyarrow"}
    assert found.steps["load"].direct == {"pandas", "pyarrow"}  # with pyarrow, pandas keeps texts in another way
    assert not found.problems


def test_distributions_that_a_call_needs(needs: Any) -> None:
    found = needs({"load": "import numpy\nimport frames\nframes.load().to_markdown('x.md')"})
    assert "tabulate" in found.steps["load"].distributions


def test_modules_of_the_project_with_what_they_import(needs: Any, project: Path) -> None:
    (project / "helper.py").write_text("import other\ndef f(x): return x\n", encoding="utf-8")
    (project / "other.py").write_text("import numpy\n", encoding="utf-8")
    (project / "unused.py").touch()
    (project / "pack").mkdir()
    (project / "pack" / "__init__.py").touch()
    (project / "pack" / "table.csv").write_text("a\n1\n", encoding="utf-8")
    found = needs({"one": "import helper, pack\nx = helper.f(1)"})
    assert sorted(found.files) == ["helper.py", "other.py", "pack/__init__.py", "pack/table.csv"]
    assert found.steps["one"].distributions == {"numpy"}
    assert found.folder == "."


def test_files_lie_as_in_the_project(needs: Any, project: Path) -> None:
    (project / "data").mkdir()
    (project / "data" / "in.csv").write_text("a\n1\n", encoding="utf-8")
    (project / "lib").mkdir()
    (project / "lib" / "shared.py").touch()
    source = "import sys\nsys.path.append('../lib')\nimport shared\ntext = open('../data/in.csv').read()"
    found = needs({"one": source}, folder="notebooks")
    assert sorted(found.files) == ["data/in.csv", "lib/shared.py"]
    assert found.folder == "notebooks"
    assert not found.modules


def test_modules_from_elsewhere_go_onto_the_module_path(needs: Any, interpreter: Interpreter, tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    (away / "far.py").touch()
    object.__setattr__(interpreter, "paths", (str(away), *interpreter.paths))
    found = needs({"one": "import far, tidy\nx = 1"})
    assert sorted(found.modules) == ["far.py", "tidy/__init__.py"]  # tidy was installed from a local folder


def test_editable_installation_outside_of_the_project(needs: Any, interpreter: Interpreter, tmp_path: Path) -> None:
    source = tmp_path / "tool"
    (source / "src" / "tool").mkdir(parents=True)
    (source / "src" / "tool" / "__init__.py").write_text("import numpy", encoding="utf-8")
    origin = {"url": source.as_uri(), "dir_info": {"editable": True}}
    interpreter.distributions["tool"] = Distribution("1", (), ("tool",), str(source), origin)  # type: ignore[index]
    found = needs({"one": "import tool\nx = 1"})
    assert "tool/__init__.py" in found.modules
    assert {"numpy"} <= found.steps["one"].distributions


def test_a_package_that_is_not_installed(needs: Any) -> None:
    assert needs({"fit model": "import xgboost\nx = 1"}).steps["fit-model"].missing == {"xgboost"}


@pytest.mark.parametrize(
    ("metadata", "severities"),
    [
        ({}, ["error"]),
        ({"packages": ["xgboost>=2"]}, []),  # it may be what is imported, and the image tells
        ({"packages": ["dmlc"]}, ["info"]),
        ({"packages": ["numpy"]}, ["error"]),
        ({"image": "theirs:1"}, []),
    ],
)
def test_what_brings_a_package_that_is_not_installed(
    needs: Any, project: Path, interpreter: Interpreter, metadata: dict[str, Any], severities: list[str]
) -> None:
    found = needs({"fit model": "import xgboost\nx = 1"}, metadata=metadata)
    notebook = api.read_notebook(project / "churn.ipynb")
    pipeline = api.pipeline(notebook)
    problems = list(missing_problems(pipeline, notebook, found, interpreter, brought=False))
    assert [item.severity for item in problems] == severities
    start = "xgboost is not installed in the notebook's environment, and step 'fit model' imports it"
    assert all(item.message.startswith(start) for item in problems)
    assert not list(missing_problems(pipeline, notebook, found, interpreter, brought=True))


def test_a_package_that_the_code_can_do_without(needs: Any) -> None:
    found = needs({"one": "try:\n    import orjson\nexcept ImportError:\n    orjson = None\nx = 1"})
    assert not found.problems
    assert "orjson" not in found.steps["one"].imports


def test_files_that_would_be_missing(needs: Any, project: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.csv").touch()
    (project / "token.pem").touch()
    source = "a = open('gone.csv').read()\nb = open('../outside.csv').read()\nc = open('token.pem').read()"
    found = needs({"one": source})
    assert messages(found) == [
        "error: Step 'one' reads ../outside.csv, which is outside of the project.",
        "warning: Step 'one' reads gone.csv, which does not exist now.",
        "error: Step 'one' reads token.pem, which looks like a secret and is not put into an image.",
    ]
    assert not found.files


def test_files_on_a_volume_are_not_missed(needs: Any) -> None:
    volume = {"one": {"volumes": [{"claim": "data", "path": "/mnt/data"}]}}
    assert not needs({"one": "a = open('/mnt/data/x.csv').read()"}, settings=volume).problems


def test_paths_that_nobody_knows(needs: Any) -> None:
    (problem,) = needs({"one": "import sys\nname = sys.argv[0]\na = open(name).read()"}).problems
    assert problem.severity == "warning"
    assert "only known at run time" in problem.message
    assert "include" in problem.hint


def test_further_files(needs: Any, project: Path) -> None:
    (project / "models").mkdir()
    for name in ("a.bin", "b.bin", "secrets.yaml"):
        (project / "models" / name).touch()
    found = needs({"one": "x = 1"}, include=("models", "*.nothing", "../up"))
    assert sorted(found.files) == ["models/a.bin", "models/b.bin"]
    assert messages(found) == [
        "error: `include` names '*.nothing', and there is no such file.",
        "error: `include` names '../up', and there is no such file.",
    ]


@pytest.mark.parametrize("name", [".env", "prod.env.pem", "a/id_rsa", "service-account.json", "credentials.json"])
def test_secrets_are_known_by_their_names(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["environment.csv", "keys.csv", "secretary.py", "env.py"])
def test_other_names_are_no_secrets(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("pandas", "pandas"),
        ("Scikit_Learn>=1.5", "scikit-learn"),
        ("torch[cuda]==2", "torch"),
        ("tool @ git+https://example.com/tool", "tool"),
        ("git+https://example.com/tool", ""),
        ("./local", ""),
        ("-r more.txt", ""),
    ],
)
def test_names_in_requirements(requirement: str, name: str) -> None:
    assert distribution_name(requirement) == name
