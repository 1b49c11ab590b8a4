"""What a condition means, in plain Python, and strategies that draw conditions."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from hypothesis import strategies as st

from jupyter_mlops.store.conditions import AllOf, AnyOf, Comparison, Condition, Field, Not
from jupyter_mlops.store.records import RunRecord

NAMES = ("a", "b", "x y", "ü`\"'")
NUMBERS = (-math.inf, -1.5, 0.0, 1.0, 2.0, 1e300, math.inf)
TEXTS = ("", "a", "A", "ab", "a%b", "a_b", "a*b[c]?", "1", "1.0", "True", "true", "None", "ü'\"", "x" * 230, "x" * 231)
STATUSES = ("running", "succeeded", "failed")
TIMES = (1000.0, 2000.0, 3000.0)
_MISSING = object()
_ORDERED = ("=", "!=", "<", "<=", ">", ">=")
_LIKE = ("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE")
_LISTS = ("IN", "NOT IN")


def holds(condition: Condition, run: RunRecord, experiments: tuple[str, ...] = ()) -> bool:
    """Tell whether a condition holds for a run."""
    if isinstance(condition, Not):
        return not holds(condition.part, run, experiments)
    if isinstance(condition, (AllOf, AnyOf)):
        together = all if isinstance(condition, AllOf) else any
        return together(holds(part, run, experiments) for part in condition.parts)
    found, operator = condition.field, condition.operator
    if found == Field("attributes", "experiment"):
        return _in_group(condition, experiments)
    value = _value(found, run)
    if operator in ("IS NULL", "IS NOT NULL"):
        return (value is _MISSING) == (operator == "IS NULL")
    if value is _MISSING:
        return False
    positive = operator.replace("!=", "=").replace("NOT ", "")
    return _matches(found, value, positive, condition.value) == (positive == operator)


def _in_group(condition: Comparison, experiments: tuple[str, ...]) -> bool:
    operator = condition.operator
    if operator in ("IS NULL", "IS NOT NULL"):
        return bool(experiments) == (operator == "IS NOT NULL")
    positive = operator.replace("!=", "=").replace("NOT ", "")
    return any(_texts(name, positive, condition.value) for name in experiments) == (positive == operator)


def _value(found: Field, run: RunRecord) -> Any:
    if found.kind != "attributes":
        values = {"metrics": run.metrics, "params": run.parameters, "tags": run.tags}[found.kind]
        return values.get(found.name, _MISSING)  # type: ignore[attr-defined]
    value = getattr(run, found.name)
    return _MISSING if value is None else value


def _matches(found: Field, value: Any, operator: str, literal: Any) -> bool:
    if operator == "IS NAN":
        return isinstance(value, float) and math.isnan(value)
    if found.kind == "params":
        return _parameter(value, operator, literal)
    if isinstance(value, str):
        return _texts(value, operator, literal)
    if operator == "IN":
        return any(value == each for each in literal)
    return _compared(value, operator, literal)


def _parameter(value: Any, operator: str, literal: Any) -> bool:
    if operator in ("LIKE", "ILIKE"):
        return _like(_word(value), literal, operator)
    if operator in ("=", "IN"):
        return any(_same(value, each) for each in (literal if operator == "IN" else (literal,)))
    is_number = isinstance(value, (bool, int, float))
    if is_number and abs(value) >= 1e308 and isinstance(value, int):
        return False  # no number of the machine
    number = float(value) if is_number else None
    if not isinstance(literal, str):
        return number is not None and _compared(number, operator, literal)
    if number is None or math.isnan(number):
        return number is None and _compared(_word(value), operator, literal[:200])
    try:
        return _compared(number, operator, float(literal))
    except ValueError:
        return False


def _word(value: Any) -> str:
    if isinstance(value, str):
        return value[:200]
    return json.dumps(value)[:200]


def _same(value: Any, literal: Any) -> bool:
    is_number = isinstance(value, (bool, int, float))
    if isinstance(literal, bool):
        return _word(value) == json.dumps(literal)
    if not isinstance(literal, str):
        return is_number and value == literal
    word = value if isinstance(value, str) else json.dumps(value)
    spelling = {"True": "true", "False": "false", "None": "null"}.get(literal)
    if (not is_number or isinstance(value, bool)) and word in (literal, spelling):
        return True
    try:
        return is_number and value == float(literal)
    except ValueError:
        return False


def _texts(value: str, operator: str, literal: Any) -> bool:
    if operator in ("LIKE", "ILIKE"):
        return _like(value, literal, operator)
    return value in literal if operator == "IN" else _compared(value, operator, literal)


def _compared(value: Any, operator: str, literal: Any) -> bool:
    result = {
        "=": lambda: value == literal,
        "<": lambda: value < literal,
        "<=": lambda: value <= literal,
        ">": lambda: value > literal,
        ">=": lambda: value >= literal,
    }[operator]()
    return bool(result)


def _like(value: str, pattern: str, operator: str) -> bool:
    parts = (".*" if letter == "%" else "." if letter == "_" else re.escape(letter) for letter in pattern)
    flags = re.DOTALL | (re.IGNORECASE | re.ASCII if operator == "ILIKE" else 0)
    return re.fullmatch("".join(parts), value, flags) is not None


def conditions() -> st.SearchStrategy[Condition]:
    """Draw conditions of the kind that parsing gives."""
    return st.recursive(comparisons(), _combined, max_leaves=8)


def _combined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    def joined(kind: type[AllOf] | type[AnyOf]) -> st.SearchStrategy[Condition]:
        others = parts.filter(lambda part: not isinstance(part, kind))
        return st.lists(others, min_size=2, max_size=3).map(lambda found: kind(tuple(found)))

    return joined(AllOf) | joined(AnyOf) | parts.map(Not)


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    """Draw one comparison of each kind."""
    kind = draw(st.sampled_from(("metrics", "params", "tags", "status", "seconds", "started", "user", "experiment")))
    if kind not in ("metrics", "params", "tags"):
        return _against(draw, Field("attributes", kind), kind)
    return _against(draw, Field(kind, draw(st.sampled_from(NAMES))), kind)  # type: ignore[arg-type]


def _against(draw: st.DrawFn, found: Field, kind: str) -> Comparison:
    if draw(st.integers(0, 7)) == 0:
        return Comparison(found, draw(st.sampled_from(("IS NULL", "IS NOT NULL"))))
    numbers, texts, truths = st.sampled_from(NUMBERS), st.sampled_from(TEXTS), st.booleans()
    if kind in ("metrics", "params") and draw(st.integers(0, 7)) == 0:
        return Comparison(found, draw(st.sampled_from(("IS NAN", "IS NOT NAN"))))
    values = {
        "metrics": numbers,
        "seconds": numbers,
        "started": st.sampled_from(TIMES),
        "status": st.sampled_from(STATUSES),
        "params": numbers | texts | truths,
    }.get(kind, texts)
    operators = {"metrics": _ORDERED + _LISTS, "seconds": _ORDERED + _LISTS, "started": _ORDERED, "status": ("=", "!=")}
    operator = draw(st.sampled_from(operators.get(kind, _ORDERED + _LIKE + _LISTS)))
    if operator in _LISTS:
        return Comparison(found, operator, tuple(draw(st.lists(values, min_size=1, max_size=3))))  # type: ignore
    if operator in _LIKE:
        patterns = texts | st.text(alphabet="aAb%_*?[]ü\\", max_size=5)
        return Comparison(found, operator, draw(patterns))  # type: ignore[arg-type]
    if kind == "params" and operator not in ("=", "!="):
        values = numbers | texts
    return Comparison(found, operator, draw(values))  # type: ignore[arg-type]
