"""What is sent to a cluster, by a server on the loopback that keeps objects as one would."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from jupyter_mlops.deploy import cluster
from jupyter_mlops.deploy.deployment import Deployment, Options
from jupyter_mlops.deploy.targets import manifests, objects_of
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.errors import InfrastructureError, UsageError


class Kubernetes(ThreadingHTTPServer):
    """Keeps objects by their paths; ``refusals`` are statuses by a part of the path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, Any] = {}
        self.requests: list[tuple[str, str, dict[str, Any], str | None]] = []
        self.refusals: dict[str, int] = {}


class _Handler(BaseHTTPRequestHandler):
    server: Kubernetes

    def _answer(self, status: int, data: Any) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, parts.path, query, self.headers.get("Content-Type")))
        for part, status in self.server.refusals.items():
            if part in parts.path:
                return self._answer(status, {"kind": "Status", "message": f"no {part} for you"})
        if self.command == "PATCH":
            self.server.objects[parts.path] = json.loads(body)
            return self._answer(200, json.loads(body))
        if self.command == "DELETE":
            found = self.server.objects.pop(parts.path, None)
            return self._answer(200 if found else 404, {"kind": "Status", "message": "gone"})
        wanted = dict(pair.split("=") for pair in query["labelSelector"].split(","))
        items = [
            item
            for path, item in self.server.objects.items()
            if path.rpartition("/")[0] == parts.path and wanted.items() <= item["metadata"]["labels"].items()
        ]
        return self._answer(200, {"items": items})

    do_GET = do_PATCH = do_DELETE = _handle

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def kubernetes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubernetes]:
    server = Kubernetes()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    configuration = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "ann"}}],
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "ann", "user": {"token": "t0ken"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(configuration), "utf-8")
    monkeypatch.setenv("KUBECONFIG", str(path))
    # the client reads the variable when it is imported
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    yield server
    server.shutdown()
    server.server_close()


def objects(target: str, traffic: Traffic, **options: Any) -> list[dict[str, Any]]:
    given = {"images": {"2": "a:1", "3": "a:1"}, **options}
    return objects_of(manifests(Deployment("churn", "churn", target, "applied", traffic, Options(target=given)), {}))


def paths(server: Kubernetes) -> list[str]:
    return [path.rpartition("/namespaces/default/")[2] for path in server.objects]


def test_objects_are_applied_by_the_server_and_what_is_left_over_goes(kubernetes: Kubernetes) -> None:
    api = cluster.connect()
    split = objects("kserve", Traffic.whole(2).with_canary(3, 10), mode="raw")
    done = cluster.apply(api, split)
    assert [(item.kind, item.name, item.action) for item in done] == [
        ("ServingRuntime", "churn", "applied"),
        ("InferenceService", "churn-v2", "applied"),
        ("InferenceService", "churn-v3", "applied"),
        ("InferenceGraph", "churn", "applied"),
    ]
    method, path, query, kind = kubernetes.requests[0]
    assert (method, kind) == ("PATCH", "application/apply-patch+yaml")
    assert path == "/apis/serving.kserve.io/v1alpha1/namespaces/default/servingruntimes/churn"
    assert query == {"fieldManager": "jupyter-mlops", "force": "true"}
    done = cluster.apply(api, objects("kserve", Traffic.whole(3), mode="raw"))
    assert ("InferenceService", "churn-v2", "deleted") in [(item.kind, item.name, item.action) for item in done]
    assert paths(kubernetes) == ["servingruntimes/churn", "inferenceservices/churn-v3", "inferencegraphs/churn"]


def test_objects_of_others_stay(kubernetes: Kubernetes) -> None:
    other = {"metadata": {"name": "other", "labels": {"app.kubernetes.io/instance": "other"}}}
    kubernetes.objects["/api/v1/namespaces/default/services/other"] = other
    api = cluster.connect()
    made = objects("kubernetes", Traffic.whole(2))
    cluster.apply(api, made)
    assert {"deployments/churn", "services/churn", "horizontalpodautoscalers/churn"} < set(paths(kubernetes))
    gone = cluster.delete(api, made)
    assert [item.kind for item in gone] == ["HorizontalPodAutoscaler", "Service", "Deployment"]
    assert paths(kubernetes) == ["services/other"]


@pytest.mark.parametrize(
    ("part", "status", "error", "message"),
    [
        ("servingruntimes", 404, UsageError, "does not know ServingRuntime churn"),
        ("inferenceservices", 403, UsageError, "does not let you change InferenceService churn: no inferenceservices"),
        ("inferenceservices", 422, UsageError, r"refuses InferenceService churn \(422\)"),
        ("inferenceservices", 500, InfrastructureError, r"failed with InferenceService churn \(500\)"),
    ],
)
def test_refusals_are_told(
    kubernetes: Kubernetes, part: str, status: int, error: type[Exception], message: str
) -> None:
    kubernetes.refusals[part] = status
    with pytest.raises(error, match=message):
        cluster.apply(cluster.connect(), objects("kserve", Traffic.whole(2)))


def test_a_cluster_that_is_away_is_told(kubernetes: Kubernetes) -> None:
    api = cluster.connect()
    api.configuration.retries = False
    kubernetes.shutdown()
    kubernetes.server_close()
    with pytest.raises(InfrastructureError, match="can't be reached"):
        cluster.apply(api, objects("kubernetes", Traffic.whole(2)))


def test_no_cluster_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"), raising=False)
    with pytest.raises(UsageError, match="No cluster is known here") as missing:
        cluster.connect()
    assert "--dry-run" in (missing.value.hint or "")
