"""The files of ``init ci`` and the hooks do what they are for: their commands are run, in fresh clones of a project.

What the services do around them is done here: variables, caches, the shell. Installing is left out, since all is there;
``gh``, which needs GitHub, is a program of this test that remembers what it was asked for.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlops import api

CURL = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$CURL_CALLS"
"""

GH = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$GH_CALLS"
case "$*" in *--paginate*) cat "$GH_COMMENTS" ;; esac
"""

MERGE_REQUEST = {
    "MLOPS_COMMENT_TOKEN": "secret",
    "CI_MERGE_REQUEST_IID": "9",
    "CI_PROJECT_ID": "3",
    "CI_API_V4_URL": "https://gitlab.example.org/api/v4",
}

CELLS = (
    ("parameters", "level = 0.95"),
    ("step:load", "rows = list(range(4))\nprint('loaded')"),
    ("step:train", "model = sum(rows)"),
    ("metrics|step:evaluate", "accuracy = level + model * 0"),
)


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    settings = ("-c", "user.name=x", "-c", "user.email=x@example.org")

    def run(folder: Path, *words: str) -> str:
        done = subprocess.run(["git", *settings, *words], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout

    return run


@pytest.fixture
def project(tmp_path: Path, git: Any, notebook: Callable[..., str]) -> Path:
    """A project on its main branch, with an origin to clone from."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "my churn.ipynb").write_text(notebook(*CELLS))
    for provider in ("github", "gitlab"):
        file = api.make_ci_file(provider, start=folder, gates=["accuracy >= 0.9", "accuracy >= baseline - 0.01"])
        assert api.write_ci_file(file) == "written"
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder


class Machine:
    """What a service gives a job: a clone, variables, a shell."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        paths = [str(folder.parent / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join(paths),
            "PYTHONPATH": str(Path(api.__file__).parents[2]),
            "CI": "true",
            "COLUMNS": "100",
            **variables,
        }

    def shell(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a script as the services do: the first line that fails ends it."""
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env={**self._environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
        )


def cached(paths: str | list[str], source: Path, target: Path) -> None:
    """Copy what a service's cache keeps from one clone to another."""
    patterns = paths.split() if isinstance(paths, str) else paths
    for pattern in patterns:
        for found in source.glob(pattern.rstrip("/")):
            place = target / found.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(found, place) if found.is_dir() else shutil.copy(found, place)


def github_job(folder: Path, event: str) -> tuple[list[Any], list[tuple[str, int, str]]]:
    """Run the steps of the job; return them all, and name, exit code and output of those that were run."""
    content = yaml.load((folder / ".github/workflows/notebooks.yml").read_text("utf-8"), Loader=yaml.BaseLoader)
    job = content["jobs"]["notebooks"]
    known = {
        "${{ github.workspace }}": str(folder),
        "${{ github.repository }}": "o/r",
        "${{ github.event.pull_request.number }}": "7",
        "${{ github.token }}": "token",
    }

    def filled(variables: Mapping[str, str]) -> dict[str, str]:
        found = dict(variables)
        for expression, value in known.items():
            found = {name: text.replace(expression, value) for name, text in found.items()}
        assert not any("${{" in text for text in found.values()), found
        return found

    machine = Machine(
        folder,
        {
            **filled(job["env"]),
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(folder),
            "GITHUB_STEP_SUMMARY": str(folder.parent / "summary.md"),
            "GH_CALLS": str(folder.parent / "calls"),
            "GH_COMMENTS": str(folder.parent / "comments"),
        },
    )
    ran = []
    for step in job["steps"]:
        if "run" not in step or step.get("id") == "install":
            continue
        if "pull_request" in step.get("if", "") and event != "pull_request":
            continue
        done = machine.shell(step["run"], **filled(step.get("env", {})))
        ran.append((step["name"], done.returncode, done.stdout + done.stderr))
    return job["steps"], ran


def test_the_github_workflow_runs_in_fresh_clones(project: Path, git: Any, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "gh").write_text(GH)
    (tools / "gh").chmod(0o755)
    (tmp_path / "comments").write_text("")

    git(tmp_path, "clone", "--quiet", str(project), "one")
    steps, ran = github_job(tmp_path / "one", "push")
    assert [(name, code) for name, code, _ in ran] == [
        ("Check", 0),
        ("Run my churn.ipynb", 0),
        ("Forget old runs", 0),
    ], ran
    results = tmp_path / "one" / "mlops-results"
    assert {path.name for path in results.iterdir()} == {f"my-churn.{end}" for end in ("ipynb", "xml", "md", "html")}
    assert (
        "There is no baseline: no run of my churn has succeeded on main yet." in (tmp_path / "summary.md").read_text()
    )
    assert not (tmp_path / "calls").exists(), "there is nothing to comment on"

    # A pull request: only `level` is another one, so that what does not depend on it comes from the cache.
    git(project, "switch", "--quiet", "--create", "topic")
    path = project / "my churn.ipynb"
    path.write_text(path.read_text().replace("level = 0.95", "level = 0.92"))
    git(project, "commit", "--quiet", "--all", "--message", "worse")
    git(tmp_path, "clone", "--quiet", "--branch", "topic", str(project), "two")
    save = next(step for step in steps if step.get("uses", "").startswith("actions/cache/save"))
    cached(save["with"]["path"], tmp_path / "one", tmp_path / "two")
    _, ran = github_job(tmp_path / "two", "pull_request")
    assert [code for _, code, _ in ran] == [0, 5, 0, 0], ran
    output = ran[1][2]
    assert "load … reused" in output and "train … reused" in output and "evaluate … done" in output
    assert "::error file=my churn.ipynb,line=1,title=Gate failed::accuracy >= baseline - 0.01: " in output
    page = (tmp_path / "two" / "mlops-results" / "my-churn.md").read_text()
    assert "| <code>accuracy</code> | 0.92 | 0.95 | \N{MINUS SIGN}0.03 | \N{MINUS SIGN}3.16 % |" in page
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[0].startswith("api repos/o/r/issues/7/comments --paginate --jq .[] | select(.body | startswith(")
    assert f'startswith("{page.splitlines()[0]}")' in calls[0]
    assert calls[1] == "api --silent --method POST repos/o/r/issues/7/comments -F body=@mlops-results/my-churn.md"

    # Pushed again: the comment that is there is changed.
    (tmp_path / "comments").write_text("4711\n")
    github_job(tmp_path / "two", "pull_request")
    last = (tmp_path / "calls").read_text().splitlines()[-1]
    assert last == "api --silent --method PATCH repos/o/r/issues/comments/4711 -F body=@mlops-results/my-churn.md"


