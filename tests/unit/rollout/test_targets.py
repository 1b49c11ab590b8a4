"""What clusters are handed, judged by full schemas in which a field that nobody knows is an error."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from jupyter_mlops.deploy.deployment import Deployment, Options, default_name
from jupyter_mlops.deploy.targets import check_target, manifests, objects_of, targets
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.errors import UsageError

KUBERNETES = "1.35"
DIGESTS = {2: "d2" * 32, 3: "d3" * 32}
WHOLE = Traffic.whole(2)
CANARY = WHOLE.with_canary(3, 10)
SHADOW = WHOLE.with_shadow(3)
SPLIT = Traffic.weighted({2: 60, 3: 40})


def deployment(target: str, traffic: Traffic = WHOLE, model: str = "churn", **options: Any) -> Deployment:
    images = {"images": {"2": "registry.example.com/churn:7", "3": "registry.example.com/churn:7"}}
    return Deployment("churn", model, target, "applied", traffic, Options(target={**images, **options}))


def made(target: str, traffic: Traffic = WHOLE, **options: Any) -> list[dict[str, Any]]:
    found = objects_of(manifests(deployment(target, traffic, **options), DIGESTS))
    for item in found:
        validate(item)
    return found


def validate(item: Mapping[str, Any]) -> None:
    """Judge an object by the schema of its kind."""
    if not item["apiVersion"].startswith("serving.kserve.io/"):
        kubernetes_validate.validate(item, KUBERNETES, strict=True)
        return
    version, validator = kserve(item["kind"])
    assert item["apiVersion"] == version
    assert set(item) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(item["metadata"]) <= {"name", "namespace", "labels", "annotations"}
    validator.validate(item["spec"])


@cache
def kserve(kind: str) -> tuple[str, jsonschema.Draft7Validator]:
    known = json.loads((Path(__file__).parent / "kserve_schema.json").read_text("utf-8"))
    found = known["kinds"][kind]
    schema = {**found["spec"], "definitions": known["definitions"]}
    jsonschema.Draft7Validator.check_schema(schema)
    return found["apiVersion"], jsonschema.Draft7Validator(schema)


def traffic_of(container: Mapping[str, Any]) -> dict[int, tuple[str, int]]:
    values = {item["name"]: item.get("value") for item in container["env"]}
    return {item["version"]: (item["role"], item["weight"]) for item in json.loads(values["MLOPS_TRAFFIC"])}


def check_secured(pod: Mapping[str, Any], container: Mapping[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    rights = container["securityContext"]
    assert rights["readOnlyRootFilesystem"] and rights["allowPrivilegeEscalation"] is False
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
    assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"]


def test_the_schemas_refuse_what_nobody_knows() -> None:
    """Otherwise the other tests would say nothing."""
    for target in ("kubernetes", "kserve"):
        for item in made(target, CANARY):
            item["spec"]["noSuchField"] = 1
            with pytest.raises((kubernetes_validate.ValidationError, jsonschema.ValidationError)):
                validate(item)
    (service,) = [item for item in made("kserve") if item["kind"] == "InferenceService"]
    service["spec"]["predictor"]["model"]["securityContext"]["readOnlyRootFileSystem"] = True
    with pytest.raises(jsonschema.ValidationError, match="readOnlyRootFileSystem"):
        validate(service)


@pytest.mark.parametrize("traffic", [WHOLE, CANARY, SHADOW, SPLIT])
def test_plain_kubernetes(traffic: Traffic) -> None:
    server, service, scaler = made("kubernetes", traffic, pull_secret="pull", token_secret="churn-token")
    assert [item["kind"] for item in (server, service, scaler)] == [
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
    ]
    pod = server["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    check_secured(pod, container)
    assert traffic_of(container) == {share.version: (share.role, share.weight) for share in traffic.shares}
    labels = server["spec"]["template"]["metadata"]["labels"]
    assert server["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= labels.items()
    assert scaler["spec"]["scaleTargetRef"]["name"] == server["metadata"]["name"]
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    assert server["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_kserve_parts_requests_between_revisions() -> None:
    runtime, service = made("kserve")
    assert runtime["spec"]["protocolVersions"] == ["v2"]
    predictor = service["spec"]["predictor"]
    assert "canaryTrafficPercent" not in predictor
    assert (
        predictor["model"]["runtime"] == runtime["metadata"]["name"] and predictor["model"]["protocolVersion"] == "v2"
    )
    check_secured(predictor, predictor["model"])
    assert traffic_of(predictor["model"]) == {2: ("stable", 100)}

    predictor = made("kserve", CANARY)[1]["spec"]["predictor"]
    assert predictor["canaryTrafficPercent"] == 10
    assert traffic_of(predictor["model"]) == {3: ("stable", 100)}, "the newest revision serves the canary alone"

    predictor = made("kserve", SHADOW)[1]["spec"]["predictor"]
    assert traffic_of(predictor["model"]) == {2: ("stable", 100), 3: ("shadow", 0)}
    assert predictor["minReplicas"] == 1 and predictor["maxReplicas"] == 3 and predictor["scaleMetric"] == "concurrency"


@pytest.mark.parametrize(
    ("traffic", "weights"),
    [(WHOLE, {"churn-v2": 100}), (CANARY, {"churn-v2": 90, "churn-v3": 10}), (SPLIT, {"churn-v2": 60, "churn-v3": 40})],
)
def test_kserve_without_revisions_parts_requests_by_a_graph(traffic: Traffic, weights: dict[str, int]) -> None:
    objects = made("kserve", traffic, mode="raw", namespace="team")
    services = {item["metadata"]["name"]: item for item in objects if item["kind"] == "InferenceService"}
    (graph,) = [item for item in objects if item["kind"] == "InferenceGraph"]
    (node,) = graph["spec"]["nodes"].values()
    assert node["routerType"] == "Splitter"
    assert {
        step["serviceName"]: step["weight"] for step in node["steps"]
    } == weights and services.keys() == weights.keys()
    assert sum(weights.values()) == 100
    for step in node["steps"]:
        assert (
            step["serviceUrl"] == f"http://{step['serviceName']}-predictor.team.svc.cluster.local/v2/models/churn/infer"
        )
        annotations = services[step["serviceName"]]["metadata"]["annotations"]
        assert annotations["serving.kserve.io/deploymentMode"] == "RawDeployment"
        assert services[step["serviceName"]]["spec"]["predictor"]["scaleMetric"] == "cpu"
    assert graph["metadata"]["name"] == "churn" and graph["metadata"]["namespace"] == "team"


def test_names_and_texts_arrive_as_they_are() -> None:
    odd = deployment("kubernetes", WHOLE, model='Kündigung: "x" # {{ y }}')
    objects = objects_of(manifests(odd, DIGESTS))
    for item in objects:
        validate(item)
    assert objects[0]["metadata"]["labels"]["app.kubernetes.io/name"] == "K-ndigung---x-------y"


@pytest.mark.parametrize(
    ("target", "traffic", "options", "message"),
    [
        ("kserve", SPLIT, {}, "last two revisions"),
        ("kserve", WHOLE, {"mode": "best"}, "no mode"),
        ("kserve", WHOLE, {"mode": "raw", "min_replicas": 0}, "no server at all"),
        ("kubernetes", WHOLE, {"min_replicas": 0}, "no server at all"),
        ("kubernetes", WHOLE, {"min_replicas": 5, "max_replicas": 2}, "makes no sense"),
        ("kubernetes", WHOLE, {"images": {}}, "No image is known that has version 2"),
        ("kubernetes", CANARY, {"images": {"2": "a:1", "3": "a:2"}}, "in different images"),
    ],
)
def test_what_a_target_can_not_do(target: str, traffic: Traffic, options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        manifests(deployment(target, traffic, **options), DIGESTS)
    assert refused.value.hint


def test_each_version_may_have_an_image_of_its_own_where_servers_have_one_version() -> None:
    objects = made("kserve", CANARY, mode="raw", images={"2": "a:1", "3": "a:2"})
    images = [item["spec"]["predictor"]["model"]["image"] for item in objects if item["kind"] == "InferenceService"]
    assert images == ["a:1", "a:2"]


def test_no_two_objects_are_one() -> None:
    for mode in ("raw", "serverless"):
        objects = made("kserve", CANARY, mode=mode)
        assert max(Counter((item["kind"], item["metadata"]["name"]) for item in objects).values()) == 1


def test_targets_are_folders() -> None:
    assert targets() == ("local", "container", "kserve", "kubernetes")
    with pytest.raises(UsageError) as wrong:
        check_target("kserv")
    assert wrong.value.hint == "Did you mean kserve?"


@pytest.mark.parametrize(
    ("model", "name"),
    [("churn", "churn"), ("Churn EU", "churn-eu"), ("3d model", "model-3d-model"), ("x" * 90, "x" * 53)],
)
def test_a_deployment_is_named_after_its_model(model: str, name: str) -> None:
    assert default_name(model) == name
