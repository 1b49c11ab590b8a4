"""``init ci``: what the files hold, checked against the services' own rules; that nobody's file is lost."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from jupyter_mlops.errors import UsageError
from jupyter_mlops.tracking.ci.setup import make_ci_file, providers, write_ci_file

WriteNotebook = Callable[..., Path]

SCHEMAS = Path(__file__).parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.fixture
def write(project: Path) -> WriteNotebook:
    def make(name: str = "churn.ipynb", tag: str = "step:train", kernel: str = "python3", **metadata: Any) -> Path:
        cell = {"cell_type": "code", "id": "a", "metadata": {"tags": [tag]}, "source": "x = 1"}
        cell |= {"outputs": [], "execution_count": None}
        spec = {"kernelspec": {"name": kernel, "display_name": "P", "language": "python"}}
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": spec | metadata, "cells": [cell]}))
        return path

    return make


def checked(text: str, provider: str) -> Any:
    """The file as a service reads it, after the schema has been checked; all scalars are texts."""
    content = yaml.load(text, Loader=yaml.BaseLoader)
    schema = json.loads((SCHEMAS / f"{provider}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(content)
    return content


def test_there_are_schemas_for_all_providers() -> None:
    assert providers() == ("github", "gitlab")


@pytest.mark.parametrize("provider", ["github", "gitlab"])
@pytest.mark.parametrize(
    "name", ["churn.ipynb", 'my notebooks/it\'s "odd" $HOME; rm -rf.ipynb', "-x.ipynb", "ünïcode # no: comment.ipynb"]
)
def test_the_file_is_valid_whatever_notebooks_are_called(
    project: Path, write: WriteNotebook, provider: str, name: str
) -> None:
    write(name)
    gates = ["accuracy >= 0.95", "'a b' < \"c\" * `d`.seconds"]
    content = checked(make_ci_file(project, provider, gates=gates, branch="ma'in").text, provider)
    lines = commands_of(content, provider)
    (check,) = [shlex.split(line) for line in lines if " check " in line]
    (run,) = [shlex.split(line.replace("\\\n", " ")) for line in lines if " run " in line]
    written = f"./{name}" if name.startswith("-") else name
    assert check[:4] == ["jupyter", "mlops", "check", written]
    assert run[:4] == ["jupyter", "mlops", "run", written]
    assert [run[place + 1] for place, word in enumerate(run) if word == "--gate"] == gates


def commands_of(content: Any, provider: str) -> list[str]:
    if provider == "gitlab":
        return [*content["notebooks"]["before_script"], *content["notebooks"]["script"]]
    scripts = [step.get("run", "") for step in content["jobs"]["notebooks"]["steps"]]
    return [line.replace("\0", "\\\n") for text in scripts for line in text.replace("\\\n", "\0").splitlines()]


def test_the_jobs_may_do_no_more_than_they_must(project: Path, write: WriteNotebook) -> None:
    write()
    content = checked(make_ci_file(project, "github").text, "github")
    job = content["jobs"]["notebooks"]
    assert content["permissions"] == {"contents": "read"}
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    comment = job["steps"][-1]
    assert "head.repo.full_name == github.repository" in comment["if"]
    assert [step["name"] for step in job["steps"] if "GH_TOKEN" in step.get("env", {})] == [comment["name"]]
    assert all("${{" not in step.get("run", "") for step in job["steps"]), "nothing is pasted into a shell"


def test_the_schema_refuses_what_github_would(project: Path, write: WriteNotebook) -> None:
    write()
    text = make_ci_file(project, "github").text
    for wrong in (
        text.replace("runs-on:", "run-on:"),
        text.replace("contents: read", "contents: all"),
        text.replace("        uses: actions/cache/save@v4", "        use: actions/cache/save@v4"),
        text.replace("actions/checkout@v4", "actions/checkout"),
        text.replace("  pull_request:", "  pull_requests:"),
        text.replace('branches: ["main"]', "branch: main"),
    ):
        assert wrong != text
        with pytest.raises(jsonschema.ValidationError):
            checked(wrong, "github")


def test_notebooks_with_steps_are_found(project: Path, write: WriteNotebook) -> None:
    write("b.ipynb")
    write("sub/a.ipynb", kernel="my-env")
    write("plain.ipynb", tag="other")
    write("done.ipynb", papermill={})
    write("ran.ipynb", mlops={"run": {"id": "x"}})
    write(".ipynb_checkpoints/b-checkpoint.ipynb")
    (project / "broken.ipynb").write_text("{")
    (project / "requirements.txt").write_text("pandas\n")
    (project / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    file = make_ci_file(project / "sub", "gitlab")
    assert file.notebooks == ("b.ipynb", "sub/a.ipynb")
    lines = commands_of(checked(file.text, "gitlab"), "gitlab")
    assert lines[:3] == ["pip install -r requirements.txt", "pip install .", "pip install 'jupyter-mlops[shared]'"]
    runs = [line for line in lines if " run " in line]
    assert "--kernel" not in runs[0] and " --kernel python3 " in runs[1], "the kernels of this machine are not there"
    named = make_ci_file(project, "gitlab", notebooks=[project / "plain.ipynb"])
    assert named.notebooks == ("plain.ipynb",)


def test_results_of_two_notebooks_do_not_collide(project: Path, write: WriteNotebook) -> None:
    write("a/b.ipynb")
    write("a-b.ipynb")
    text = make_ci_file(project, "gitlab").text
    assert "mlops-results/a-b.xml" in text and "mlops-results/a-b-2.xml" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"provider": "githb"}, "There is no provider 'githb'"),
        ({"provider": "../x"}, "There is no provider"),
        ({"gates": ["accuracy >"]}, "a metric or a number is expected"),
        ({"gates": ["'${{ secrets.X }}' > 1"]}, "can't be written into such a file"),
        ({"branch": "a\nb"}, "can't be written into such a file"),
        ({"notebooks": ["no.ipynb"]}, "does not exist"),
        ({}, "No notebook with steps was found"),
    ],
)
def test_what_makes_no_sense_is_refused(
    project: Path, write: WriteNotebook, arguments: dict[str, Any], message: str
) -> None:
    given = {"provider": "github", **arguments}
    if arguments:
        write()
        given["notebooks"] = [project / name for name in arguments.get("notebooks", [])]
    with pytest.raises(UsageError) as caught:
        make_ci_file(project, **given)
    assert message in caught.value.message


def test_a_file_of_the_users_stays(project: Path, write: WriteNotebook) -> None:
    write()
    file = make_ci_file(project, "gitlab", gates=["a > 1"])
    assert write_ci_file(file) == "written"
    assert write_ci_file(file) == "unchanged"
    file.path.write_text(file.text.replace("a > 1", "a > 2"))
    with pytest.raises(UsageError) as caught:
        write_ci_file(file)
    assert "-      --gate 'a > 2'" in caught.value.message and "+      --gate 'a > 1'" in caught.value.message
    assert "a > 2" in file.path.read_text()
    assert write_ci_file(file, force=True) == "replaced"
    assert file.path.read_text() == file.text
    other = make_ci_file(project, "gitlab", output=project / "ci" / "notebooks.yml")
    assert write_ci_file(other) == "written" and other.path.is_file()
