"""What Prometheus is told of a deployment besides what the server tells of each request."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from jupyter_mlops.deploy.watching.live import Live, LiveVersion

__all__ = ["Measures"]


class Measures:
    """Numbers that are made when they are asked for."""

    def __init__(self, live: Callable[[], Live]) -> None:
        self._live = live

    def describe(self) -> Iterator[Metric]:
        """Name the numbers without making them."""
        yield from self._families()

    def collect(self) -> Iterator[Metric]:
        """Make them."""
        found = self._live()
        families = self._families()
        for item in found.versions:
            _fill(families, found, item)
        yield from families

    def _families(self) -> list[GaugeMetricFamily]:
        version = ["model", "version"]
        return [
            GaugeMetricFamily(
                "mlops_traffic_percent", "Part of the requests that a version gets", labels=[*version, "role"]
            ),
            GaugeMetricFamily(
                "mlops_model_failure_ratio", "Part of the requests that the model failed", labels=version
            ),
            GaugeMetricFamily(
                "mlops_drift_psi", "Population stability index of the last window", labels=[*version, "feature"]
            ),
            GaugeMetricFamily(
                "mlops_prediction_drift_psi", "The same of what was answered", labels=[*version, "output"]
            ),
            GaugeMetricFamily("mlops_missing_ratio", "Missing values in the last window", labels=[*version, "feature"]),
            GaugeMetricFamily(
                "mlops_out_of_range_ratio", "Values that the training data did not have", labels=[*version, "feature"]
            ),
            GaugeMetricFamily(
                "mlops_live_accuracy", "Answers that were right, by labels that came later", labels=version
            ),
            GaugeMetricFamily("mlops_live_error", "Mean absolute error, by labels that came later", labels=version),
        ]


def _fill(families: list[GaugeMetricFamily], live: Live, item: LiveVersion) -> None:
    traffic, failures, drift, predictions, missing, outside, accuracy, error = families
    key = [live.model, str(item.version)]
    traffic.add_metric([*key, item.role], item.weight)
    failures.add_metric(key, item.failures)
    for feature in item.drift.features:
        drift.add_metric([*key, feature.name], feature.psi)
        missing.add_metric([*key, feature.name], feature.missing)
        outside.add_metric([*key, feature.name], feature.out_of_range)
    for output in item.drift.outputs:
        predictions.add_metric([*key, output.name], output.psi)
    if item.accuracy.accuracy is not None:
        accuracy.add_metric(key, item.accuracy.accuracy)
    if item.accuracy.error is not None:
        error.add_metric(key, item.accuracy.error)
