"""From what users hand over to names, numbers and plain data; what does not fit is refused in words."""

from __future__ import annotations

import json
import math
import numbers
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from .describe import type_name
from .secret_names import REDACTED, is_secret

__all__ = ["checked_name", "checked_step", "number_of", "numbers_of", "plain_parameter", "plain_value", "writable"]

LONGEST_NAME = 250
LONGEST_VALUE = 6000
_SHOWN = 40
_INTEGER = 2**63


def checked_name(name: Any, what: str) -> str:
    """Return a name that can be kept.

    Args:
        what: What it names, for the message.

    Raises:
        TypeError: It is no text.
        ValueError: It is empty, too long, or has characters in it that nobody sees.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of {_article(what)} {what} is a text, not {_kind(name)}")
    if not name.strip():
        raise ValueError(f"the name of {_article(what)} {what} is empty")
    if len(name) > LONGEST_NAME:
        raise ValueError(
            f"the name of {_article(what)} {what} has up to {LONGEST_NAME} characters, not {len(name)}: "
            f"{name[:_SHOWN]!r}…"
        )
    if name.isprintable():
        return str(name)
    odd = next((letter for letter in name if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")), None)
    if odd is not None:
        raise ValueError(
            f"the name of {_article(what)} {what} has a control character in it ({odd!r}): {name[:_SHOWN]!r}"
        )
    return str(name)


def _article(what: str) -> str:
    return "an" if what[0] in "aeiou" else "a"


def checked_step(step: Any, name: str) -> int:
    """Return the place in a metric's history.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is too large.
    """
    if step is None:
        return 0
    value = _scalar(step)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"the step of the metric {name!r} is a whole number, not {_kind(step)}")
    if not -_INTEGER <= int(value) < _INTEGER:
        raise ValueError(f"the step of the metric {name!r} does not fit into 64 bits")
    return int(value)


def number_of(value: Any, name: str) -> float:
    """Return a metric's value: any real number, NumPy's and tensors of no dimension too; it may be NaN or infinite.

    Raises:
        TypeError: It is none.
        ValueError: It is too large for a float.
    """
    scalar = _scalar(value)
    if not isinstance(scalar, (numbers.Real, Decimal)):
        raise TypeError(f"the metric {name!r} must be a number, not {_kind(value)}{_advice(value)}")
    try:
        return float(scalar)
    except OverflowError:
        raise ValueError(f"the metric {name!r} is too large for a float") from None
    except ValueError:  # a signaling NaN
        return math.nan


def numbers_of(metrics: Any) -> list[tuple[str, float]]:
    """Return names and values of several metrics; those of nested dictionaries have dotted names.

    Raises:
        TypeError: It is no dictionary, a name no text, a value no number.
        ValueError: A name can't be kept.
    """
    if not isinstance(metrics, Mapping):
        raise TypeError(f"log_metrics takes a dictionary of names and numbers, not {_kind(metrics)}")
    return [(name, number_of(value, name)) for name, value in _flat(metrics, "", ())]


def _flat(metrics: Mapping[Any, Any], above: str, seen: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    if id(metrics) in seen:
        raise ValueError(f"the metrics {above.rstrip('.')!r} contain themselves")
    for key, value in list(metrics.items()):
        name = above + (str(key) if above and isinstance(key, (int, float)) else checked_name(key, "metric"))
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.", (*seen, id(metrics)))
        else:
            yield checked_name(name, "metric"), value


def plain_parameter(name: str, value: Any) -> Any:
    """Return what is kept of a parameter: plain data as it is, anything else as the text that shows it, shortened."""
    return REDACTED if is_secret(name) and value is not None else plain_value(value)


def plain_value(value: Any) -> Any:
    """Return plain data as it is, anything else as the text that shows it, shortened."""
    plain = _plain(value, 4)
    text = json.dumps(plain)
    if len(text) <= LONGEST_VALUE:
        return plain
    shown = plain if isinstance(plain, str) else text
    return shown[: LONGEST_VALUE - 1] + "…"


def writable(text: str) -> str:
    """Return a text that can be written as UTF-8: half a character becomes the escape that stands for it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return writable(value)
    scalar = _scalar(value)
    if isinstance(scalar, (bool, int)):
        return scalar if isinstance(scalar, bool) or abs(int(scalar)) < _INTEGER else str(scalar)
    if isinstance(scalar, (numbers.Real, Decimal)):
        return float(scalar)
    if isinstance(value, (list, tuple)) and depth:
        return [_plain(item, depth - 1) for item in value[:1000]]
    if isinstance(value, Mapping) and depth:
        pairs = list(value.items())[:1000]
        return {
            str(key): REDACTED if is_secret(str(key)) and item is not None else _plain(item, depth - 1)
            for key, item in pairs
        }
    try:
        return writable(" ".join(repr(value).split())[:LONGEST_VALUE])
    except Exception:
        return f"{type_name(type(value))} object"


def _scalar(value: Any) -> Any:
    """The Python number in NumPy's numbers, arrays and tensors without a dimension; anything else as it is."""
    if isinstance(value, (bool, int, float)):
        return value
    if callable(getattr(type(value), "item", None)) and tuple(getattr(value, "shape", (0,))) == ():
        return value.item()
    return value


def _kind(value: Any) -> str:
    text = "None" if value is None else type_name(type(value))
    if isinstance(value, str):
        return f"{text} ({value[:_SHOWN]!r}{'…' if len(value) > _SHOWN else ''})"
    shape = getattr(value, "shape", None)
    return f"{text} of shape {tuple(shape)}" if isinstance(shape, tuple) and shape else text


def _advice(value: Any) -> str:
    if getattr(value, "shape", None) and callable(getattr(type(value), "item", None)):
        return "; one number of it: value.item(), value.mean(), value[0]"
    return ""
