"""Times as people write them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from jupyter_mlops.engine.retention import duration
from jupyter_mlops.errors import UsageError

__all__ = ["span"]

_DATE = re.compile(
    r"""
    (?P<year>\d{4})
    (?:-(?P<month>\d\d?)
      (?:-(?P<day>\d\d?)
        (?:[T\ ]+(?P<hour>\d\d?):(?P<minute>\d\d)
          (?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,6})\d*)?)?
          \ *(?P<zone>Z|[+-]\d\d:?\d\d)?
        )?
      )?
    )?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_SMALLEST = {"year": 1, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}


def span(text: str, now: datetime) -> tuple[int, int] | None:
    """Return the time that a text means, from its first millisecond to the one after its last; None if it means none.

    Args:
        text: ``2026``, ``2026-01``, ``2026-01-31``, ``2026-01-31 14:05``, ``2026-01-31T14:05:59Z``, ``-7d``, ``now``,
            ``today``, ``yesterday``. Without a zone it is local time.
        now: The present, local and without a zone.
    """
    word = text.strip().lower()
    try:
        if word == "now":
            return _instant(now)
        if word in ("today", "yesterday"):
            day = datetime(now.year, now.month, now.day) - timedelta(days=word == "yesterday")
            return _milliseconds(day), _milliseconds(day + timedelta(days=1))
        if word.startswith("-"):
            return _instant(now - timedelta(seconds=duration(word[1:])))
        return _of_date(text.strip())
    except (ValueError, OverflowError, OSError, UsageError):
        return None


def _of_date(text: str) -> tuple[int, int] | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[name] or least) for name, least in _SMALLEST.items())
    fraction = int((match["fraction"] or "").ljust(6, "0"))
    start = datetime(year, month, day, hour, minute, second, fraction, tzinfo=_zone(match["zone"]))
    return _milliseconds(start), _milliseconds(_after(start, match))


def _zone(text: str | None) -> timezone | None:
    if not text or text in "Zz":
        return timezone.utc if text else None
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _after(start: datetime, match: re.Match[str]) -> datetime:
    if match["fraction"]:
        return start + timedelta(milliseconds=1)
    for name, length in (("second", 1), ("minute", 60), ("day", 86400)):
        if match[name]:
            return start + timedelta(seconds=length)
    year, month = (start.year, start.month + 1) if match["month"] else (start.year + 1, 1)
    return datetime(year + (month > 12), 1 if month > 12 else month, 1, tzinfo=start.tzinfo)


def _instant(moment: datetime) -> tuple[int, int]:
    place = _milliseconds(moment)
    return place, place + 1


def _milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch; a moment without a zone is local time."""
    return round(moment.timestamp() * 1000)
