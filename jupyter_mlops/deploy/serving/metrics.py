"""What Prometheus is told, under the names that KServe's and MLServer's servers use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["CONTENT_TYPE_LATEST", "MULTIPROCESS", "Metrics"]

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""Where several worker processes keep their numbers, by the client library's own variable."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class _OfModel:
    """The numbers of a version, looked up once."""

    success: Any
    failure: Any
    duration: Any
    preprocess: Any
    predict: Any
    postprocess: Any


class Metrics:
    """The numbers of a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        model, version = ["model_name"], ["model", "version"]
        endpoint = ["method", "path", "status_code"]
        self._preprocess = self._histogram("request_preprocess_seconds", "Reading and checking requests", model)
        self._predict = self._histogram("request_predict_seconds", "Waiting for the model and computing", model)
        self._postprocess = self._histogram("request_postprocess_seconds", "Writing answers", model)
        self._success = Counter(
            "model_infer_request_success", "Inferences that were answered", version, registry=self.registry
        )
        self._failure = Counter(
            "model_infer_request_failure", "Inferences that failed", version, registry=self.registry
        )
        self._duration = self._histogram("model_infer_request_duration", "Seconds of inferences", version)
        self._queue = Histogram(
            "batch_request_queue", "Requests that waited when a batch was taken", model,
            buckets=_COUNTS, registry=self.registry,
        )  # fmt: skip
        self._requests = Counter("rest_server_requests", "Requests", endpoint, registry=self.registry)
        self._seconds = self._histogram("rest_server_request_duration_seconds", "Seconds of requests", endpoint)
        self.in_progress = Gauge(
            "rest_server_requests_in_progress", "Requests that are being answered",
            registry=self.registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._loaded = Gauge(
            "mlops_model_ready", "1 for each version that is ready", version,
            registry=self.registry, multiprocess_mode="livemax",
        )  # fmt: skip
        self.of_model = lru_cache(1024)(self._of_model)
        self._of_endpoint = lru_cache(4096)(self._endpoint)

    def waited(self, model: str, count: int) -> None:
        """Note how many requests waited when a batch was taken."""
        self._queue.labels(model).observe(count)

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Note a request; ``path`` is the endpoint's pattern, so that names of clients' making are no labels."""
        count, duration = self._of_endpoint(method, path, status)
        count.inc()
        duration.observe(seconds)

    def loaded(self, model: str, version: int, is_there: bool) -> None:
        """Note that a version is ready, or not any more."""
        self._loaded.labels(model, str(version)).set(1 if is_there else 0)

    def text(self) -> bytes:
        """Return the page that Prometheus reads: of all worker processes, if there are several."""
        if MULTIPROCESS not in os.environ:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _histogram(self, name: str, about: str, labels: list[str]) -> Histogram:
        return Histogram(name, about, labels, buckets=_SECONDS, registry=self.registry)

    def _of_model(self, model: str, version: int) -> _OfModel:
        labels = (model, str(version))
        return _OfModel(
            self._success.labels(*labels),
            self._failure.labels(*labels),
            self._duration.labels(*labels),
            self._preprocess.labels(model),
            self._predict.labels(model),
            self._postprocess.labels(model),
        )

    def _endpoint(self, method: str, path: str, status: int) -> tuple[Any, Any]:
        labels = (method, path, str(status))
        return self._requests.labels(*labels), self._seconds.labels(*labels)
