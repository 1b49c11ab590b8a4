"""``log_metric`` and its like: what code in a step wants to be kept with the run.

Outside of a run, as in a notebook that somebody works in, they check what they are given and keep nothing.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .journal import Journal, journal
from .plain import checked_name, checked_step, number_of, numbers_of, plain_parameter, plain_value, writable
from .secret_names import REDACTED

__all__ = ["log_artifact", "log_metric", "log_metrics", "log_params", "set_tag"]

LONGEST_TAG = 5000


@dataclass
class _Process:
    told: bool = False


_process = _Process()


def log_metric(name: str, value: Any, step: int | None = None) -> None:
    """Keep a number with the run, or the next value of its history.

    Args:
        name: Of the metric.
        value: A number; it may be NaN or infinite.
        step: Where in the history it belongs: the epoch, the batch.

    Raises:
        TypeError: The value is no number, the step no whole one.
        ValueError: The name can't be kept.
    """
    name = checked_name(name, "metric")
    _write([_metric(name, number_of(value, name), checked_step(step, name))])


def log_metrics(metrics: Mapping[str, Any], step: int | None = None) -> None:
    """Keep several numbers with the run; those in nested dictionaries get dotted names.

    Args:
        metrics: Numbers by name; all are checked before one is kept.
        step: As for ``log_metric``.

    Raises:
        TypeError: A value is no number, the step no whole one.
        ValueError: A name can't be kept.
    """
    found = numbers_of(metrics)
    place = checked_step(step, next(iter(found), ("", 0))[0])
    _write([_metric(name, value, place) for name, value in found])


def log_params(params: Mapping[str, Any]) -> None:
    """Keep values that say how something was computed, besides the notebook's own parameters.

    Args:
        params: Plain data by name; of anything else the text that shows it is kept, shortened.

    Raises:
        TypeError: It is no dictionary, or a name no text.
        ValueError: A name can't be kept, or is a parameter of the notebook with another value.
    """
    if not isinstance(params, Mapping):
        raise TypeError(f"log_params takes a dictionary of names and values, not {type(params).__name__}")
    given = {checked_name(name, "parameter"): value for name, value in params.items()}
    found = journal()
    declared = {} if found is None else {name: found.parameters[name] for name in given if name in found.parameters}
    for name, value in declared.items():
        if value != REDACTED and not _same(plain_value(value), plain_value(given[name])):
            raise ValueError(
                f"{name!r} is a parameter of the notebook, and {_shown(name, value)} in this run: it can't be logged "
                f"as {_shown(name, given[name])}; log it under another name"
            )
    entries = {name: plain_parameter(name, value) for name, value in given.items() if name not in declared}
    _write([{"kind": "param", "name": name, "value": value} for name, value in entries.items()])


def set_tag(name: str, value: Any) -> None:
    """Give the run a tag.

    Args:
        value: A text; anything else becomes one.

    Raises:
        TypeError: The name is no text.
        ValueError: The name can't be kept, or the value is too long.
    """
    name, text = checked_name(name, "tag"), writable(str(value))
    if len(text) > LONGEST_TAG:
        raise ValueError(f"the value of the tag {name!r} has up to {LONGEST_TAG} characters, not {len(text)}")
    _write([{"kind": "tag", "name": name, "value": text}])


def log_artifact(path_or_object: Any, name: str | None = None) -> None:
    """Keep a file, a folder, a figure or any value with the run.

    Args:
        path_or_object: The path of a file or folder, which is copied as it is now; bytes; a figure of matplotlib or
            plotly, which becomes a picture; or a value, which is kept like those that cross from step to step.
        name: What it is called; by default the file's name, or that of the value's type.

    Raises:
        FileNotFoundError: There is no such file.
        TypeError: The value can't be kept, with the reason.
        ValueError: The name can't be kept, or the path is that of a device or pipe.
    """
    if isinstance(path_or_object, (str, os.PathLike)):
        path = Path(os.fsdecode(path_or_object))
        if not path.exists():
            raise FileNotFoundError(f"there is no file {str(path)!r} to keep; a text is kept as bytes: text.encode()")
        if not path.is_file() and not path.is_dir():
            raise ValueError(f"{str(path)!r} is neither a file nor a folder")  # a pipe would never end
        name = checked_name(path.absolute().name if name is None else name, "artifact")
        if (found := _journal()) is not None:
            _keep(found, "keep_path", path, name)
        return
    name = checked_name(type(path_or_object).__name__ if name is None else name, "artifact")
    if (found := _journal()) is not None:
        _keep(found, "keep_value", path_or_object, name)


def _keep(found: Journal, function: str, given: Any, name: str) -> None:
    entry = getattr(_of_step("keeping"), function)(given, name, found.new_file(), found.context)
    found.write([{**entry, "kind": "artifact", "name": name, "time": time.time_ns() // 1_000_000}])


def _of_step(module: str) -> Any:
    """The runtime that the step itself saves with: what is pickled names it."""
    try:
        return importlib.import_module(f"mlops_runtime.{module}")
    except ModuleNotFoundError:
        return importlib.import_module(f"{__package__}.{module}")


def _metric(name: str, value: float, step: int) -> dict[str, Any]:
    return {"kind": "metric", "name": name, "value": value, "step": step, "time": time.time_ns() // 1_000_000}


def _write(entries: list[dict[str, Any]]) -> None:
    if (found := _journal()) is not None:
        found.write(entries)


def _journal() -> Journal | None:
    found = journal()
    if found is None and not _process.told:
        _process.told = True
        text = "this is no step of a run: what is logged here is checked, and not kept"
        warnings.warn(f"jupyter_mlops: {text}", UserWarning, stacklevel=_above())
    return found


def _above() -> int:
    """How far up the code is that called this module, counted as ``warnings`` does from the caller of this function."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__") == __name__:
        frame, level = frame.f_back, level + 1
    return level


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) or (one != one and other != other)


def _shown(name: str, value: Any) -> str:
    text = repr(plain_parameter(name, value))
    return text if len(text) <= 60 else text[:59] + "…"
