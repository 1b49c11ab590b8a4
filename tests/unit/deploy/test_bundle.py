"""Bundles: what is in them, who may load them, and what the converted model is allowed to differ by."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from jupyter_mlops import api
from jupyter_mlops.deploy.bundle import DIGESTS, bundle_digest, canonical, read_bundle
from jupyter_mlops.deploy.predictor import Predictor
from jupyter_mlops.deploy.trust import Trust, make_key
from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store.objects import hash_bytes


def test_has_all_that_is_needed(store: Path) -> None:
    made = api.bundle("churn", home=store)
    assert {"bundle.json", "model.onnx", "requirements.txt", "lineage.json", "statistics.json"} <= set(made.files)
    assert made.engine_name == "onnx" and made.manifest["onnx"]["rows_compared"] == 300
    assert made.manifest["onnx"]["largest_difference"] < 1e-5
    assert [(item.name, item.kind) for item in made.schema.columns] == [
        ("age", "integer"), ("income", "number"), ("city", "text"),
    ]  # fmt: skip
    assert made.schema.classes == ("no", "yes")
    assert [item.to_json() for item in made.schema.outputs] == [
        {"name": "predict", "datatype": "BYTES", "shape": [-1]},
        {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]},
    ]
    assert made.example()["dataframe_split"]["columns"] == ["age", "income", "city"]
    assert made.lineage()["steps"][-1]["slug"] == "train"


def test_is_made_once(store: Path) -> None:
    first = api.bundle("forest", home=store)
    assert api.bundle("forest/1", home=store).path == first.path == store / "bundles" / first.digest


def test_describes_the_training_data(store: Path) -> None:
    found = api.bundle("churn", home=store).statistics()
    assert found is not None and found["rows"] == 300
    age = found["features"]["age"]
    frame = api.load("frame", home=store)
    assert sum(age["counts"]) == 300 and len(age["counts"]) == len(age["edges"]) + 1
    assert (age["min"], age["max"]) == (frame.age.min(), frame.age.max())
    first = int((frame.age <= age["edges"][0]).sum())
    assert age["counts"][0] == first  # a bin takes its upper edge
    assert found["features"]["city"]["counts"] == frame.city.value_counts().to_dict()
    assert set(found["outputs"]) == {"predict", "predict_proba[no]", "predict_proba[yes]"}
    gaps = api.bundle("boosted", home=store).statistics()
    assert gaps is not None and 0.05 < gaps["features"]["a"]["missing"] < 0.15


def test_a_chain_is_applied_in_order(store: Path) -> None:
    made = api.bundle("scaled", home=store)
    assert [item["name"] for item in made.manifest["members"]] == ["scaler", "scaled"]
    numbers, scaler, scaled = (api.load(name, home=store) for name in ("numbers", "scaler", "scaled"))
    predictor = Predictor.of(made)
    assert predictor.schema.names == ("a", "b", "c")
    wanted = scaled.predict_proba(scaler.transform(numbers))
    assert np.abs(predictor.predict_proba(numbers) - wanted).max() < 1e-5
    assert (predictor.predict(numbers) == scaled.predict(scaler.transform(numbers))).all()


def test_says_why_the_estimator_computes(store: Path) -> None:
    made = api.bundle("moody", home=store)
    assert made.engine_name == "estimator" and "can't be converted" in made.manifest["onnx"]["reason"]
    assert made.manifest["members"][0]["form"] == "cloudpickle"  # its class is the notebook's
    plain = api.bundle("forest", use_onnx=False, home=store)
    assert plain.engine_name == "estimator" and plain.manifest["onnx"]["reason"] == "it was not asked for"
    assert api.bundle("forest", again=True, home=store).engine_name == "onnx"


def test_a_converted_model_that_differs_is_not_used(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlops.deploy.engines import OnnxEngine

    run = OnnxEngine.run

    def skewed(self: OnnxEngine, rows: object, outputs: object) -> dict[str, object]:
        found = run(self, rows, outputs)  # type: ignore[arg-type]
        return {name: value + 2e-5 if name == "predict_proba" else value for name, value in found.items()}

    monkeypatch.setattr(OnnxEngine, "run", skewed)
    made = api.bundle("scaled", before=["scaler"], again=True, home=store)
    assert made.engine_name == "estimator" and "predict_proba differs by 2e-05" in made.manifest["onnx"]["reason"]
    monkeypatch.undo()
    api.bundle("scaled", before=["scaler"], again=True, home=store)


@pytest.mark.parametrize("name", ["churn", "forest", "linear", "scaled", "boosted"])
def test_no_row_depends_on_those_beside_it(store: Path, name: str) -> None:
    made = api.bundle(name, home=store)
    assert made.padding is not None
    predictor = Predictor.of(made)
    data = api.load({"churn": "frame", "linear": "matrix", "boosted": "gaps"}.get(name, "numbers"), home=store)
    whole = predictor.run(predictor.rows(data))
    for size in (1, 2, 7, 64):
        for start in range(0, 70, size):
            part = predictor.run(predictor.rows(data[start : start + size]))
            for output, values in part.items():
                assert np.array_equal(values, whole[output][start : start + size])


@pytest.fixture
def copy(store: Path, tmp_path: Path) -> Path:
    made = api.bundle("churn", home=store)
    return Path(shutil.copytree(made.path, tmp_path / "copy"))


@pytest.mark.parametrize("change", ["change", "add", "remove", "link", "digests"])
def test_a_changed_bundle_is_not_read(store: Path, copy: Path, change: str) -> None:
    digest = json.loads((copy / DIGESTS).read_text())["digest"]
    victim = copy / "statistics.json"
    if change == "change":
        victim.write_text(victim.read_text() + " ")
    elif change == "add":
        (copy / "more.txt").touch()
    elif change == "remove":
        victim.unlink()
    elif change == "link":
        victim.unlink()
        victim.symlink_to("lineage.json")
    else:
        (copy / DIGESTS).write_text("{}")
    with pytest.raises(InfrastructureError, match="is damaged"):
        read_bundle(copy, Trust(digests=frozenset([digest])))


def test_nothing_is_unpickled_unless_somebody_known_vouches_for_it(store: Path, copy: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (mark,))  # type: ignore[return-value]

    import pickle

    found = json.loads((copy / DIGESTS).read_text())
    manifest = json.loads((copy / "bundle.json").read_text())
    manifest["engine"], manifest["members"][0]["form"] = "estimator", "joblib"
    member = manifest["members"][0]["file"]
    for name, content in ((member, pickle.dumps(Bomb())), ("bundle.json", canonical(manifest))):
        (copy / name).write_bytes(content)
        found["files"][name] = hash_bytes(content)
    digest = bundle_digest(found["files"])
    (copy / DIGESTS).write_bytes(canonical({"files": found["files"], "digest": digest}))
    with pytest.raises(UsageError, match="not in this store's registry"):
        api.make_server(["churn"], api.serve_settings(), folders=[copy], home=store)
    assert not mark.exists()
    read_bundle(copy, Trust(digests=frozenset([digest]))).members()
    assert mark.exists()  # that it would have run is what makes the test worth something


def test_a_signature_of_a_key_that_was_named_suffices(store: Path, tmp_path: Path) -> None:
    public, other = make_key(tmp_path / "mine"), make_key(tmp_path / "other")
    made = api.bundle("churn", tmp_path / "signed", key=tmp_path / "mine", home=store)
    assert read_bundle(made.path, Trust(keys=(other, public))).digest == made.digest
    with pytest.raises(UsageError, match="signed by another key"):
        read_bundle(made.path, Trust(keys=(other,)))
    with pytest.raises(UsageError, match="no key that was named"):
        read_bundle(made.path, Trust())
    assert (tmp_path / "mine").stat().st_mode & 0o77 == 0
    with pytest.raises(UsageError, match="is there already"):
        make_key(tmp_path / "mine")


def test_a_bundle_of_a_removed_version_is_not_loaded(store: Path, tmp_path: Path) -> None:
    run = api.load("numbers", home=store)
    assert len(run) == 300
    done = api.register_model(
        f"{api.model_details('forest', home=store).shown.run_id}:train/forest", "gone", home=store
    )  # type: ignore[union-attr]
    made = api.bundle("gone", home=store)
    api.make_server([], api.serve_settings(), folders=[made.path], home=store)
    api.remove_model(f"gone/{done.version.version}", home=store)
    with pytest.raises(UsageError, match="not in this store's registry"):
        api.make_server([], api.serve_settings(), folders=[made.path], home=store)


def test_a_folder_in_the_way_is_kept(store: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        api.bundle("churn", tmp_path, home=store)
    assert (tmp_path / "mine.txt").read_text() == "mine"
