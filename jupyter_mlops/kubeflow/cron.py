"""Times in cron's five fields, for Kubeflow's six, and when they are next. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_mlops.errors import UsageError

__all__ = ["Cron", "parse_cron"]

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_EXAMPLE = "Five fields: minute hour day month weekday, such as '0 6 * * 1' for Mondays at 6:00."
_YEARS = 9
"""As long as February can be without a 29th."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    words: tuple[str, ...] = ()
    offset: int = 0


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS), 1),
    _Field("weekday", 0, 7, tuple(_DAYS)),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """Times that come again.

    Args:
        text: The five fields as they were written.
        minutes: And so on: the numbers of each field; Sunday is 0.
        any_day: Whether the days are not restricted; ``any_weekday`` the same of weekdays.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    any_day: bool
    any_weekday: bool

    @property
    def six_fields(self) -> str:
        """The same for Kubeflow, whose first field are seconds and whose Sunday is 0 alone."""
        minute, hour, day, month, _ = self.text.lower().split()
        weekday = "*" if self.any_weekday else ",".join(map(str, self.weekdays))
        return " ".join(["0", minute, hour, day, month, weekday])

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Go through the times that come after a moment, for some years."""
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(_YEARS * 366):
            if self._fits(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        found = day.replace(hour=hour, minute=minute)
                        if found > moment:
                            yield found
            day += timedelta(days=1)

    def _fits(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, (day.weekday() + 1) % 7 in self.weekdays
        # As cron has it: if both are restricted, either is enough.
        return by_day and by_weekday if self.any_day or self.any_weekday else by_day or by_weekday


def parse_cron(text: str) -> Cron:
    """Read five fields, or a word such as ``@daily``.

    Raises:
        UsageError: They make no sense, or no time fits.
    """
    known = _MACROS.get(text.strip().lower(), text)
    if known.startswith("@"):
        raise UsageError(f"{text!r} is no time.", hint=f"There are: {', '.join(_MACROS)}. {_EXAMPLE}")
    parts = known.split()
    if len(parts) != len(_FIELDS):
        hint = f"Leave the seconds out. {_EXAMPLE}" if len(parts) == 6 else _EXAMPLE
        raise UsageError(f"{text!r} has {len(parts)} fields.", hint=hint)
    minutes, hours, days, months, weekdays = (
        _numbers(text, field, part) for field, part in zip(_FIELDS, parts, strict=True)
    )
    cron = Cron(
        " ".join(parts), minutes, hours, days, months, tuple(sorted({day % 7 for day in weekdays})),
        parts[2][0] in "*?", parts[4][0] in "*?",
    )  # fmt: skip
    if next(cron.after(datetime(2024, 1, 1)), None) is None:
        raise UsageError(f"{text!r} never comes: no such day is in such a month.", hint=_EXAMPLE)
    return cron


def _numbers(text: str, field: _Field, part: str) -> tuple[int, ...]:
    found: set[int] = set()
    for item in part.split(","):
        match = re.fullmatch(r"(?P<whole>[*?])|(?P<from>\w+)(?:-(?P<to>\w+))?", item.partition("/")[0])
        step = item.partition("/")[2] if "/" in item else "1"
        if not match or not step.isdigit() or int(step) == 0:
            raise _wrong(text, field, item)
        last = min(field.last, 6) if field.name == "weekday" else field.last
        first = field.first
        if not match["whole"]:
            first = _number(text, field, match["from"])
            last = _number(text, field, match["to"]) if match["to"] else (last if "/" in item else first)
        if last < first:
            raise _wrong(text, field, item)
        found.update(range(first, last + 1, int(step)))
    return tuple(sorted(found))


def _number(text: str, field: _Field, word: str) -> int:
    if word.lower() in field.words:
        return field.words.index(word.lower()) + field.offset
    if not word.isdecimal() or not field.first <= int(word) <= field.last:
        raise _wrong(text, field, word)
    return int(word)


def _wrong(text: str, field: _Field, item: str) -> UsageError:
    words = f", {field.words[0]} to {field.words[-1]}" if field.words else ""
    return UsageError(
        f"{item!r} is no {field.name} in {text!r}.",
        hint=f"It goes from {field.first} to {field.last}{words}. {_EXAMPLE}",
    )
