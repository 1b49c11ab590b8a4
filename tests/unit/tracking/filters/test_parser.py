from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest
from evaluation import conditions
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_mlops.store.conditions import AllOf, AnyOf, Comparison, Condition, Field, Not, SortKey
from jupyter_mlops.tracking.filters import FilterError, filter_text, parse_columns, parse_filter, parse_sort

NOW = datetime(2026, 3, 15, 12, 30)

metric, param, tag = (lambda name, kind=kind: Field(kind, name) for kind in ("metrics", "params", "tags"))


def attribute(name: str) -> Field:
    return Field("attributes", name)


def milliseconds(*parts: int) -> float:
    return datetime(*parts).timestamp() * 1000  # type: ignore[arg-type]


def parse(text: str) -> Condition | None:
    return parse_filter(text, now=NOW, known=lambda: ("metrics.accuracy", "params.model"))


A, B, C = (Comparison(metric(name), ">", 1.0) for name in "abc")
GOOD = {
    "": None,
    "  \n": None,
    "metrics.accuracy > 0.9": Comparison(metric("accuracy"), ">", 0.9),
    "metric.accuracy>=-1e-3": Comparison(metric("accuracy"), ">=", -0.001),
    "metrics.`a b``c` = inf": Comparison(metric("a b`c"), "=", float("inf")),
    'metrics."a ""b""" != 3': Comparison(metric('a "b"'), "!=", 3.0),
    "metrics.val/loss-1.x < .5": Comparison(metric("val/loss-1.x"), "<", 0.5),
    'metrics.train."f1 score" < 1': Comparison(metric("train.f1 score"), "<", 1.0),
    "metrics.loss = NaN": Comparison(metric("loss"), "IS NAN"),
    "metrics.loss != nan": Comparison(metric("loss"), "IS NOT NAN"),
    "params.model = 'it''s'": Comparison(param("model"), "=", "it's"),
    "parameters.deep = TRUE": Comparison(param("deep"), "=", True),
    "params.n in (1, 'a', false)": Comparison(param("n"), "IN", (1.0, "a", False)),
    "tags.mlflow.source not in ('a')": Comparison(tag("mlflow.source"), "NOT IN", ("a",)),
    "tags.version = 1.10": Comparison(tag("version"), "=", "1.10"),
    "tags.x IS NULL": Comparison(tag("x"), "IS NULL"),
    "params.x is not null": Comparison(param("x"), "IS NOT NULL"),
    "user ilike '%ann%'": Comparison(attribute("user"), "ILIKE", "%ann%"),
    "user not like 'a'": Comparison(attribute("user"), "NOT LIKE", "a"),
    "attributes.status = 'FINISHED'": Comparison(attribute("status"), "=", "succeeded"),
    "run.start_time > 1700000000000": Comparison(attribute("started"), ">", 1.7e12),
    "Status == 'killed'": Comparison(attribute("status"), "=", "cancelled"),
    "seconds <> 3": Comparison(attribute("seconds"), "!=", 3.0),
    "commit = 'C0FFEE1'": Comparison(attribute("commit"), "LIKE", "c0ffee1%"),
    f"commit = '{'a' * 40}'": Comparison(attribute("commit"), "=", "a" * 40),
    "`run_id` = 'x'": Comparison(attribute("run_id"), "=", "x"),
    "metrics.a > 1 and metrics.b > 1 AND metrics.c > 1": AllOf((A, B, C)),
    "metrics.a > 1 or metrics.b > 1 and metrics.c > 1": AnyOf((A, AllOf((B, C)))),
    "(metrics.a > 1 or metrics.b > 1) and metrics.c > 1": AllOf((AnyOf((A, B)), C)),
    "metrics.a > 1 and (metrics.b > 1 and (metrics.c > 1))": AllOf((A, B, C)),
    "not metrics.a > 1 and metrics.b > 1": AllOf((Not(A), B)),
    "not (metrics.a > 1 and metrics.b > 1)": Not(AllOf((A, B))),
    "started >= '2026-03-01'": Comparison(attribute("started"), ">=", milliseconds(2026, 3, 1)),
    "started > '2026-03-01'": Comparison(attribute("started"), ">=", milliseconds(2026, 3, 2)),
    "started <= '2026-12'": Comparison(attribute("started"), "<", milliseconds(2027, 1, 1)),
    "finished < '2026'": Comparison(attribute("finished"), "<", milliseconds(2026, 1, 1)),
    "started > '-7d'": Comparison(attribute("started"), ">=", milliseconds(2026, 3, 8, 12, 30) + 1),
    "started < 'yesterday'": Comparison(attribute("started"), "<", milliseconds(2026, 3, 14)),
    "started = 'today'": AllOf(
        (
            Comparison(attribute("started"), ">=", milliseconds(2026, 3, 15)),
            Comparison(attribute("started"), "<", milliseconds(2026, 3, 16)),
        )
    ),
    "started >= '2026-03-01T10:00:00+02:00'": Comparison(
        attribute("started"), ">=", datetime(2026, 3, 1, 8, tzinfo=timezone.utc).timestamp() * 1000
    ),
    "started >= '2026-03-01 10:00 Z'": Comparison(
        attribute("started"), ">=", datetime(2026, 3, 1, 10, tzinfo=timezone.utc).timestamp() * 1000
    ),
}

