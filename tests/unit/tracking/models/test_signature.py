from types import SimpleNamespace

from jupyter_mlops.store.records import ArtifactRecord
from jupyter_mlops.tracking.signature import Feature, signature_of


def frame(name: str, **columns: str) -> ArtifactRecord:
    schema = {"columns": columns, "rows": 3, "more_columns": 0}
    return ArtifactRecord(f"load.{name}", "value", (name,), "d", members={name: {"schema": schema}})


def array(name: str, *shape: int) -> ArtifactRecord:
    schema = {"dtype": "float32", "shape": list(shape)}
    return ArtifactRecord(f"load.{name}", "value", (name,), "d", members={name: {"schema": schema}})


MODEL = ArtifactRecord("train.model", "value", ("model",), "d", type="lib.Model")


def test_nothing_is_known_of_what_says_nothing() -> None:
    found = signature_of(MODEL, "model", [frame("X", a="int64")])
    assert (found.inputs, found.features, found.shape, str(found)) == ((), None, None, "unknown")


def test_dtypes_come_from_the_frame_with_just_these_columns() -> None:
    estimator = SimpleNamespace(feature_names_in_=["a", "b"], n_features_in_=2, classes_=["no", "yes"])
    around = [frame("raw", b="object", a="object", y="int64"), frame("X", a="int64", b="float64")]
    found = signature_of(MODEL, "model", around, estimator)
    assert found.inputs == (Feature("a", "int64"), Feature("b", "float64"))
    assert (found.source, found.classes, found.features) == ("load.X", ("no", "yes"), 2)
    assert str(found) == "a: int64, b: float64 -> one of no, yes"


def test_a_frame_with_more_columns_does_where_there_is_no_other() -> None:
    estimator = SimpleNamespace(feature_names_in_=["a"], n_features_in_=1)
    found = signature_of(MODEL, "model", [frame("data", y="int64", a="int8")], estimator)
    assert found.inputs == (Feature("a", "int8"),)


def test_what_the_record_says_of_the_estimator_does_without_it() -> None:
    about = {"estimator": {"feature_names": ["a"], "features": 1, "classes": [0, 1]}}
    record = ArtifactRecord("train.model", "value", ("model",), "d", members={"model": {"schema": about}})
    found = signature_of(record, "model", [])
    assert (found.names, found.features, found.classes, found.shape) == (("a",), 1, (0, 1), (None, 1))


def test_arrays_give_a_dtype() -> None:
    estimator = SimpleNamespace(n_features_in_=4)
    found = signature_of(MODEL, "model", [array("y", 9), array("X", 9, 4)], estimator)
    assert (found.dtype, found.source, found.to_json()["features"]) == ("float32", "load.X", 4)
