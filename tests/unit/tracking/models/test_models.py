"""Models of runs that really ran, in this process: registered, shown, loaded."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from inprocess import record_run, write_notebook

import jupyter_mlops as mlops
from jupyter_mlops import api
from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.objects import ObjectStore

CELLS = [
    ("imports", """\
import json
import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression"""),
    ("parameters", "c = 1.0\napi_key = 'sesame'"),
    ("functions", """\
def double(value):
    return 2 * value

class Scale:
    def predict(self, X):
        return double(X.iloc[:, 0])"""),
    ("step:load", "X = pd.read_csv('rows.csv')\ny = X.pop('y')"),
    ("step:train", """\
model = LogisticRegression(C=c).fit(X, y)
scale = Scale()
key = len(api_key)
raw = X.to_numpy()"""),
    ("step:train array", """\
other = LogisticRegression(C=c).fit(raw, y)
joblib.dump(other, 'other.joblib')
open('notes.txt', 'w').write('x')"""),
    ("step:use|metrics", """\
accuracy = model.score(X, y) + 0 * (scale.predict(X)[0] + key)
again = joblib.load('other.joblib').score(raw, y)
length = len(open('notes.txt').read())
same = other.score(raw, y)"""),
]  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    rows = "".join(f"{number},{number % 3},{int(number > 5)}\n" for number in range(12))
    (folder / "rows.csv").write_text("age,income,y\n" + rows, encoding="utf-8")
    (folder / "mlops.toml").touch()
    write_notebook(folder / "churn.ipynb", CELLS)
    return folder


@pytest.fixture
def home(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "store"))
    return tmp_path / "store"


Record = Callable[..., str]


@pytest.fixture
def record(project: Path, home: Path) -> Record:
    def run(documents: dict[str, str] | None = None, **parameters: object) -> str:
        return record_run(project / "churn.ipynb", home, parameters, documents)

    return run


def refused(*arguments: str, name: str = "churn") -> UsageError:
    with pytest.raises(UsageError) as caught:
        api.register_model(*arguments, name)
    return caught.value


def test_a_registered_model_predicts_what_the_notebook_says(record: Record, project: Path) -> None:
    run = record()
    done = mlops.register_model("latest:model", "churn", aliases=["champion"], description="first")
    assert (done.is_new, done.version.version, done.version.aliases, done.version.run_id) == (
        True,
        1,
        ("champion",),
        run,
    )
    model = mlops.model("churn@champion")
    X = mlops.load("X")
    assert (model.predict(X) == model.value.predict(X)).all()
    assert [item.name for item in model.signature.inputs] == ["age", "income"]
    assert [item.dtype for item in model.signature.inputs] == ["int64", "int64"]
    assert (model.signature.classes, model.signature.shape) == ((0, 1), (None, 2))
    assert (model.name, model.version, model.run.run_id, model.description) == ("churn", 1, run, "first")
    assert repr(model) == f"<Model churn/1 (champion): LogisticRegression, run {run}>"


def test_rows_in_any_form_become_the_model_s_columns(record: Record) -> None:
    record()
    mlops.register_model("latest:model", "churn")
    model = mlops.model("churn")
    rows = [{"income": 1, "age": 11, "more": "x"}, {"income": 0, "age": 0, "more": "y"}]
    expected = [1, 0]
    assert list(model.predict(rows)) == expected
    assert list(model.predict({"age": [11, 0], "income": [1, 0]})) == expected
    assert list(model.predict(rows[0])) == expected[:1]
    with pytest.raises(UsageError, match="lack income") as caught:
        model.predict([{"age": 3}])
    assert "age, income" in str(caught.value.hint)


def test_classes_of_the_notebook_come_with_the_code_they_use(record: Record) -> None:
    record()
    mlops.register_model("latest:scale", "scale")
    assert list(mlops.model("scale").predict(mlops.load("X")))[:3] == [0, 2, 4]


def test_a_model_of_arrays_has_a_number_of_columns(record: Record) -> None:
    record()
    mlops.register_model("latest:train array/other", "arrays")
    signature = mlops.model("arrays").signature
    assert (signature.names, signature.features, signature.dtype) == ((), 2, "int64")
    assert str(signature) == "2 columns of int64 -> one of 0, 1"


def test_model_files_can_be_registered_and_loaded(record: Record) -> None:
    record()
    done = mlops.register_model("latest:other.joblib", "file")
    assert done.version.member == "other.joblib"
    assert mlops.model("file").predict(mlops.load("raw")).shape == (12,)


def test_what_is_no_model_is_refused_with_a_hint(record: Record) -> None:
    record()
    assert "it is data (pandas.DataFrame)" in refused("latest:load/X").message
    assert "it is data (int)" in refused("latest:key").message
    assert "a file of another kind (.txt)" in refused("latest:notes.txt").message
    assert 'did you mean "model"?' in refused("latest:modle").message
    assert "model" in str(refused("latest:zzz").hint)
    assert 'did you mean "train"?' in refused("latest:trian/model").message
    assert 'has no step "nowhere"' in refused("latest:nowhere/model").message
    assert refused("latest:model", name="a/b").message.startswith("A model's name can't have")
    assert mlops.models() == ()


def test_what_a_failed_step_was_to_make_is_refused(record: Record) -> None:
    record(c="no number")
    error = refused("latest:model")
    assert 'step "train" failed' in error.message
    assert "run it again" in str(error.hint)


def test_a_name_that_two_steps_made_must_be_told_apart(home: Path, tmp_path: Path) -> None:
    cells = [
        (
            "functions",
            "class A:\n    def __init__(self):\n        self.fits = 0\n    def fit(self):\n        self.fits += 1",
        ),
        ("step:one", "model = A()"),
        ("step:two", "model.fit()"),
        ("step:three", "print(model.fits)"),
    ]
    record_run(write_notebook(tmp_path / "twice.ipynb", cells), home)
    assert "one/model, two/model" in refused("latest:model").message
    assert mlops.load("model").fits == 1
    assert mlops.load("model", step="one").fits == 0
    mlops.register_model("latest:two/model", "a")
    assert mlops.model("a").value.fits == 1
    with pytest.raises(UsageError, match="can't predict"):
        mlops.model("a").predict([1])


def test_an_equal_model_keeps_its_version(record: Record) -> None:
    record()
    first = mlops.register_model("latest:model", "churn")
    record()
    again = mlops.register_model("latest:model", "churn", aliases=["staging"], description="the same")
    assert (again.is_new, again.version.version) == (False, first.version.version)
    assert (again.version.aliases, again.version.description) == (("staging",), "the same")
    record(c=0.25)
    assert mlops.register_model("latest:model", "churn").version.version == 2


def test_aliases_move_and_go(record: Record) -> None:
    record()
    mlops.register_model("latest:model", "churn", aliases=["champion"])
    record(c=0.25)
    mlops.register_model("latest:model", "churn")
    version, notes = api.set_model_alias("churn", 2, "champion")
    assert (version.version, notes) == (2, ("champion stood for version 1 before.",))
    assert mlops.model("churn@champion").version == mlops.model("churn").version == 2
    assert mlops.model("churn/1").version == mlops.model("churn@1").version == 1
    with pytest.raises(UsageError, match='did you mean "champion"'):
        api.remove_model_alias("churn", "champoin")
    api.remove_model_alias("churn", "champion")
    with pytest.raises(UsageError, match='has no alias "champion"'):
        mlops.model("churn@champion")


def test_what_an_alias_stands_for_is_removed_by_force_alone(record: Record) -> None:
    record()
    mlops.register_model("latest:model", "churn", aliases=["champion"])
    for reference in ("churn", "churn/1", "churn@champion"):
        with pytest.raises(UsageError, match="stays"):
            api.remove_model(reference)
    assert api.remove_model("churn/1", force=True).versions == (1,)
    assert api.model_details("churn").shown is None
    with pytest.raises(UsageError, match="no version any more"):
        mlops.model("churn")
    assert api.remove_model("churn").whole
    with pytest.raises(UsageError, match="no model"):
        mlops.model("churn")


def test_the_lineage_has_cells_data_parameters_and_environment(record: Record) -> None:
    environment = {"environment": json.dumps({"python": "3.12.1", "distributions": {"scikit-learn": "1.0"}})}
    record(environment, c=0.5)
    mlops.register_model("latest:model", "churn")
    details = api.model_details("churn")
    assert details.lineage is not None and details.signature is not None
    assert [step.name for step in details.lineage.steps] == ["load", "train"]
    load, train = details.lineage.steps
    assert [(cell.id, cell.number) for cell in train.cells] == [("cell-5", 5)]
    assert train.cells[0].source == CELLS[4][1]
    assert any("LogisticRegression" in cell.source for cell in train.replayed)
    assert not any("import json" in cell.source for cell in (*load.replayed, *train.replayed))
    assert details.lineage.parameters == {"c": 0.5, "api_key": "[redacted]"}
    assert [item.name for item in details.lineage.data][-1] == "model"
    assert all(len(item.digest) == 64 for item in details.lineage.data)
    assert details.lineage.environment["python"] == "3.12.1"
    assert set(details.metrics) == {"accuracy", "again", "length", "same"}


def test_other_versions_than_the_run_had_are_told(record: Record) -> None:
    record({"environment": json.dumps({"distributions": {"scikit-learn": "1.0", "numpy": "1.0"}})})
    mlops.register_model("latest:model", "churn")
    with pytest.warns(UserWarning, match=r"churn/1: versions differ .* scikit-learn 1\.0 then, .* here"):
        model = mlops.model("churn")
    assert [item.name for item in model.changed] == ["scikit-learn"]
    assert model.lineage.run_id == model.run.run_id


def test_a_library_that_is_missing_is_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "forestlib.py").write_text("class Forest:\n    def predict(self, X): return X\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    cells = [("imports", "import forestlib"), ("step:a", "model = forestlib.Forest()"), ("step:b", "print(model)")]
    path = write_notebook(tmp_path / "library.ipynb", cells)
    record_run(path, home, documents={"environment": json.dumps({"distributions": {"forestlib": "2.1"}})})
    mlops.register_model("latest:model", "forest")
    monkeypatch.undo()
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(home))
    sys.modules.pop("forestlib", None)
    with pytest.raises(UsageError, match="needs the module 'forestlib', which is not installed") as caught:
        mlops.model("forest")
    assert caught.value.hint == "The run had forestlib 2.1: pip install forestlib==2.1"


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_content_that_is_damaged_is_not_loaded(record: Record, home: Path, damage: str) -> None:
    record()
    mlops.register_model("latest:model", "churn")
    with Database(Home(home).database) as database:
        digest = next(item.digest for item in database.artifacts_of(database.run_id("latest")) if "model" in item.names)
    path = ObjectStore(Home(home).objects).path(digest)
    if damage == "gone":
        path.unlink()
    else:
        path.chmod(0o644)
        path.write_bytes(b"cposix\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(InfrastructureError, match="missing" if damage == "gone" else "damaged"):
        mlops.model("churn")


def test_runs_rm_and_gc_leave_what_a_model_needs(record: Record, home: Path) -> None:
    kept = record()
    mlops.register_model("latest:model", "churn")
    before = mlops.model("churn").predict(mlops.load("X"))
    gone = record(c=0.01)
    with pytest.raises(UsageError, match="a model was registered"):
        api.history.remove_runs([kept])
    api.history.remove_runs([gone])
    api.gc(home=home, keep_runs=0, grace=0)
    with Database(Home(home).database) as database:
        assert database.run_id("latest") == kept
    assert (mlops.model("churn").predict(mlops.load("X")) == before).all()
    api.remove_model("churn")
    api.history.remove_runs([kept])
    api.gc(home=home, grace=0)
    assert list(ObjectStore(Home(home).objects)) == []


def test_values_are_copied_when_they_are_changed(record: Record) -> None:
    record()
    raw = mlops.load("raw")
    raw[0, 0] = -5
    assert mlops.load("raw")[0, 0] == 0


def test_inputs_of_a_step_are_values_alone(record: Record) -> None:
    record()
    found = mlops.load_inputs("use")
    assert {"X", "y", "model", "scale", "key", "raw", "other"} >= set(found) >= {"X", "y", "model", "scale", "key"}
    with pytest.raises(UsageError, match='did you mean "use"'):
        mlops.load_inputs("ues")


def test_what_is_not_there_is_named(record: Record) -> None:
    with pytest.raises(UsageError, match="no store"):
        mlops.load("X")
    record(c="no number")
    for name, step, said in (("model", None, "no variable"), ("X", "train", "has kept"), ("X", "trai", 'mean "train"')):
        with pytest.raises(UsageError, match=said):
            mlops.load(name, step=step)
    with pytest.raises(UsageError, match=r'model.* was never made by "train" \(failed\)'):
        mlops.load_inputs("use")
    with pytest.raises(UsageError, match="is a file"):
        record()
        mlops.load("other.joblib")


def test_what_a_step_wrote_and_logged_is_one_thing(record: Record, home: Path) -> None:
    run = record()
    with Database(Home(home).database) as database:
        written = next(item for item in database.artifacts_of(run) if item.names == ("other.joblib",))
        logged = replace(written, id=written.id.replace("file:", "logged:"))
        database.record_artifacts(run, "train-array", outputs=[logged])
    assert mlops.register_model("latest:other.joblib", "file").version.artifact == written.id


def test_variables_that_share_memory_still_do(home: Path, tmp_path: Path) -> None:
    cells = [
        ("imports", "import numpy as np"),
        ("step:make", "base = np.zeros(60_000)\nview = base[10:20]\nrows = [1]\nsame = rows"),
        ("step:use", "view[:] = 5\nsame.append(2)\nprint(base.sum(), rows)"),
        ("step:after", "print(base, view, rows, same)"),
    ]
    record_run(write_notebook(tmp_path / "shared.ipynb", cells), home)
    before, after = mlops.load_inputs("use"), mlops.load_inputs("after")
    assert before["rows"] is before["same"] and before["rows"] == [1]
    assert after["rows"] is after["same"] and after["rows"] == [1, 2]
    after["view"][0] = 7
    assert (after["base"][10], after["base"][11], mlops.load("base")[10]) == (7, 5, 5)
    assert mlops.load("base", step="make").sum() == 0


def test_other_trackers_are_told_of_each_change(record: Record, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr("jupyter_mlops.tracking.handover._start", lambda home, wait: None)

    def revision() -> int:
        with Database(Home(home).database) as database:
            (waiting,) = database.deliveries()
        assert (waiting.kind, waiting.subject) == ("model", "churn")
        return waiting.revision

    mlops.register_model("latest:model", "churn")
    assert revision() == 1
    api.set_model_alias("churn", 1, "champion")
    api.describe_model("churn@champion", "first")
    api.remove_model_alias("churn", "champion")
    assert revision() == 4
