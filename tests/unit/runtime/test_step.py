from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.runtime import ContextError, LoadError, load, save


def saved(context, namespace, saves, **fields):
    made = context(saves=[{"kind": "value", **item} for item in saves], **fields)
    save(namespace, made)
    return json.loads((made.output_dir / "result.json").read_text(encoding="utf-8"))


def loading(context, result, folder, **changes):
    items = [
        {
            "bind": item["names"],
            **{k: item[k] for k in ("id", "kind", "names", "serializer")},
            "path": str(folder / item["path"]),
        }
        for item in result["artifacts"]
    ]
    return context(loads=[{**item, **changes} for item in items])


def test_what_is_saved_is_described(context, tmp_path, capsys):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    namespace = {"df": frame, "n": 3, "x": np.zeros((2, 3)), "acc": np.float64(0.5)}
    saves = [{"id": "s.df", "names": ["df", "n"]}, {"id": "s.x", "names": ["x"], "declared_type": "Dataset"}]
    result = saved(context, namespace, saves, metrics=["acc"])
    assert result["schema"] == 1
    assert result["metrics"] == {"acc": 0.5}
    group, array = result["artifacts"]
    assert group["serializer"] == "pickle"
    assert group["type"] == "group"
    assert group["preview"] == "df: DataFrame 2 × 2, n: 3"
    assert group["members"]["df"]["type"] == "pandas.DataFrame"
    assert group["members"]["df"]["schema"]["columns"] == {"a": "int64", "b": str(frame["b"].dtype)}
    assert array["serializer"] == "numpy"
    assert array["type"] == "numpy.ndarray"
    assert array["declared_type"] == "Dataset"
    assert array["schema"] == {"dtype": "float64", "shape": [2, 3]}
    for item in (group, array):
        path = tmp_path / "out" / item["path"]
        assert path.stat().st_size == item["bytes"]
        assert len(item["digest"]) == 64
    assert result["files"] == [item["path"] for item in result["artifacts"]]
    assert capsys.readouterr() == ("", "")


def test_the_digest_is_that_of_the_file(context, tmp_path):
    blake3 = pytest.importorskip("blake3").blake3
    result = saved(context, {"a": np.arange(3_000_000)}, [{"id": "a", "names": ["a"]}])
    (item,) = result["artifacts"]
    assert item["digest"] == blake3((tmp_path / "out" / item["path"]).read_bytes()).hexdigest()


def test_without_blake3_the_digest_is_left_to_others(context, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "blake3", None)
    (item,) = saved(context, {"a": 1}, [{"id": "a", "names": ["a"]}])["artifacts"]
    assert item["digest"] is None
    assert item["bytes"] > 0


def test_only_what_is_asked_for_is_bound(context, tmp_path):
    result = saved(context, {"a": [1], "b": [2]}, [{"id": "g", "names": ["a", "b"]}])
    namespace = {"a": "mine"}
    load(namespace, loading(context, result, tmp_path / "out", bind=["b"]))
    assert namespace == {"a": "mine", "b": [2]}


def test_variables_that_were_never_bound_stay_unbound(context, tmp_path):
    result = saved(context, {"a": 1}, [{"id": "g", "names": ["a", "b"]}, {"id": "c", "names": ["c"]}])
    group, alone = result["artifacts"]
    assert group["unbound"] == ["b"]
    assert alone["unbound"] == ["c"]
    assert alone["serializer"] == "absent"
    namespace: dict[str, object] = {}
    load(namespace, loading(context, result, tmp_path / "out"))
    assert namespace == {"a": 1}


def test_saving_again_replaces_and_never_writes_into_old_files(context, tmp_path):
    result = saved(context, {"a": 1}, [{"id": "a", "names": ["a"]}])
    first = tmp_path / "out" / result["artifacts"][0]["path"]
    kept = tmp_path / "kept"
    kept.hardlink_to(first)
    before = kept.read_bytes()
    saved(context, {"a": "another"}, [{"id": "a", "names": ["a"]}])
    assert kept.read_bytes() == before


