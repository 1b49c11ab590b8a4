import math

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.store.records import MetricRecord
from jupyter_mlops.tracking.charts import HEIGHT, WIDTH, bars, histories

VALUES = st.one_of(st.none(), st.floats())


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_bars_stay_in_their_room(values: list[float | None]) -> None:
    none = [None] * len(values)
    for bar in bars(values, none, none):
        assert -0.1 <= bar.left <= 100.1 and 0 <= bar.width <= 100.1
        assert bar.left + bar.width <= 100.1


def test_bars_begin_at_a_common_zero() -> None:
    first, second, third = bars([-1.0, 3.0, None], [None, 4.0, None], [None, 400.0, None])
    assert (first.left, first.width, first.text) == (0, 25, "-1")
    assert (second.left, second.width, second.delta) == (25, 75, "+4 (+400%)")
    assert (third.width, third.text) == (0, "–")


def test_a_metric_that_was_reported_once_has_no_history() -> None:
    assert histories({"a": [MetricRecord("loss", 1.0)], "b": [MetricRecord("loss", 2.0)]}) == ()


def test_a_history_that_is_not_finite_is_parted() -> None:
    values = [1.0, 2.0, math.nan, 4.0, math.inf]
    (found,) = histories({"a": [MetricRecord("loss", value, iteration=place) for place, value in enumerate(values)]})
    assert (found.low, found.high, found.first, found.last) == ("1", "4", 0, 4)
    assert found.curves[0].lines == ("0.0,120.0 80.0,80.0", "240.0,0.0 240.0,0.0")


def test_long_histories_keep_their_peaks() -> None:
    values = [float(place == 7777) for place in range(10_000)]
    (found,) = histories({"a": [MetricRecord("loss", value, iteration=place) for place, value in enumerate(values)]})
    points = [tuple(map(float, point.split(","))) for line in found.curves[0].lines for point in line.split()]
    assert len(points) <= 302
    assert any(y == 0 for _, y in points)


@given(st.lists(st.tuples(st.integers(-5, 5), st.floats()), min_size=2, max_size=20))
def test_lines_stay_in_the_picture(points: list[tuple[int, float]]) -> None:
    for found in histories({"a": [MetricRecord("m", value, iteration=place) for place, value in points]}):
        for line in found.curves[0].lines:
            for point in line.split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT
