"""Types of Kubeflow for artifacts, by what is declared or certain; never by the name of a variable."""

from __future__ import annotations

from jupyter_mlops.pipeline.model import Artifact

__all__ = ["HTML", "METRICS", "PLAIN", "artifact_type"]

PLAIN = "system.Artifact"
METRICS = "system.Metrics"
HTML = "system.HTML"
_DATASET = "system.Dataset"
_MODEL = "system.Model"

_NAMED = {
    name.casefold(): f"system.{name}"
    for name in (
        "Artifact",
        "Dataset",
        "Model",
        "Metrics",
        "ClassificationMetrics",
        "SlicedClassificationMetrics",
        "HTML",
        "Markdown",
    )
}
"""What ``out:NAME:TYPE`` may name."""

_TABLES = frozenset(
    {
        "pandas.DataFrame",
        "pandas.Series",
        "polars.DataFrame",
        "polars.LazyFrame",
        "polars.Series",
        "pyarrow.Table",
        "pyarrow.lib.Table",
        "geopandas.GeoDataFrame",
        "dask.dataframe.DataFrame",
        "numpy.ndarray",
        "scipy.sparse.csr_matrix",
        "scipy.sparse.csc_matrix",
        "datasets.Dataset",
    }
)
_MODEL_MODULES = (
    "catboost.",
    "keras.",
    "lightgbm.",
    "tensorflow.keras.",
    "torch.nn.",
    "transformers.",
    "xgboost.",
)
_NO_ESTIMATORS = (
    "sklearn.datasets.",
    "sklearn.exceptions.",
    "sklearn.inspection.",
    "sklearn.metrics.",
    "sklearn.utils.",
)
_SPLITTERS = frozenset(
    f"sklearn.model_selection.{name}"
    for name in (
        "GroupKFold",
        "GroupShuffleSplit",
        "KFold",
        "LeaveOneGroupOut",
        "LeaveOneOut",
        "LeavePGroupsOut",
        "LeavePOut",
        "ParameterGrid",
        "ParameterSampler",
        "PredefinedSplit",
        "RepeatedKFold",
        "RepeatedStratifiedKFold",
        "ShuffleSplit",
        "StratifiedGroupKFold",
        "StratifiedKFold",
        "StratifiedShuffleSplit",
        "TimeSeriesSplit",
    )
)
_DATA_IN = frozenset({"lightgbm.Dataset", "xgboost.DMatrix", "xgboost.QuantileDMatrix", "catboost.Pool"})


def artifact_type(artifact: Artifact) -> str:
    """Return the schema title of an artifact; both ends of an edge declare the same.

    What ``out:NAME:TYPE`` says comes first, then the class that its constructor proves; anything else, and groups of
    variables, files and states without a declaration, are plain artifacts.
    """
    for known in (artifact.declared_type, artifact.type if artifact.kind == "value" else None):
        if known is not None:
            found = _of_class(known)
            if found is not None:
                return found
    return PLAIN


def _of_class(name: str) -> str | None:
    if name.casefold().removeprefix("system.") in _NAMED:
        return _NAMED[name.casefold().removeprefix("system.")]
    if name in _TABLES or name in _DATA_IN:
        return _DATASET
    if name.startswith("sklearn."):
        is_estimator = name.rpartition(".")[2][:1].isupper() and not name.startswith(_NO_ESTIMATORS)
        return _MODEL if is_estimator and name not in _SPLITTERS else None
    if name.startswith(_MODEL_MODULES) and name.rpartition(".")[2][:1].isupper():
        return _MODEL
    return None
