"""Building, pushing and recording, with an engine that does nothing but answer."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from jupyter_mlops import api
from jupyter_mlops._version import __version__
from jupyter_mlops.api import kubeflow
from jupyter_mlops.cli.main import main
from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.images.building import write_context
from jupyter_mlops.images.engines import find_engine
from jupyter_mlops.images.wheel import make_wheel

FINE = 'echo; echo \'{"problems": {}, "python": [3, 99]}\''
DIGEST = "sha256:" + "d" * 64
PUSHED = f'for last in "$@"; do :; done; echo {DIGEST} > $3'


@pytest.fixture
def notebook(write: Any) -> Path:
    path: Path = write({"load": "import json\nx = json.loads('1')", "end": "y = x + 1"})[0].path
    return path


def build(path: Path, **options: Any) -> api.build:  # type: ignore[valid-type]
    return api.build(path, base="base:1", **options)


# --- what is built ----------------------------------------------------------------------------------------------------


def test_build_with_podman(notebook: Path, engine: Any, project: Path) -> None:
    engine.install(run=FINE)
    done = build(notebook, options=["--network=host"])
    (image,) = done.images
    assert image.reference == f"localhost/churn:{image.content[:12]}"
    assert not image.pushed
    assert image.digest is None
    assert done.by_step == {"load": image.reference, "end": image.reference}
    (call,) = engine.calls("build")
    assert f"--tag {image.reference}" in call
    assert "--secret id=pip,src=" in call
    assert "--network=host" in call
    assert api.images_of(notebook) == _recorded(done)


def _recorded(done: Any) -> Any:
    from dataclasses import replace

    return replace(done, problems=(), seconds=round(done.seconds, 3))


def test_what_was_built_no_longer_counts_after_a_change(notebook: Path, engine: Any, write: Any, project: Path) -> None:
    engine.install(run=FINE)
    build(notebook)
    (project / "helper.py").touch()
    assert api.images_of(notebook) is not None
    write({"load": "import json\nx = json.loads('2')", "end": "y = x + 1"})  # code is not in the image
    assert api.images_of(notebook) is not None
    write({"load": "import json, helper\nx = json.loads('1')", "end": "y = x + 1"})
    with pytest.raises(UsageError, match="out of date"):
        api.images_of(notebook)


def test_compiled_pipelines_take_what_was_built_last(notebook: Path, engine: Any) -> None:
    engine.install(run=FINE, push=PUSHED)
    build(notebook)
    compiled = kubeflow.compile_notebook(notebook)
    assert compiled.images["load"].startswith("localhost/churn:")
    assert any("on this machine alone" in note for note in compiled.notes)
    build(notebook, push=True, registry="r.example.com/team")
    compiled = kubeflow.compile_notebook(notebook)
    assert set(compiled.images.values()) == {f"r.example.com/team/churn@{DIGEST}"}
    assert f"r.example.com/team/churn@{DIGEST}" in compiled.yaml
    assert not any("on this machine alone" in note for note in compiled.notes)


def test_docker_if_there_is_no_podman(notebook: Path, engine: Any) -> None:
    engine.install("docker", run=FINE)
    assert build(notebook).engine == "docker"
    assert "--progress plain" in engine.calls("build")[0]


def test_podman_that_does_not_work_leaves_it_to_docker(engine: Any) -> None:
    engine.install("podman", info="echo 'Error: cannot clone: Operation not permitted'; exit 125")
    engine.install("docker")
    assert find_engine().name == "docker"


def test_a_tag_and_a_registry(notebook: Path, engine: Any) -> None:
    engine.install(run=FINE)
    done = build(notebook, tag="v1", registry="r.example.com:5000/team")
    assert done.images[0].reference == "r.example.com:5000/team/churn:v1"


def test_push_records_the_digest(notebook: Path, engine: Any) -> None:
    engine.install(run=FINE, push=PUSHED)
    done = build(notebook, push=True, registry="r.example.com/team")
    (image,) = done.images
    assert image.digest == DIGEST
    assert image.pinned == f"r.example.com/team/churn@{DIGEST}"
    assert set(done.by_step.values()) == {image.pinned}
    recorded = api.images_of(notebook)
    assert recorded is not None
    assert recorded.by_step == done.by_step


def test_docker_says_the_digest_itself(notebook: Path, engine: Any) -> None:
    engine.install("docker", run=FINE, push=f"echo 'v1: digest: {DIGEST} size: 1'")
    assert build(notebook, push=True, registry="r.example.com").images[0].digest == DIGEST


def test_steps_with_packages_and_images_of_their_own(write: Any, engine: Any) -> None:
    engine.install(run=FINE)
    settings = {"gpu": {"packages": ["cupy-cuda12x==13"]}, "old": {"image": "theirs:1"}}
    notebook, _ = write({"load": "x = 1", "gpu": "y = x", "old": "z = y"}, settings=settings)
    plan = api.plan_images(notebook, base="base:1")
    first, second = plan.images
    assert (first.steps, second.steps, plan.given) == (("load",), ("gpu",), {"old": "theirs:1"})
    assert second.reference.startswith("localhost/churn-gpu:")
    assert second.texts["requirements.txt"] == "cupy-cuda12x==13\n"
    assert "requirements.txt" not in first.texts
    assert api.build(notebook, base="base:1").by_step["old"] == "theirs:1"


def test_own_dockerfile_is_built_first(write: Any, engine: Any, project: Path) -> None:
    (project / "docker").mkdir()
    (project / "docker" / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    (project / "mlops.toml").write_text('[image]\ndockerfile = "docker/Dockerfile"\n', encoding="utf-8")
    engine.install(run=FINE)
    notebook, _ = write({"one": "x = 1"})
    api.build(notebook)
    own, ours = engine.calls("build")
    assert own.endswith(str(project / "docker"))
    base = own.split("--tag ")[1].split()[0]
    assert api.plan_images(notebook).images[0].dockerfile.splitlines()[2] == f"FROM {base}"
    assert "--tag localhost/churn:" in ours


def test_conda_environment(write: Any, project: Path) -> None:
    (project / "environment.yml").write_text("dependencies: [python=3.11]\n", encoding="utf-8")
    metadata = {"image": {"environment": "environment.yml"}}
    notebook, _ = write({"one": "x = 1"}, metadata=metadata)
    (image,) = api.plan_images(notebook).images
    assert image.kind == "conda"
    assert "micromamba create --yes --prefix /opt/env" in image.dockerfile
    assert image.texts == {"environment.yml": "dependencies: [python=3.11]\n"}
    assert "FROM docker.io/mambaorg/micromamba:latest AS builder" in image.dockerfile
    notebook, _ = write(
        {"one": "x = 1"}, metadata={"image": {"environment": "environment.yml", "builder": "mirror/m:2"}}
    )
    assert "FROM mirror/m:2 AS builder" in api.plan_images(notebook).images[0].dockerfile


def test_context_has_all_that_the_dockerfile_copies(write: Any, project: Path, tmp_path: Path) -> None:
    (project / "helper.py").touch()
    notebook, _ = write({"one": "import helper\nx = 1"})
    (image,) = api.plan_images(notebook).images
    write_context(image, tmp_path / "context")
    copied = [line.split()[-2] for line in image.dockerfile.splitlines() if line.startswith("COPY")]
    assert len(copied) == 3
    assert [name for name in copied if not (tmp_path / "context" / name).exists()] == []
    assert (tmp_path / "context" / "project" / "helper.py").stat().st_mode & 0o777 == 0o664


def test_wheel_is_complete_and_the_same_each_time(tmp_path: Path) -> None:
    data = make_wheel()
    assert data == make_wheel()
    archive = zipfile.ZipFile(BytesIO(data))
    info = f"jupyter_mlops-{__version__}.dist-info"
    names = set(archive.namelist())
    assert {
        "jupyter_mlops/runtime/__init__.py",
        "jupyter_mlops/_templates/image/finish.j2",
        f"{info}/METADATA",
    } <= names
    record = archive.read(f"{info}/RECORD").decode().splitlines()
    assert {line.split(",")[0] for line in record} == names
    archive.extractall(tmp_path)
    code = "import jupyter_mlops, sys; from jupyter_mlops import templates; print(templates.root())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env={})
    assert done.stdout.strip() == str(tmp_path / "jupyter_mlops" / "_templates")


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_no_engine(notebook: Path, engine: Any) -> None:
    with pytest.raises(UsageError, match="podman or docker is needed") as caught:
        build(notebook)
    assert "Install podman" in (caught.value.hint or "")


def test_no_engine_that_works(notebook: Path, engine: Any) -> None:
    engine.install("docker", info="echo 'Cannot connect to the Docker daemon'; exit 1")
    with pytest.raises(InfrastructureError, match="docker: Cannot connect to the Docker daemon"):
        build(notebook)


def test_a_failed_build_records_nothing(notebook: Path, engine: Any, project: Path) -> None:
    engine.install(build="echo 'ERROR: No matching distribution found for ours==1'; exit 1", run=FINE)
    with pytest.raises(UsageError, match="pip finds no ours==1"):
        build(notebook)
    assert api.images_of(notebook) is None
    assert "No matching" in (project / ".mlops" / "images" / "build.log").read_text(encoding="utf-8")
    assert not engine.calls("push")


def test_a_failed_push_records_nothing(notebook: Path, engine: Any) -> None:
    engine.install(run=FINE, push="echo 'unauthorized: authentication required'; exit 125")
    with pytest.raises(UsageError, match=r"The registry r\.example\.com wants a login"):
        build(notebook, push=True, registry="r.example.com/team")
    assert api.images_of(notebook) is None


def test_a_push_that_does_not_say_what_it_pushed(notebook: Path, engine: Any) -> None:
    engine.install(run=FINE)
    with pytest.raises(InfrastructureError, match="did not say its digest"):
        build(notebook, push=True, registry="r.example.com/team")
    assert api.images_of(notebook) is None


def test_push_without_a_registry(notebook: Path, engine: Any) -> None:
    engine.install()
    with pytest.raises(UsageError, match="no registry"):
        build(notebook, push=True)
    assert not engine.calls("build")


def test_nothing_is_built_that_would_lack_something(write: Any, engine: Any) -> None:
    engine.install(run=FINE)
    notebook, _ = write({"one": "import nowhere_at_all\nx = open('../../up.csv').read()"})
    with pytest.raises(UsageError) as caught:
        api.build(notebook)
    assert "nowhere_at_all" in caught.value.message
    assert "up.csv" in caught.value.message
    assert not engine.calls("build")


def test_a_module_that_can_not_be_imported_in_the_image(notebook: Path, engine: Any) -> None:
    answer = {"problems": {"json": "ImportError: libGL.so.1: cannot open shared object file"}, "python": [3, 11]}
    engine.install(run=f"echo '{json.dumps(answer)}'")
    with pytest.raises(UsageError, match=r"can't import json, which step 'load' needs: ImportError: libGL") as caught:
        build(notebook)
    assert "system_packages" in (caught.value.hint or "")
    assert api.images_of(notebook) is None


def test_an_image_of_a_step_s_own_is_looked_into_if_it_is_here(write: Any, engine: Any) -> None:
    settings = {"two": {"image": "theirs:1"}}
    notebook, _ = write({"one": "x = 1", "two": "import json\ny = x"}, settings=settings)
    engine.install(run=FINE, image="exit 1")
    assert "not on this machine" in " ".join(item.message for item in api.build(notebook, base="b:1").problems)
    answer = {"problems": {"json": "No module named 'json'"}, "python": [3, 99]}
    engine.install(run=f"echo '{json.dumps(answer)}'")
    with pytest.raises(UsageError, match=r"theirs:1 can't import json, which step 'two' needs"):
        api.build(notebook, base="b:1")
    assert len(engine.calls("build")) == 1  # it is found before anything is built


def test_secrets_of_an_index_show_nowhere(
    write: Any, engine: Any, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INDEX_TOKEN", "s3cr3t-t0ken")
    text = '[image]\nindex_url = "https://me:${INDEX_TOKEN}@pypi.example.com/simple"\n'
    (project / "mlops.toml").write_text(text, encoding="utf-8")
    seen = project / "seen"
    leak = (
        'for a in "$@"; do case $a in id=pip*) cat ${a#id=pip,src=} > '
        + str(seen)
        + "; cat ${a#id=pip,src=};; esac; done"
    )
    engine.install(build=f"{leak}; echo 'ERROR: No matching distribution found for x'; exit 1", run=FINE)
    notebook, _ = write({"one": "x = 1"})
    assert main(["build", str(notebook.path)]) == 2
    printed = capsys.readouterr()
    assert "s3cr3t-t0ken" in seen.read_text(encoding="utf-8")  # pip gets it
    assert "s3cr3t" not in printed.out + printed.err
    others = [path for path in project.rglob("*") if path.is_file() and path != seen]
    assert [path for path in others if b"s3cr3t" in path.read_bytes()] == []
    assert "s3cr3t" not in engine.log.read_text(encoding="utf-8")


def test_an_index_that_names_a_variable_that_is_not_set(write: Any, engine: Any, project: Path) -> None:
    text = '[image]\nindex_url = "https://${NOT_SET_HERE}@x.example/s"\n'
    (project / "mlops.toml").write_text(text, encoding="utf-8")
    engine.install(run=FINE)
    with pytest.raises(UsageError, match="NOT_SET_HERE, which is not set"):
        api.build(write({"one": "x = 1"})[0])


# --- the command line -------------------------------------------------------------------------------------------------


def test_dry_run_shows_all_and_builds_nothing(notebook: Path, engine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(notebook), "--dry-run", "--base", "base:1"]) == 0
    text = capsys.readouterr().out
    assert "FROM base:1" in text
    assert "ipykernel==" in text
    assert main(["build", str(notebook), "--dry-run", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["images"][0]["steps"] == ["load", "end"]


def test_json_has_nothing_else_on_stdout(
    notebook: Path, engine: Any, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.install(build="echo 'STEP 1/9: FROM base'", run=FINE)
    assert main(["build", str(notebook), "--base", "base:1", "--format", "json"]) == 0
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert answer["images"][0]["pushed"] is False
    jsonschema.validate(
        answer, json.loads((root / "docs" / "schema" / "build.schema.json").read_text(encoding="utf-8"))
    )
    assert "1/9 FROM base" in printed.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tag", "a tag"], "can't be a tag"),
        (["--registry", "https://r.example.com"], "can't be a registry"),
        (["--engine", "kaniko"], "kaniko"),
    ],
)
def test_wrong_usage(
    notebook: Path, arguments: list[str], words: str, engine: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(notebook), *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image = 3", "`image` is a table"),
        ("[image]\nbsae = 'x'", "Did you mean `base`"),
        ("[image]\nindex_url = 'https://me:word@x.example'", "must not hold a password"),
        ("[image]\nplatform = 'amd64'", "such as `linux/amd64`"),
        ("[image]\nname = 'Up Per'", "image.name"),
        ("[image]\nsystem_packages = ['x;rm']", "Debian package"),
        ("[image]\nenvironment = 'none.yml'", "does not exist"),
        ("[image", "can't be read"),
    ],
)
def test_wrong_configuration(
    notebook: Path, text: str, words: str, project: Path, engine: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "mlops.toml").write_text(text, encoding="utf-8")
    assert main(["build", str(notebook)]) == 2
    assert words in capsys.readouterr().err


def test_a_notebook_may_not_give_options_to_the_engine(write: Any) -> None:
    _, pipeline = write({"one": "x = 1"}, metadata={"image": {"build_options": ["--volume=/:/host"]}})
    assert [item.message for item in pipeline.diagnostics] == [
        "`metadata.mlops.image.build_options` is not a known setting."
    ]
