"""``jupyter mlops compile`` and ``jupyter nbconvert --to mlops_kfp``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler, components, dsl, kubernetes
from kfp.compiler.compiler_utils import KubernetesManifestOptions

from jupyter_mlops.cli.main import main
from jupyter_mlops.exporters import KfpExporter
from jupyter_mlops.kubeflow.text import MARK

CELLS = (("parameters", "n = 1"), ("step:a", "a = n"), ("step:b", "print(a)"))


@pytest.fixture
def notebook(make_notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return str(make_notebook(*CELLS).name)


def test_files_that_are_written(notebook: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (tmp_path / notebook).read_bytes()
    assert main(["compile", notebook, "--image", "x:1", "--components", "parts", "-p", "n", "5"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].startswith("nb.yaml: 2 steps, ")
    spec = yaml.safe_load((tmp_path / "nb.yaml").read_text(encoding="utf-8"))
    assert spec["root"]["inputDefinitions"]["parameters"]["n"]["defaultValue"] == 5
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("component.yaml"))
    assert names == ["parts/a/component.yaml", "parts/b/component.yaml"]
    assert {path.name for path in tmp_path.iterdir()} == {notebook, "nb.yaml", "parts"}
    assert (tmp_path / notebook).read_bytes() == before
    assert main(["compile", notebook, "--image", "x:2", "--components", "parts"]) == 0  # ours may be replaced


def test_components_can_be_put_together_with_kfp(notebook: str, tmp_path: Path) -> None:
    assert main(["compile", notebook, "--image", "x:1", "--components", "parts"]) == 0
    make, show = (
        components.load_component_from_file(str(tmp_path / "parts" / slug / "component.yaml")) for slug in "ab"
    )

    @dsl.pipeline(name="other")
    def other():  # type: ignore[no-untyped-def]  # kfp reads annotations
        made = make(n=7)
        show(a=made.outputs["a"])

    target = tmp_path / "other.yaml"
    compiler.Compiler().compile(other, str(target))
    spec = yaml.safe_load(target.read_text(encoding="utf-8"))
    container = spec["deploymentSpec"]["executors"]["exec-a"]["container"]
    assert container["command"] == ["env", "PYTHONHASHSEED=0", "python3", "-m", "jupyter_mlops.runtime.component"]
    tasks = spec["root"]["dag"]["tasks"]
    assert tasks["b"]["inputs"]["artifacts"]["a"]["taskOutputArtifact"]["producerTask"] == "a"


def test_json(notebook: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", notebook, "-o", "p.yaml", "--image", "x:1", "--components", "c", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "schema": 1,
        "name": "nb",
        "output": str(tmp_path / "p.yaml"),
        "components": {slug: str(tmp_path / "c" / slug / "component.yaml") for slug in "ab"},
        "manifests": None,
        "images": {"a": "x:1", "b": "x:1"},
        "parameters": [{"name": "n", "key": "n", "type": "NUMBER_INTEGER", "encoding": "plain", "default": 1}],
        "notes": [],
    }


def test_what_is_not_ours_is_never_replaced(notebook: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("my: own\n", encoding="utf-8")
    part = tmp_path / "parts" / "b" / "component.yaml"
    part.parent.mkdir(parents=True)
    part.write_text("my: own\n", encoding="utf-8")
    assert main(["compile", notebook, "-o", "mine.yaml", "--image", "x:1"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["compile", notebook, "-o", "p.yaml", "--components", "parts", "--image", "x:1"]) == 2
    assert not (tmp_path / "p.yaml").exists()  # all or nothing
    assert main(["compile", notebook, "-o", notebook, "--image", "x:1", "--force"]) == 2
    assert "notebook itself" in capsys.readouterr().err
    assert main(["compile", notebook, "-o", "other.ipynb", "--image", "x:1", "--force"]) == 2
    assert "name of a notebook" in capsys.readouterr().err
    assert mine.read_text(encoding="utf-8") == part.read_text(encoding="utf-8") == "my: own\n"
    assert main(["compile", notebook, "-o", "mine.yaml", "--image", "x:1", "--force"]) == 0
    assert mine.read_text(encoding="utf-8").startswith(MARK)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--image", "x:1", "-p", "m", "1"], 2, "m"),
        (["--image", "x:1", "-o", "nowhere/p.yaml"], 2, "does not exist"),
        ([], 2, "No container image"),
        (["--image", "x:1", "--namespace", "n"], 2, "--manifests"),
        (["--image", "x:1", "--manifests", "m.yaml", "--namespace", "n" * 64], 2, "can't be a namespace"),
        (["--image", "x 1"], 2, "can't be called 'x 1'"),
        (["--image", "example.com/Team/x"], 2, "in lower case"),
        (["--image", "x:1", "--image-pull-policy", "Sometimes"], 2, "Sometimes"),
        (["--image", "x:1", "-o", "same.yaml", "--manifests", "same.yaml"], 2, "both"),
    ],
)
def test_bad_usage(
    notebook: str, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["compile", notebook, *arguments]) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert [path.name for path in tmp_path.iterdir()] == [notebook]


def test_a_notebook_with_errors(
    make_notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_notebook(("step:a", "print(nobody)"))
    assert main(["compile", "nb.ipynb", "--image", "x:1"]) == 3
    err = capsys.readouterr().err
    assert "MLO012" in err
    assert "nothing was compiled" in err


def test_kfp_is_not_imported(notebook: str) -> None:
    program = (
        "import sys; from jupyter_mlops.cli.main import main\n"
        f"assert main(['compile', {notebook!r}, '--image', 'x:1']) == 0\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'kfp', 'kubernetes', 'nbformat', 'nbclient', 'papermill', 'google'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_manifests_are_as_kfp_writes_them(make_notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    metadata = {"mlops": {"description": "All of it", "labels": {"a": "b"}}}
    path = make_notebook(("step:s", "a = 1"), metadata=metadata)
    arguments = ["compile", path.name, "--image", "x:1", "--manifests", "m.yaml", "--namespace", "team"]
    assert main(arguments) == 0
    pipeline, version = yaml.safe_load_all((tmp_path / "m.yaml").read_text(encoding="utf-8"))

    @dsl.container_component
    def s():  # type: ignore[no-untyped-def]
        return dsl.ContainerSpec(image="x:1")

    @dsl.pipeline(name="nb", description="All of it")
    def nb():  # type: ignore[no-untyped-def]
        kubernetes.add_pod_label(s(), "a", "b")

    options = KubernetesManifestOptions("nb", None, version["metadata"]["name"], None, "team", True)
    compiler.Compiler().compile(nb, "kfp.yaml", kubernetes_manifest_format=True, kubernetes_manifest_options=options)
    theirs = list(yaml.safe_load_all((tmp_path / "kfp.yaml").read_text(encoding="utf-8")))
    assert pipeline == theirs[0]
    assert version.keys() == theirs[1].keys()
    assert version["metadata"] == theirs[1]["metadata"]
    assert version["spec"].keys() == theirs[1]["spec"].keys()
    assert version["spec"]["platformSpec"] == theirs[1]["spec"]["platformSpec"]
    assert {**version["spec"], "pipelineSpec": 0, "platformSpec": 0} == {
        **theirs[1]["spec"],
        "pipelineSpec": 0,
        "platformSpec": 0,
    }


# --- nbconvert --------------------------------------------------------------------------------------------------------


def test_nbconvert_gives_the_same_file(notebook: str, tmp_path: Path, root: Path) -> None:
    assert main(["compile", notebook, "-o", "ours.yaml", "--image", "x:1"]) == 0
    exporter = KfpExporter(image="x:1")
    text, resources = exporter.from_filename(notebook)
    assert text == (tmp_path / "ours.yaml").read_text(encoding="utf-8")
    assert resources["output_extension"] == ".yaml"
    entry = "jupyter_mlops.exporters.KfpExporter"
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", entry, "--KfpExporter.image=x:1", notebook]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert (tmp_path / "nb.yaml").read_text(encoding="utf-8") == text
    declared = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert 'mlops_kfp = "jupyter_mlops.exporters:KfpExporter"' in declared


def test_nbconvert_of_a_notebook_in_memory(notebook: str, tmp_path: Path) -> None:
    import nbformat
    from nbconvert.utils.exceptions import ConversionException

    node = nbformat.read(tmp_path / notebook, as_version=4)
    resources = {"metadata": {"name": "nb", "path": str(tmp_path)}}
    text, _ = KfpExporter(image="x:1").from_notebook_node(node, resources)
    assert text == KfpExporter(image="x:1").from_filename(notebook)[0]
    with pytest.raises(ConversionException, match="No container image"):
        KfpExporter().from_notebook_node(node, resources)


def test_nbconvert_tells_what_is_wrong(notebook: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        KfpExporter().from_filename(notebook)
    assert raised.value.code == 2
    assert "No container image" in capsys.readouterr().err