BAD = {
    # text: what is said, the place of the caret (from 0), the hint
    "metrics.accuracy >": ("a value is missing", 18, None),
    "metrics.accuracy": ("one of =, !=", 16, None),
    "metrics.accuracy ! 1": ("has no meaning", 17, "Write NOT"),
    "metrics. > 1": ("must follow the dot", 8, None),
    "metrics.a > 1 metrics.b > 1": ("AND or OR is missing", 14, None),
    "metrics.a > 1 and": ("a name", 17, None),
    "metrics.a > '1'": ("A number must stand", 12, "without quotes"),
    "metrics.a > true": ("A number must stand", 12, None),
    "metrics.a like 'x'": ("for texts", 10, None),
    "metrics.a < nan": ("NaN is not more or less", 12, "= or !="),
    "metrics.a in (1, nan)": ("NaN", 17, None),
    "params.a = rf": ("texts stand in quotes", 11, 'Write "rf"'),
    "params.a = null": ("NULL can't be compared", 11, "IS NULL"),
    "params.a < true": ("not more or less", 11, None),
    "params.a like 3": ("needs a text", 14, None),
    "params.a in 'x'": ("A list in brackets", 12, None),
    "params.a in ('x'": ("a comma or a closing bracket", 16, None),
    "params.a is 3": ("NULL or NOT NULL", 12, None),
    "tags.a > 3": ("This is a text", 9, 'Write "3"'),
    "accuracy > 0.9": ("no attribute", 0, "metrics.accuracy"),
    "accurcy > 0.9": ("no attribute", 0, "metrics.accuracy"),
    "stauts = 'failed'": ("no attribute", 0, "status"),
    "status = 'faild'": ("no status", 9, "failed"),
    "metrcs.a = 1": ('nothing called "metrcs"', 0, "metrics.a"),
    "dataset.name = 'x'": ('nothing called "dataset"', 0, "metrics, params"),
    "started > 'soon'": ("This is no time", 10, "2026-01-31"),
    "started > '2026-02-30'": ("This is no time", 10, None),
    "started > '-7x'": ("This is no time", 10, None),
    "started > '-99999999999w'": ("This is no time", 10, None),
    "started > '0000'": ("This is no time", 10, None),
    "started > -7d": ("This is no number", 10, "in quotes"),
    "started in ('2026')": ("A list of times", 12, None),
    "(metrics.a > 1": ("never closed", 0, None),
    "metrics.a > 1)": ("AND or OR is missing", 13, None),
    "()": ("a name", 1, None),
    "pipeline = 'x": ("never closed", 11, None),
    "metrics.`x = 1": ("never closed", 8, None),
    "metrics.a = 1 && metrics.b = 1": ("no meaning", 14, "AND"),
    "metrics.a + 1 > 2": ("no number", 10, None),
    "'status' = 'x'": ("a name", 0, None),
    "and": ("a name", 0, None),
    "metrics.a = 1,": ("AND or OR is missing", 13, None),
    "user\n = \n  oops": ("texts stand in quotes", 11, None),
    "(" * 100 + "metrics.a > 1": ("nested", 50, None),
    "not " * 100 + "metrics.a > 1": ("nested", 200, None),
    " or ".join(["metrics.a > 1"] * 201): ("more than 200", 200 * 17, None),
    "a" * 30_000: ("longer than", 20_000, None),
}


