"""The one way to predict: what is checked, and files that are predicted some rows at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops import api
from jupyter_mlops.deploy.predictor import Predictor
from jupyter_mlops.deploy.schema import InputError
from jupyter_mlops.errors import UsageError

GOOD = {"age": 40, "income": 2.5, "city": "Ulm"}


@pytest.fixture(scope="module")
def churn(store: Path) -> Predictor:
    return Predictor.of(api.bundle("churn", home=store))


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ([{"age": 40, "income": 2.5}], "city", "The data lack city"),
        ([{**GOOD, "town": "Ulm"} | {"city": None}], "city", "city is missing (NaN or null) in row 0"),
        ([{"Age": 40, "income": 2.5, "city": "Ulm"}], "age", 'is "Age" meant?'),
        ([{**GOOD, "income": "2.5"}], "income", "income takes a number; row 0 has the text '2.5'"),
        ([{**GOOD, "income": True}], "income", "income takes a number; row 0 has the truth value True"),
        ([GOOD, {**GOOD, "income": None}], "income", "income is missing (NaN or null) in row 1"),
        ([{**GOOD, "income": float("nan")}], "income", "income is missing"),
        ([{**GOOD, "income": float("inf")}], "income", "income is infinite in row 0"),
        ([{**GOOD, "age": 40.5}], "age", "age takes whole numbers; row 0 has 40.5"),
        ([{**GOOD, "city": 3}], "city", "city takes a text"),
        ([GOOD, {"age": 1, "income": 1.0}], "city", "Row 1 lacks city"),
        ({"age": [1, 2], "income": [1.0], "city": ["Ulm", "Ulm"]}, "income", "Columns differ in length"),
        ([[1, 2.0]], "input-0", "a row for each case and 3 columns"),
        ([[1, 2.0, "Ulm"], [1]], "data", "Rows differ in length"),
    ],
)
def test_what_does_not_fit_is_told_with_its_field(churn: Predictor, data: Any, field: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        churn.predict(data)
    assert message in caught.value.message
    assert caught.value.field == field


def test_columns_are_matched_by_name(churn: Predictor) -> None:
    wanted = churn.predict_proba([GOOD])
    mixed = pd.DataFrame([{"city": "Ulm", "id": 7, "income": 2.5, "age": 40}])
    for data in (mixed, {"city": ["Ulm"], "income": [2.5], "age": [40]}, GOOD, [[40, 2.5, "Ulm"]]):
        assert np.array_equal(churn.predict_proba(data), wanted)


def test_a_number_that_32_bits_can_not_hold_is_refused(store: Path) -> None:
    forest = Predictor.of(api.bundle("forest", home=store))
    assert forest.schema.largest < 1e39
    with pytest.raises(InputError, match="b is too large in row 0"):
        forest.predict([[1.0, 1e300, 1.0]])


def test_missing_values_pass_where_there_were_some_in_training(store: Path) -> None:
    boosted = Predictor.of(api.bundle("boosted", home=store))
    gaps = api.load("gaps", home=store)
    assert np.array_equal(boosted.predict(gaps), api.load("boosted", home=store).predict(gaps))
    assert len(boosted.predict([[None, 1.0, float("nan")]])) == 1


def test_the_notebook_predicts_as_the_bundle(store: Path, churn: Predictor) -> None:
    frame = api.load("frame", home=store)
    model = api.model("churn", home=store)
    assert np.array_equal(model.predict(frame), churn.predict(frame))
    with pytest.raises(UsageError, match="The data lack city"):
        model.predict(frame[["age", "income"]])
    linear = api.model("linear", home=store)
    matrix = api.load("matrix", home=store)
    api.bundle("linear", home=store)
    assert np.array_equal(linear.predict(matrix), Predictor.of(api.bundle("linear", home=store)).predict(matrix))


@pytest.fixture
def many(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"city": rng.choice(["Ulm", "Bonn"], 500), "id": range(500), "income": rng.normal(3, 1, 500),
         "age": rng.integers(18, 90, 500)}
    )  # fmt: skip
    frame.to_parquet(tmp_path / "in.parquet")
    frame.to_csv(tmp_path / "in.csv", index=False)
    return tmp_path


def test_files_of_both_forms_give_the_same_to_the_last_digit(store: Path, many: Path, churn: Predictor) -> None:
    wanted = churn.predict_proba(pd.read_parquet(many / "in.parquet"))[:, 1]
    for source in ("in.parquet", "in.csv"):
        for target in ("out.parquet", "out.csv"):
            done = api.predict_file(
                "churn", many / source, many / target, probabilities=True, keep=True, rows=64, home=store
            )
            assert (done.rows, done.resumed) == (500, 0)
            read = pd.read_parquet if target.endswith("parquet") else pd.read_csv
            found = read(many / target)
            assert list(found) == ["city", "id", "income", "age", "prediction", "probability_no", "probability_yes"]
            texts = found.probability_yes.astype(float).to_numpy()
            assert np.array_equal(texts, wanted)
            assert not list(many.glob("*.parts"))


def test_an_interrupted_run_goes_on(store: Path, many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    run = Predictor.run

    def failing(self: Predictor, rows: Any, outputs: Any = None) -> Any:
        calls.append(len(rows))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return run(self, rows, outputs)

    monkeypatch.setattr(Predictor, "run", failing)
    with pytest.raises(KeyboardInterrupt):
        api.predict_file("churn", many / "in.csv", many / "out.csv", rows=100, home=store)
    assert not (many / "out.csv").exists()
    done = api.predict_file("churn", many / "in.csv", many / "out.csv", rows=100, home=store)
    assert (done.rows, done.resumed) == (500, 300)
    assert len(calls) == 4 + 2  # three parts were not computed again
    whole = api.predict_file("churn", many / "in.csv", many / "whole.csv", home=store)
    assert (many / "out.csv").read_bytes() == (many / "whole.csv").read_bytes() and whole.rows == 500


def test_parts_of_another_source_are_not_gone_on_with(store: Path, many: Path) -> None:
    folder = many / "out.csv.parts"
    folder.mkdir()
    (folder / "state.json").write_text('{"model": "other"}')
    (folder / "000000.csv").write_text("prediction\nwrong\n")
    assert api.predict_file("churn", many / "in.csv", many / "out.csv", home=store).resumed == 0
    assert "wrong" not in (many / "out.csv").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age,income\n1,2\n", "The data lack city"),
        ("age,income,city\n1,2\n", "Row 0 of .* has 2 values, not 3"),
        ("age,income,city\n1,two,Ulm\n", "income takes a number; row 0 has the text 'two'"),
        ("", "is empty"),
    ],
)
def test_bad_files_are_told(store: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "in.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        api.predict_file("churn", tmp_path / "in.csv", tmp_path / "out.csv", home=store)
    assert not (tmp_path / "out.csv").exists()


def test_files_can_not_replace_their_source_and_need_a_known_form(store: Path, many: Path) -> None:
    with pytest.raises(UsageError, match="can't replace the file"):
        api.predict_file("churn", many / "in.csv", many / "in.csv", home=store)
    with pytest.raises(UsageError, match="no form that is known"):
        api.predict_file("churn", many / "in.csv", many / "out.xlsx", home=store)
    (many / "broken.parquet").write_bytes(b"no parquet")
    with pytest.raises(UsageError, match="can't be read"):
        api.predict_file("churn", many / "broken.parquet", many / "out.csv", home=store)