def test_files_are_handed_over(context, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "ä b.csv").write_bytes(b"1,2\n")
    saves = [{"id": "f", "kind": "file", "names": ["sub/ä b.csv"]}, {"id": "g", "kind": "file", "names": ["never"]}]
    result = saved(context, {}, saves)
    assert [item["serializer"] for item in result["artifacts"]] == ["file", "absent"]
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    load({}, loading(context, result, tmp_path / "out"))
    assert (other / "sub" / "ä b.csv").read_bytes() == b"1,2\n"
    assert not (other / "never").exists()


def test_a_file_restored_elsewhere(context, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("f").write_text("x")
    result = saved(context, {}, [{"id": "f", "kind": "file", "names": ["f"]}])
    load({}, loading(context, result, tmp_path / "out", target="deep/er/g"))
    assert Path("deep/er/g").read_text() == "x"


def test_what_cannot_be_loaded_is_said(context, tmp_path):
    result = saved(context, {"a": [1]}, [{"id": "a", "names": ["a"]}])
    path = tmp_path / "out" / result["artifacts"][0]["path"]
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(LoadError, match=r"step 'train' cannot load a: .*cut short"):
        load({}, loading(context, result, tmp_path / "out"))
    path.write_bytes(b"")
    with pytest.raises(LoadError, match="cut short"):
        load({}, loading(context, result, tmp_path / "out"))
    path.unlink()
    with pytest.raises(LoadError, match="missing"):
        load({}, loading(context, result, tmp_path / "out"))
    with pytest.raises(LoadError, match="unknown serializer 'zip'"):
        load({}, loading(context, result, tmp_path / "out", serializer="zip"))
    path.write_bytes(whole)
    with pytest.raises(LoadError, match="holds 1 values, not the 2 expected"):
        load({}, loading(context, result, tmp_path / "out", names=["a", "b"]))


def test_a_value_whose_library_is_missing(context, tmp_path, monkeypatch):
    from decimal import Decimal

    result = saved(context, {"a": [Decimal(1)]}, [{"id": "a", "names": ["a"]}])
    monkeypatch.setitem(__import__("sys").modules, "decimal", None)
    with pytest.raises(LoadError, match="cannot load a: ModuleNotFoundError"):
        load({}, loading(context, result, tmp_path / "out"))


def test_a_step_notebook_opened_by_hand(monkeypatch):
    monkeypatch.delenv("JUPYTER_MLOPS_STEP", raising=False)
    with pytest.raises(ContextError, match="one step of a pipeline"):
        load({})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nonsense", "not valid JSON"),
        ("[]", "schema 1"),
        ('{"schema": 1, "step": "s"}', "'output_dir' is missing"),
        (
            '{"schema": 1, "step": "s", "output_dir": "o", "saves": [{"id": "x", "kind": "what", "names": []}]}',
            "not a kind",
        ),
    ],
)
def test_contexts_that_cannot_be_read(monkeypatch, tmp_path, content, message):
    place = tmp_path / "context.json"
    monkeypatch.setenv("JUPYTER_MLOPS_STEP", str(place))
    with pytest.raises(ContextError, match="cannot be read"):
        load({})
    place.write_text(content, encoding="utf-8")
    with pytest.raises(ContextError, match=message):
        load({})


def test_the_context_comes_from_the_environment(monkeypatch, tmp_path):
    place = tmp_path / "context.json"
    saves = [{"id": "x", "kind": "value", "names": ["x"]}]
    place.write_text(json.dumps({"schema": 1, "step": "s", "output_dir": str(tmp_path / "out"), "saves": saves}))
    monkeypatch.setenv("JUPYTER_MLOPS_STEP", str(place))
    load({})
    save({"x": 1})
    assert (tmp_path / "out" / "result.json").is_file()
