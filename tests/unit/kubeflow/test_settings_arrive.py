"""Every setting arrives in the compiled pipeline as kfp itself would write it, or is refused; none is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from google.protobuf import json_format
from kfp import compiler, dsl, kubernetes

from jupyter_mlops.api.kubeflow import compile_notebook
from jupyter_mlops.errors import PipelineError, UsageError
from jupyter_mlops.notebook.model import StepSettings
from jupyter_mlops.notebook.settings import SETTINGS
from jupyter_mlops.runtime.component import decode_payload

EVERYTHING: dict[str, Any] = {
    "image": "registry.example.com/team/forest@sha256:0",
    "packages": ["scikit-learn>=1.5"],
    "cpu": "500m",
    "memory": "4Gi",
    "accelerator": {"type": "nvidia.com/gpu", "count": 2},
    "env": {"OMP_NUM_THREADS": "2", "ODD": "a: 'b' $(HOME) {{x}}\nü"},
    "secrets": [
        {"name": "warehouse", "key": "password", "env": "DB_PASSWORD"},
        {"name": "warehouse", "key": "user", "env": "DB_USER"},
        {"name": "tls", "path": "/etc/tls"},
    ],
    "config_maps": [{"name": "settings", "key": "level", "env": "LEVEL"}, {"name": "files", "path": "/etc/conf"}],
    "volumes": [{"claim": "scans", "path": "/data/scans"}],
    "retries": 3,
    "backoff": {"delay": "10s", "factor": 1.5, "max_duration": "1h"},
    "timeout": "30m",
    "cache": "off",
    "image_pull_policy": "Always",
    "image_pull_secrets": ["registry", "mirror"],
    "node_selector": {"disk": "ssd"},
    "tolerations": [
        {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoExecute", "seconds": 30},
        {"operator": "Exists"},
    ],
    "labels": {"team.example.com/name": "risk"},
    "annotations": {"contact": "mailto:data@example.com", "note": "a: b: c"},
    "description": "Trains it.",
}


def by_kfp() -> dict[str, Any]:
    """What kfp and kfp-kubernetes make of the same settings."""

    @dsl.container_component
    def s():  # type: ignore[no-untyped-def]  # kfp reads annotations
        return dsl.ContainerSpec(image=EVERYTHING["image"], command=["python3"], args=["x"])

    @dsl.pipeline(name="p")
    def p():  # type: ignore[no-untyped-def]
        task = s()
        task.set_cpu_limit("500m").set_memory_limit("4Gi")
        task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(2)
        for name, value in EVERYTHING["env"].items():
            task.set_env_variable(name, value)
        task.set_retry(3, "10s", 1.5, "3600s").set_caching_options(False)
        kubernetes.use_secret_as_env(task, "warehouse", {"password": "DB_PASSWORD", "user": "DB_USER"})
        kubernetes.use_secret_as_volume(task, "tls", "/etc/tls")
        kubernetes.use_config_map_as_env(task, "settings", {"level": "LEVEL"})
        kubernetes.use_config_map_as_volume(task, "files", "/etc/conf")
        kubernetes.mount_pvc(task, "scans", "/data/scans")
        kubernetes.set_timeout(task, 1800)
        kubernetes.set_image_pull_policy(task, "Always")
        kubernetes.set_image_pull_secrets(task, ["registry", "mirror"])
        kubernetes.add_node_selector(task, "disk", "ssd")
        kubernetes.add_toleration(task, "gpu", "Equal", "yes", "NoExecute", 30)
        kubernetes.add_toleration(task, operator="Exists")
        kubernetes.add_pod_label(task, "team.example.com/name", "risk")
        for name, value in EVERYTHING["annotations"].items():
            kubernetes.add_pod_annotation(task, name, value)

    return p  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    path = tmp_path_factory.mktemp("kfp") / "p.yaml"
    compiler.Compiler().compile(by_kfp(), str(path))
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def compiled(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(compile_notebook(path, image="localhost/i:1").yaml))


def test_as_kfp_writes_it(make_notebook: Any, expected: list[dict[str, Any]]) -> None:
    ours = compiled(make_notebook(("step:s", "a = 1", EVERYTHING)))
    container, theirs = (item["deploymentSpec"]["executors"]["exec-s"]["container"] for item in (ours[0], expected[0]))
    assert container["resources"] == theirs["resources"]
    assert container["image"] == theirs["image"]
    env = {item["name"]: item["value"] for item in container["env"]}
    assert env == {"PYTHONHASHSEED": "0", **{item["name"]: item["value"] for item in theirs["env"]}}
    task, their_task = (item["root"]["dag"]["tasks"]["s"] for item in (ours[0], expected[0]))
    assert task["retryPolicy"] == their_task["retryPolicy"]
    assert task["cachingOptions"] == their_task["cachingOptions"]
    platform, their_platform = (_platform(item[1]) for item in (ours, expected))
    assert platform == their_platform
    json_format.ParseDict(platform, kubernetes.kubernetes_executor_config_pb2.KubernetesExecutorConfig())


def _platform(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-s"]
    return found


def test_each_setting_changes_what_is_compiled(make_notebook: Any) -> None:
    """Taking one away takes something away: no setting is read and then dropped."""
    assert set(EVERYTHING) == set(SETTINGS) == {item.name for item in fields(StepSettings)}
    base = make_notebook(("step:s", "a = 1", EVERYTHING), name="base")
    whole = compile_notebook(base, image="localhost/i:1")
    for name in SETTINGS:
        without = {key: value for key, value in EVERYTHING.items() if key != name}
        if name == "retries":
            without.pop("backoff")
        other = compile_notebook(make_notebook(("step:s", "a = 1", without), name="base"), image="localhost/i:1")
        if name == "description":
            assert whole.components["s"] != other.components["s"]
            assert "Trains it." in whole.components["s"]
        else:
            assert whole.yaml != other.yaml, name


def test_packages_are_asked_for_in_the_container(make_notebook: Any) -> None:
    path = make_notebook(("step:s", "a = 1", {"packages": ["Scikit_Learn>=1.5", "pandas[excel]==2.2"]}))
    arguments = compiled(path)[0]["deploymentSpec"]["executors"]["exec-s"]["container"]["args"]
    assert decode_payload(arguments[1:])["needs"]["packages"] == ["pandas", "scikit-learn"]


def test_defaults_of_the_notebook_arrive_too(make_notebook: Any) -> None:
    metadata = {
        "mlops": {"memory": "2Gi", "labels": {"a": "b"}, "tolerations": [{"operator": "Exists"}], "env": {"X": "1"}}
    }
    path = make_notebook(("step:s", "a = 1", {"labels": {"c": "d"}, "env": {"Y": "2"}}), metadata=metadata)
    ours = compiled(path)
    assert _platform(ours[1]) == {
        "podMetadata": {"labels": {"a": "b", "c": "d"}},
        "tolerations": [{"operator": "Exists"}],
    }
    container = ours[0]["deploymentSpec"]["executors"]["exec-s"]["container"]
    assert container["resources"]["resourceMemoryLimit"] == "2Gi"
    assert {item["name"]: item["value"] for item in container["env"]} == {"PYTHONHASHSEED": "0", "X": "1", "Y": "2"}


def test_retries_of_slow_steps_do_not_end_after_an_hour(make_notebook: Any) -> None:
    (spec,) = compiled(make_notebook(("step:s", "a = 1", {"retries": 2})))
    policy = spec["root"]["dag"]["tasks"]["s"]["retryPolicy"]
    assert policy == {
        "maxRetryCount": 2,
        "backoffDuration": "1s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "604800s",
    }


@pytest.mark.parametrize(
    ("memory", "gigabytes"),
    [("1Gi", 1.073741824), ("500M", 0.5), ("1e9", 1.0), ("2Ti", 2199.023255552), ("1024", 1.024e-06)],
)
def test_quantities(make_notebook: Any, memory: str, gigabytes: float) -> None:
    (spec,) = compiled(make_notebook(("step:s", "a = 1", {"memory": memory})))
    resources = spec["deploymentSpec"]["executors"]["exec-s"]["container"]["resources"]
    assert resources == {"memoryLimit": pytest.approx(gigabytes), "resourceMemoryLimit": memory}


# --- what Kubernetes says ---------------------------------------------------------------------------------------------


def pod(spec: dict[str, Any], platform: dict[str, Any]) -> dict[str, Any]:
    """The pod that Kubeflow makes of an executor, as far as its fields come from the notebook."""
    container = spec["deploymentSpec"]["executors"]["exec-s"]["container"]
    limits = {
        "cpu": container["resources"]["resourceCpuLimit"],
        "memory": container["resources"]["resourceMemoryLimit"],
    }
    device = container["resources"]["accelerator"]
    limits[device["resourceType"]] = device["resourceCount"]
    env = list(container["env"])
    volumes, mounts = [], []
    sources = (("secret", "secretKeyRef", "secretName"), ("configMap", "configMapKeyRef", "name"))
    for kind, reference, name in sources:
        for item in platform[f"{kind}AsEnv"]:
            env += [
                {
                    "name": pair["envVar"],
                    "valueFrom": {reference: {"name": item[f"{kind}Name"], "key": pair[f"{kind}Key"]}},
                }
                for pair in item["keyToEnv"]
            ]
        for item in platform[f"{kind}AsVolume"]:
            volumes.append(
                {"name": item[f"{kind}Name"], kind: {name: item[f"{kind}Name"], "optional": item["optional"]}}
            )
            mounts.append({"name": item[f"{kind}Name"], "mountPath": item["mountPath"]})
    for item in platform["pvcMount"]:
        volumes.append({"name": item["constant"], "persistentVolumeClaim": {"claimName": item["constant"]}})
        mounts.append({"name": item["constant"], "mountPath": item["mountPath"]})
    tolerations = [
        {**item, **({"tolerationSeconds": int(item["tolerationSeconds"])} if "tolerationSeconds" in item else {})}
        for item in platform["tolerations"]
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "s", **platform["podMetadata"]},
        "spec": {
            "activeDeadlineSeconds": int(platform["activeDeadlineSeconds"]),
            "containers": [
                {
                    "name": "main",
                    "image": container["image"],
                    "imagePullPolicy": platform["imagePullPolicy"],
                    "command": container["command"],
                    "args": container["args"],
                    "env": env,
                    "resources": {"limits": limits},
                    "volumeMounts": mounts,
                }
            ],
            "imagePullSecrets": [{"name": item["secretName"]} for item in platform["imagePullSecret"]],
            "nodeSelector": platform["nodeSelector"]["labels"],
            "tolerations": tolerations,
            "volumes": volumes,
        },
    }


def test_fields_are_those_of_kubernetes(make_notebook: Any) -> None:
    spec, second = compiled(make_notebook(("step:s", "a = 1", EVERYTHING)))
    made = pod(spec, _platform(second))
    kubernetes_validate.validate(made, "1.35", strict=True)
    made["spec"]["containers"][0]["resources"]["limits"]["cpu"] = {"lots": 1}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(made, "1.35", strict=True)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cpu": "lots"}, "cpu"),
        ({"memory": "4 gigs"}, "memory"),
        ({"accelerator": "gpu"}, "is not the name of a device"),
        ({"accelerator": {"type": "NVIDIA_TESLA_V100"}}, "is not the name of a device"),
        ({"labels": {"team": "x" * 64}}, "label value"),
        ({"labels": {"x" * 64: "team"}}, "labels"),
        ({"secrets": [{"name": "Bad_Name", "key": "k", "env": "E"}]}, "name that Kubernetes allows"),
        ({"secrets": [{"name": "s" * 254, "key": "k", "env": "E"}]}, "253"),
        ({"config_maps": [{"name": "c", "key": "a b", "env": "E"}]}, "key that Kubernetes allows"),
        ({"image_pull_policy": "Sometimes"}, "image_pull_policy"),
        ({"tolerations": [{"value": "x"}]}, "key` is required"),
        ({"tolerations": [{"key": "a", "seconds": 3}]}, "NoExecute"),
        ({"tolerations": [{"key": "a", "effect": "NoSuch"}]}, "effect"),
        ({"toleration": []}, "known setting"),
    ],
)
def test_a_bad_setting_is_told_with_its_cell(make_notebook: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(PipelineError) as raised:
        compile_notebook(make_notebook(("step:s", "a = 1", settings)), image="i")
    errors = [item for item in raised.value.diagnostics if item.severity == "error"]
    assert [(item.code, item.cell) for item in errors] == [("MLO009", "c0")]
    assert message in errors[0].message + (errors[0].hint or "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"secrets": [{"name": "db"}]}, "neither `env` nor `path`"),
        ({"secrets": [{"name": "db", "env": "E"}]}, "needs a `key`"),
        ({"config_maps": [{"name": "db", "env": "E"}]}, "needs a `key`"),
        ({"secrets": [{"name": "db", "key": "k", "env": "E"}], "env": {"E": "1"}}, "E is set twice"),
        ({"env": {"A": "1", "B": "x$(A)"}}, "Kubernetes would replace $(A)"),
        (
            {"secrets": [{"name": "a", "path": "/x"}], "volumes": [{"claim": "b", "path": "/x"}]},
            "two things are mounted",
        ),
    ],
)
def test_what_kubeflow_has_no_place_for(make_notebook: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        compile_notebook(make_notebook(("step:s", "a = 1", settings)), image="i")
    assert message in raised.value.message
    assert raised.value.message.startswith('Cell 1 (s), step "s"')


def test_each_kale_tag_is_a_setting(make_notebook: Any) -> None:
    tags = "step:s;image:x:1;limit:cpu:1;limit:amd.com/gpu:2;label:a:b;annotation:c:d:e;secret:n:k:V;cache:disabled"
    check: Callable[[Any], list[dict[str, Any]]] = compiled
    spec, second = check(make_notebook((tags, "a = 1")))
    container = spec["deploymentSpec"]["executors"]["exec-s"]["container"]
    assert container["image"] == "x:1"
    assert container["resources"]["accelerator"]["resourceType"] == "amd.com/gpu"
    assert _platform(second)["podMetadata"] == {"labels": {"a": "b"}, "annotations": {"c": "d:e"}}
    assert _platform(second)["secretAsEnv"][0]["keyToEnv"] == [{"secretKey": "k", "envVar": "V"}]
