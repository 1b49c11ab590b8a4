"""Times in five fields."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

import pytest

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.cron import parse_cron

NOW = datetime(2026, 11, 24, 11, 30)  # a Tuesday


@pytest.mark.parametrize(
    ("text", "six", "times"),
    [
        ("0 6 * * 1", "0 0 6 * * 1", ["2026-11-30 06:00", "2026-12-07 06:00"]),
        ("*/20 11 * * *", "0 */20 11 * * *", ["2026-11-24 11:40", "2026-11-25 11:00"]),
        ("30 11 24 * *", "0 30 11 24 * *", ["2026-12-24 11:30", "2027-01-24 11:30"]),
        ("0 0 29 2 *", "0 0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 9 * * MON-FRI", "0 0 9 * * 1,2,3,4,5", ["2026-11-25 09:00", "2026-11-26 09:00"]),
        ("0 9 * JAN sun", "0 0 9 * jan 0", ["2027-01-03 09:00", "2027-01-10 09:00"]),
        ("0 9 * * 7", "0 0 9 * * 0", ["2026-11-29 09:00", "2026-12-06 09:00"]),
        ("0 9 * * 5-7", "0 0 9 * * 0,5,6", ["2026-11-27 09:00", "2026-11-28 09:00"]),
        ("0 9 1 * 5", "0 0 9 1 * 5", ["2026-11-27 09:00", "2026-12-01 09:00"]),  # either is enough
        ("@daily", "0 0 0 * * *", ["2026-11-25 00:00", "2026-11-26 00:00"]),
        ("5/15 0 * * *", "0 5/15 0 * * *", ["2026-11-25 00:05", "2026-11-25 00:20"]),
        ("0 0 ? * ?", "0 0 0 ? * *", ["2026-11-25 00:00", "2026-11-26 00:00"]),
    ],
)
def test_times(text: str, six: str, times: list[str]) -> None:
    cron = parse_cron(text)
    assert cron.six_fields == six
    assert [f"{moment:%Y-%m-%d %H:%M}" for moment in islice(cron.after(NOW), 2)] == times


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("0 0 6 * * 1", "has 6 fields"),
        ("60 * * * *", "'60' is no minute"),
        ("* 24 * * *", "'24' is no hour"),
        ("* * 0 * *", "'0' is no day"),
        ("* * * 13 *", "'13' is no month"),
        ("* * * * 8", "'8' is no weekday"),
        ("*/0 * * * *", "is no minute"),
        ("5-1 * * * *", "is no minute"),
        ("a * * * *", "'a' is no minute"),
        ("1,,2 * * * *", "is no minute"),
        ("0 0 30 2 *", "never comes"),
        ("@often", "is no time"),
        ("-1 * * * *", "is no minute"),
    ],
)
def test_no_times(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        parse_cron(text)
    assert error.value.hint


def test_seconds_are_told_to_be_left_out() -> None:
    with pytest.raises(UsageError) as error:
        parse_cron("0 0 6 * * 1")
    assert "Leave the seconds out" in str(error.value.hint)