def test_the_gitlab_file_runs_in_fresh_clones(project: Path, git: Any, tmp_path: Path) -> None:
    content = yaml.load((project / ".gitlab-ci.yml").read_text("utf-8"), Loader=yaml.BaseLoader)
    job = content["notebooks"]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "curl").write_text(CURL)
    (tmp_path / "bin" / "curl").chmod(0o755)
    outputs = []
    for name in ("one", "two"):
        folder = tmp_path / name
        git(tmp_path, "clone", "--quiet", str(project), name)
        if name == "two":
            cached(job["cache"]["paths"], tmp_path / "one", folder)
        own = {key: text.replace("$CI_PROJECT_DIR", str(folder)) for key, text in job["variables"].items()}
        machine = Machine(
            folder,
            {**own, "CI_PROJECT_DIR": str(folder), "CI_DEFAULT_BRANCH": "main", "CURL_CALLS": str(tmp_path / "calls")},
        )
        before = [line for line in job["before_script"] if not line.startswith("pip install ")]
        done = machine.shell("\n".join([*before, *job["script"]]))
        assert done.returncode == 0, done.stdout + done.stderr
        after = machine.shell("\n".join(job["after_script"]), **(MERGE_REQUEST if name == "two" else {}))
        assert (after.returncode, after.stderr) == (0, "")
        outputs.append(done.stdout + done.stderr)
        assert {path.suffix for path in folder.glob("mlops-results/*")} == {".ipynb", ".xml", ".md", ".html"}
        assert len(list(folder.glob(job["artifacts"]["reports"]["junit"]))) == 1
    assert "no run of my churn has succeeded on main yet" in outputs[0]
    assert "passed  accuracy >= baseline - 0.01  accuracy is 0.95, baseline is 0.95" in outputs[1]
    assert outputs[1].count("reused") >= 3
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert "--header PRIVATE-TOKEN: secret --data-urlencode body@mlops-results/my-churn.md" in call
    assert call.endswith(" https://gitlab.example.org/api/v4/projects/3/merge_requests/9/notes")


# --- hooks of pre-commit ----------------------------------------------------------------------------------------------


@pytest.fixture
def hook(root: Path, work: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a hook as pre-commit does: its entry, and the names of files."""
    hooks = {item["id"]: item for item in yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text("utf-8"))}

    def run(name: str, *files: str) -> subprocess.CompletedProcess[str]:
        assert hooks[name]["language"] == "python" and hooks[name]["types"] == ["jupyter"]
        return Machine(work, {}).shell(shlex.join([*shlex.split(hooks[name]["entry"]), *files]))

    return run


def test_the_check_hook_looks_at_each_file(hook: Any, work: Path, notebook: Callable[..., str]) -> None:
    (work / "good.ipynb").write_text(notebook(*CELLS))
    (work / "bad one.ipynb").write_text(notebook(("step:a", "x = missing")))
    (work / "broken.ipynb").write_text("{")
    assert hook("check", "good.ipynb").returncode == 0
    done = hook("check", "broken.ipynb", "bad one.ipynb", "good.ipynb")
    assert done.returncode == 3
    assert "broken.ipynb is not valid JSON" in done.stderr
    assert "bad one.ipynb, cell 1 (a), line 1: error MLO012" in done.stdout
    assert "good.ipynb: 3 steps, no problems" in done.stdout


def test_the_strip_hook_takes_outputs_alone(hook: Any, work: Path, notebook: Callable[..., str]) -> None:
    content = json.loads(notebook(*CELLS))
    clean = json.dumps(content, indent=3)
    content["cells"][1] |= {"execution_count": 4, "outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}]}
    (work / "a.ipynb").write_text(json.dumps(content, indent=3))
    (work / "b.ipynb").write_text(clean)
    done = hook("strip-outputs", "a.ipynb", "b.ipynb")
    assert (done.returncode, done.stdout) == (0, "a.ipynb: stripped\n")
    assert (work / "a.ipynb").read_text() == (work / "b.ipynb").read_text() == clean
    assert hook("strip-outputs", "a.ipynb").stdout == "1 notebook without outputs\n"