@pytest.mark.parametrize("text", GOOD)
def test_what_a_filter_means(text: str) -> None:
    assert parse(text) == GOOD[text]


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:40])
def test_what_is_wrong_is_said_where_it_is(text: str) -> None:
    message, position, hint = BAD[text]
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert message in caught.value.message and caught.value.position == position
    assert hint is None or hint in (caught.value.hint or "")
    shown, caret = caught.value.message.splitlines()[1:]
    assert caret.strip() == "^" and len(shown) < 125 and len(caret) <= len(shown) + 1


def test_the_caret_stands_under_the_place() -> None:
    with pytest.raises(FilterError) as caught:
        parse("user = 'ü' and\n\tparams.日本 = rf")
    assert caught.value.message.splitlines()[1:] == ["  \\tparams.日本 = rf", "                  ^"]


def test_orders_and_columns() -> None:
    assert parse_sort("metrics.a desc, started, params.`x y` ASC") == (
        SortKey(metric("a"), descending=True),
        SortKey(attribute("started")),
        SortKey(param("x y")),
    )
    assert parse_sort(" ") == () and parse_columns("") == ()
    assert parse_columns("run_id, metrics.a,params, run") == (
        attribute("run_id"),
        metric("a"),
        "params",
        attribute("run_id"),
    )
    for text, words in (
        ("metrics.a down", "a comma"),
        ("experiment", "no order"),
        ("a,", "no attribute"),
        (",", "a name"),
    ):
        with pytest.raises(FilterError, match=words):
            parse_sort(text)
    with pytest.raises(FilterError, match="list of columns"):
        parse_columns("metrics.")


@given(conditions())
def test_what_is_printed_is_parsed_to_the_same(condition: Condition) -> None:
    text = filter_text(condition)
    parsed = parse(text)
    assert parsed == condition and filter_text(parsed) == text


WORDS = st.sampled_from(
    [
        *(
            "metrics.a",
            "params.`b`",
            "tags.",
            '"',
            "'",
            "`",
            "(",
            ")",
            ",",
            "=",
            "!=",
            "<",
            "and",
            "OR",
            "not",
            "like",
            "in",
        ),
        *(
            "is",
            "null",
            "nan",
            "-inf",
            "1e9",
            "1e",
            "status",
            "'failed'",
            "started",
            "'-7d'",
            "'2026'",
            "true",
            "\n",
            "\0",
        ),
    ]
)


@given(st.text(max_size=60) | st.lists(WORDS, max_size=12).map(" ".join) | st.lists(WORDS, max_size=6).map("".join))
@example("started > '9999-12-31'")
@example("started > '9999'")
@example("started > '0001-01-01'")
@example("metrics.a > 1e999")
@example("started > nan")
def test_no_text_is_too_much(text: str) -> None:
    try:
        condition = parse(text)
    except FilterError as error:
        assert 0 <= error.position <= len(text) and len(error.message) < 500
        return
    assert condition is None or parse(filter_text(condition)) == condition


def test_long_filters_take_no_time() -> None:
    begin = time.perf_counter()
    for text in ("'" * 19_999, "(" * 19_999, "metrics." + "a" * 19_000 + " = 1", "x = " + "1" * 19_000, "`" * 20_000):
        try:
            parse(text)
        except FilterError:
            continue
    assert time.perf_counter() - begin < 20
