"""Compiled pipelines, judged by kfp itself: its loader, its protobuf, its compiler."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2

from jupyter_mlops import api
from jupyter_mlops.api.kubeflow import compile_notebook
from jupyter_mlops.cli.main import main
from jupyter_mlops.errors import NotebookError, PipelineError, UsageError
from jupyter_mlops.kubeflow.names import escaped, unescaped
from jupyter_mlops.kubeflow.payload import MAX_ARGUMENT
from jupyter_mlops.runtime.component import decode_payload

KALE = Path(__file__).with_name("kale.ipynb")


def checked(text: str) -> dict[str, Any]:
    """Let kfp read a compiled text; return it."""
    component = components.load_component_from_text(text)
    documents = list(yaml.safe_load_all(text))
    message = json_format.ParseDict(documents[0], pipeline_spec_pb2.PipelineSpec())
    assert message.pipeline_info.name == component.component_spec.name or message.pipeline_info.display_name
    if len(documents) > 1:
        json_format.ParseDict(documents[1], pipeline_spec_pb2.PlatformSpec())
    assert len(documents) <= 2
    _check_graph(documents[0])
    found: dict[str, Any] = documents[0]
    return found


def _check_graph(spec: dict[str, Any]) -> None:
    """Whatever a task refers to is there, of the same type."""
    components_ = spec["components"]
    tasks = spec["root"]["dag"]["tasks"]
    for task in tasks.values():
        component = components_[task["componentRef"]["name"]]
        if "executorLabel" in component:
            assert component["executorLabel"] in spec["deploymentSpec"]["executors"]
        wanted = component.get("inputDefinitions", {})
        given_ = task.get("inputs", {})
        assert set(wanted.get("artifacts", {})) == set(given_.get("artifacts", {}))
        assert set(wanted.get("parameters", {})) == set(given_.get("parameters", {}))
        assert not set(wanted.get("artifacts", {})) & set(wanted.get("parameters", {}))
        for key, item in given_.get("artifacts", {}).items():
            if "taskOutputArtifact" in item:
                source = item["taskOutputArtifact"]
                assert source["producerTask"] in task["dependentTasks"]
                producer = components_[tasks[source["producerTask"]]["componentRef"]["name"]]
                made = producer["outputDefinitions"]["artifacts"][source["outputArtifactKey"]]
                assert made["artifactType"] == wanted["artifacts"][key]["artifactType"]


def payload_of(spec: dict[str, Any], slug: str) -> dict[str, Any]:
    return decode_payload(spec["deploymentSpec"]["executors"][f"exec-{slug}"]["container"]["args"][1:])


@pytest.mark.parametrize("example", ["breast_cancer", "diabetes", "digits"])
def test_examples(root: Path, example: str) -> None:
    compiled = compile_notebook(root / "examples" / f"{example}.ipynb", image="localhost/x:1", report=False)
    sliced = api.pipeline(root / "examples" / f"{example}.ipynb")
    spec = checked(compiled.yaml)
    assert list(compiled.components) == [step.slug for step in sliced.steps]
    for slug, text in compiled.components.items():
        alone = checked(text)
        assert alone["pipelineInfo"]["name"] == slug
    tasks = spec["root"]["dag"]["tasks"]
    for slug, task in tasks.items():
        assert set(sliced.upstream(slug)) == set(task.get("dependentTasks", []))


def test_a_notebook_with_all_kinds_of_kale_tags() -> None:
    compiled = compile_notebook(KALE)
    spec = checked(compiled.yaml)
    platform = list(yaml.safe_load_all(compiled.yaml))[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert spec["pipelineInfo"]["name"] == "kale-example"
    assert set(spec["root"]["inputDefinitions"]["parameters"]) == {"rows", "seed"}
    tasks = spec["root"]["dag"]["tasks"]
    assert set(tasks) >= {"load", "train", "notify"}
    assert "train" in tasks["notify"]["dependentTasks"]
    train = spec["deploymentSpec"]["executors"]["exec-train"]["container"]
    assert train["image"] == "registry.example.com/forest:2"
    assert spec["deploymentSpec"]["executors"]["exec-load"]["container"]["image"] == "registry.example.com/base:1"
    assert train["resources"]["resourceCpuLimit"] == "2"
    assert train["resources"]["resourceMemoryLimit"] == "4Gi"
    assert train["resources"]["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert platform["exec-train"]["podMetadata"] == {
        "labels": {"team": "risk"},
        "annotations": {"contact": "mailto:data@example.com", "sidecar.istio.io/inject": "false"},
    }
    assert platform["exec-train"]["secretAsEnv"][0]["keyToEnv"] == [{"secretKey": "password", "envVar": "DB_PASSWORD"}]
    assert platform["exec-train"]["pvcMount"][0]["mountPath"] == "/data"
    assert tasks["train"]["cachingOptions"] == {}
    assert tasks["load"]["cachingOptions"] == {"enableCache": True}
    assert tasks["train"]["retryPolicy"]["maxRetryCount"] == 3
    metrics = [key for key, item in spec["components"].items() if "metrics" in item["outputDefinitions"]["artifacts"]]
    assert metrics
    told = [(item.code, item.severity) for item in api.pipeline(KALE).diagnostics if item.severity != "info"]
    assert told == [("MLO060", "warning")]  # Kale's experiment; that its metrics cell prints names is no mistake


def test_what_of_a_notebook_is_ignored_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(KALE), "-o", str(tmp_path / "p.yaml"), "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["name"] == "kale-example"
    assert "warning MLO060: `metadata.kubeflow_notebook.experiment_name`" in captured.err


def test_artifact_types(make_notebook: Any) -> None:
    path = make_notebook(
        (
            "imports",
            "import pandas as pd\nfrom sklearn.ensemble import RandomForestClassifier\n"
            "from sklearn.model_selection import KFold",
        ),
        (
            "step:a;out:declared:Model;out:other:pandas.DataFrame",
            "df = pd.DataFrame({'a': [1]})\nmodel = RandomForestClassifier(random_state=0)\nfolds = KFold()\n"
            "dataset = 1\ndeclared = 2\nother = [3]",
        ),
        ("step:b", "print(df, model, folds, dataset, declared, other)"),
    )
    spec = checked(compile_notebook(path, image="i").yaml)
    made = spec["components"]["comp-a"]["outputDefinitions"]["artifacts"]
    found = {key: item["artifactType"]["schemaTitle"] for key, item in made.items() if not key.startswith("executed")}
    assert found == {
        "df": "system.Dataset",
        "model": "system.Model",
        "folds": "system.Artifact",
        "dataset": "system.Artifact",  # the name says nothing
        "declared": "system.Model",
        "other": "system.Dataset",
    }
    assert made["executed_notebook"]["artifactType"]["schemaTitle"] == "system.HTML"


def test_parameter_types(make_notebook: Any) -> None:
    path = make_notebook(
        (
            "parameters",
            "i = -1\nf = 0.5\ns = 'x'\nb = True\nl = [1, 'a']\nd = {'k': 1}\nn = None\n"
            "inf = float('inf')\nbig = 9007199254740993\nol: int | None = 3\nfl = [1.0]\n_p = 1\nX = 1\nx = 2",
        ),
        ("step:s", "print(i, f, s, b, l, d, n, inf, big, ol, fl, _p, X, x)"),
    )
    spec = checked(compile_notebook(path, image="i").yaml)
    found = spec["root"]["inputDefinitions"]["parameters"]
    assert {key: (item["parameterType"], item["defaultValue"]) for key, item in found.items()} == {
        "i": ("NUMBER_INTEGER", -1),
        "f": ("NUMBER_DOUBLE", 0.5),
        "s": ("STRING", "x"),
        "b": ("BOOLEAN", True),
        "l": ("LIST", [1, "a"]),
        "d": ("STRUCT", {"k": 1}),
        "n": ("STRING", "null"),
        "inf": ("STRING", "Infinity"),
        "big": ("STRING", "9007199254740993"),
        "ol": ("STRING", "3"),
        "fl": ("STRING", "[1.0]"),
        "esc__5f_p": ("NUMBER_INTEGER", 1),
        "X": ("NUMBER_INTEGER", 1),
        "x": ("NUMBER_INTEGER", 2),
    }


def test_encoding_of_values(make_notebook: Any) -> None:
    path = make_notebook(("parameters", "i = 1\nf = 1.5\nl = [1]\nn = None"), ("step:s", "print(i, f, l, n)"))
    arguments = compile_notebook(path, image="i").arguments
    assert arguments["f"].encode(2) == 2.0
    assert arguments["n"].encode([float("nan")]) == "[NaN]"
    assert arguments["l"].encode([2]) == [2]
    for name, value in (("i", 2**60), ("f", float("inf")), ("l", [1.0])):
        with pytest.raises(UsageError, match="can't carry"):
            arguments[name].encode(value)


def test_a_parameter_that_is_reassigned_is_an_artifact_from_there_on(make_notebook: Any) -> None:
    path = make_notebook(
        ("parameters", "n = 1"), ("step:a", "print(n)"), ("step:b", "n = n + 1"), ("step:c", "print(n)")
    )
    spec = checked(compile_notebook(path, image="i").yaml)
    inputs = {slug: spec["components"][f"comp-{slug}"].get("inputDefinitions", {}) for slug in "abc"}
    assert set(inputs["a"]["parameters"]) == set(inputs["b"]["parameters"]) == {"n"}
    assert inputs["c"].keys() == {"artifacts"}


def test_aliases_states_and_order(make_notebook: Any) -> None:
    path = make_notebook(
        ("step:a", "import numpy as np\nnp.random.seed(0)\nx = [1]\ny = x"),
        ("step:b", "print(x, y)\nz = np.random.rand()"),
        ("step:c", "print(np.random.rand())"),
        ("step:d;after:b", "print('d')"),
    )
    spec = checked(compile_notebook(path, image="i").yaml)
    made = {slug: set(spec["components"][f"comp-{slug}"]["outputDefinitions"]["artifacts"]) for slug in "abcd"}
    assert {"x", "state_rng_numpy"} <= made["a"]
    assert "y" not in made["a"]
    assert "state_rng_numpy" in made["b"]
    loads = {item["id"]: item for item in payload_of(spec, "b")["loads"]}
    assert loads["a.x"]["names"] == loads["a.x"]["bind"] == ["x", "y"]
    assert spec["root"]["dag"]["tasks"]["d"]["dependentTasks"] == ["b"]


def test_caching(make_notebook: Any) -> None:
    path = make_notebook(
        ("step:plain", "a = 1"),
        ("step:net", "import urllib.request\nb = urllib.request.urlopen('http://localhost:1').read()"),
        ("step:off", "c = 1", {"cache": "off"}),
        ("step:volatile", "d = 1", {"cache": "volatile"}),
        ("step:forced", "import time\ne = time.time()", {"cache": "on"}),
    )
    tasks = checked(compile_notebook(path, image="i").yaml)["root"]["dag"]["tasks"]
    assert {slug for slug, task in tasks.items() if task["cachingOptions"]} == {"plain", "forced"}


def test_a_changed_helper_changes_the_component(make_notebook: Any, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("VALUE = 1\n", encoding="utf-8")
    (tmp_path / "data.csv").write_text("a\n1\n", encoding="utf-8")
    path = make_notebook(("step:s", "import helper\nprint(helper.VALUE, open('data.csv').read())"))
    first = compile_notebook(path, image="i")
    assert first.modules["s"] == ("helper",)
    assert first.files["s"] == ("data.csv",)
    assert any("helper" in note for note in first.notes)
    assert compile_notebook(path, image="i").yaml == first.yaml
    (tmp_path / "helper.py").write_text("VALUE = 2\n", encoding="utf-8")
    second = compile_notebook(path, image="i").yaml
    assert second != first.yaml
    (tmp_path / "data.csv").write_text("a\n2\n", encoding="utf-8")
    assert compile_notebook(path, image="i").yaml != second


def test_files_given_by_uri_are_imported(make_notebook: Any, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n", encoding="utf-8")
    path = make_notebook(("step:s", "print(open('data.csv').read())"), ("step:t", "print(open('data.csv').read())"))
    spec = checked(compile_notebook(path, image="i", files={"data.csv": "s3://bucket/data.csv"}).yaml)
    executors = spec["deploymentSpec"]["executors"].values()
    (importer,) = [item["importer"] for item in executors if "importer" in item]  # one for both steps
    assert importer["artifactUri"] == {"constant": "s3://bucket/data.csv"}
    content = payload_of(spec, "s")
    assert content["needs"]["files"] == {}
    assert content["loads"][0]["target"] == "data.csv"


def test_files_with_names_alike(make_notebook: Any, tmp_path: Path) -> None:
    path = make_notebook(("step:s", "print(open('a_b').read())"), ("step:t", "print(open('a-b').read())"))
    spec = checked(compile_notebook(path, image="i", files={"a_b": "s3://x/1", "a-b": "s3://x/2"}).yaml)
    executors = spec["deploymentSpec"]["executors"].values()
    uris = {item["importer"]["artifactUri"]["constant"] for item in executors if "importer" in item}
    assert uris == {"s3://x/1", "s3://x/2"}


def test_a_step_that_shares_any_file_is_refused(make_notebook: Any) -> None:
    path = make_notebook(
        ("step:write", "import os\nname = os.environ.get('NAME', 'x')\nopen(name, 'w').write('a')"),
        ("step:read", "print(open('data.txt').read())"),
    )
    with pytest.raises(NotebookError, match='of step "write" may use any file') as raised:
        compile_notebook(path, image="i")
    assert "Cell 1" in raised.value.message
    alone = make_notebook(
        ("step:write", "import os\nopen(os.environ.get('NAME', 'x'), 'w').write('a')"), ("step:b", "b = 1")
    )
    checked(compile_notebook(alone, image="i").yaml)


def test_large_cells(make_notebook: Any) -> None:
    random.seed(1)
    noise = "".join(random.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/", k=300_000))
    path = make_notebook(("step:s", "a = 1"), ("step:t", f"data = '{noise}'\nprint(a, len(data))"))
    spec = checked(compile_notebook(path, image="i").yaml)
    arguments = spec["deploymentSpec"]["executors"]["exec-t"]["container"]["args"]
    assert len(arguments) > 2
    assert max(map(len, arguments)) <= MAX_ARGUMENT < 96 * 1024
    assert noise in json.dumps(payload_of(spec, "t"))
    large = make_notebook(("step:s", "a = 1"), ("step:t", f"print(a)\ndata = '{noise}{noise[::-1]}'"))
    with pytest.raises(NotebookError) as raised:
        compile_notebook(large, image="i")
    assert raised.value.exit_code == 3
    assert "cell 2 (t), with 586 KiB" in raised.value.message


def test_a_pipeline_that_no_cluster_would_start(make_notebook: Any) -> None:
    random.seed(2)
    noise = ["".join(random.choices(string.ascii_letters + string.digits, k=300_000)) for _ in range(6)]
    cells = [(f"step:s{number}", f"data{number} = '{text}'") for number, text in enumerate(noise)]
    cells[2] = ("step:s2", "small = 1")

    def notes(count: int) -> tuple[str, ...]:
        return compile_notebook(make_notebook(*cells[:count]), image="i").notes

    assert notes(1) == ("The pipeline has 295 KiB; Kubeflow Pipelines 2.2 and older start none of more than 256 KiB.",)
    (note,) = notes(5)
    assert note.startswith("The pipeline has 1.2 MiB;") and "some of 1 MiB at most" in note
    with pytest.raises(NotebookError, match="too large for Kubeflow") as raised:
        compile_notebook(make_notebook(*cells, ("step:s6", f"more = '{noise[2][:120_000]}'")), image="i")
    assert "it has 1.56 MiB, and Kubernetes takes records of 1.5 MiB at most" in raised.value.message
    assert '"s5" (294 KiB)' in raised.value.message and '"s2"' not in raised.value.message
    assert raised.value.exit_code == 3 and "files of the project" in str(raised.value.hint)


def test_images(make_notebook: Any) -> None:
    path = make_notebook(
        ("step:a", "a = 1", {"image": "own:1"}), ("step:b", "print(a)"), metadata={"mlops": {"image": "all:1"}}
    )
    assert dict(compile_notebook(path).images) == {"a": "own:1", "b": "all:1"}
    assert dict(compile_notebook(path, image="asked:1").images) == {"a": "own:1", "b": "asked:1"}
    pinned = compile_notebook(path, images={"a": "own@sha256:0", "b": "all@sha256:1"}).images
    assert dict(pinned) == {"a": "own@sha256:0", "b": "all@sha256:1"}
    with pytest.raises(UsageError, match="No container image is known for any step"):
        compile_notebook(make_notebook(("step:a", "a = 1")))


def test_a_notebook_with_errors_is_refused(make_notebook: Any) -> None:
    with pytest.raises(PipelineError):
        compile_notebook(make_notebook(("step:a", "print(nobody_defines_this)")), image="i")
    with pytest.raises(NotebookError):
        compile_notebook(make_notebook(("skip", "a = 1")), image="i")


def test_report_at_the_end(make_notebook: Any, runner: Any) -> None:
    path = make_notebook(("parameters", "n = 1"), ("step:a", "a = n"), ("step:b", "print(a)"))
    text = compile_notebook(path, image="i", report=True).yaml
    components.load_component_from_text(text)
    (spec,) = yaml.safe_load_all(text)
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    report = spec["root"]["dag"]["tasks"]["run-report"]
    assert report["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert set(spec["components"]["comp-steps-of-run"]["dag"]["tasks"]) == {"a", "b"}
    status = {"state": "FAILED", "error": {"message": "<b> broke"}, "pipelineJobResourceName": "run-1"}
    target = runner.root / "report.html"
    outputs = {"report": {"artifacts": [{"name": "report", "uri": str(target)}]}}
    given_ = {
        "inputs": {"parameterValues": {"status": status}},
        "outputs": {"artifacts": outputs, "outputFile": str(runner.root / "out.json")},
    }
    done = runner.start(spec["deploymentSpec"]["executors"]["exec-run-report"]["container"], given_)
    assert (done.returncode, done.stdout) == (0, "nb: FAILED: <b> broke\n")
    assert "&lt;b&gt; broke" in target.read_text(encoding="utf-8")


def test_names_that_kubeflow_does_not_take() -> None:
    for name in ("X", "x", "n_trees", "a1"):
        assert escaped(name) == name
    assert escaped("_p") == "esc__5f_p"
    assert len({escaped(name) for name in ("_p", "p", "esc__5f_p", "ä", "a", "esc_")}) == 6


@given(st.text(min_size=1, max_size=30))
def test_names_come_back(name: str) -> None:
    assert unescaped(escaped(name)) == name
    assert escaped(name)[0].isascii()
    assert escaped(name).replace("_", "a").isalnum()


def test_odd_names_of_steps_and_pipelines(make_notebook: Any) -> None:
    long = "a very long name of a step " * 6
    path = make_notebook(
        (f"step:{long}", "a = 1"),
        ("step:Trâin — modèle (2)", "print(a)"),
        metadata={"mlops": {"name": "Größe: " + "x" * 90}},
    )
    compiled = compile_notebook(path, image="i")
    spec = checked(compiled.yaml)
    assert spec["pipelineInfo"]["displayName"].startswith("Größe")
    assert len(spec["pipelineInfo"]["name"]) <= 63
    tasks = spec["root"]["dag"]["tasks"]
    assert all(len(slug) <= 63 and slug.replace("-", "").isalnum() and slug.isascii() for slug in tasks)
    assert {task["taskInfo"]["name"] for task in tasks.values()} == {long.strip(), "Trâin — modèle (2)"}
