"""What can be a model: estimators, functions, whatever else is no data; files of formats that hold models."""

from __future__ import annotations

from pathlib import PurePath

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.tracking.locating import Made

__all__ = ["MODEL_FILES", "model_notes"]

MODEL_FILES = frozenset(
    [
        ".bin",
        ".cbm",
        ".ckpt",
        ".gguf",
        ".h5",
        ".hdf5",
        ".joblib",
        ".keras",
        ".mlmodel",
        ".model",
        ".onnx",
        ".pickle",
        ".pkl",
        ".pmml",
        ".pt",
        ".pth",
        ".safetensors",
        ".skops",
        ".tflite",
        ".ubj",
    ]
)
"""Suffixes of files that hold models."""

_DATA_MODULES = frozenset(["matplotlib", "numpy", "pandas", "plotly", "polars", "pyarrow"])
_DATA_TYPES = frozenset(
    [
        "NoneType",
        "bool",
        "bytearray",
        "bytes",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "range",
        "set",
        "slice",
        "str",
        "tuple",
        "module",
    ]
)


def model_notes(made: Made) -> list[str]:
    """Return what there is to say of something that can be a model.

    Raises:
        UsageError: It can't.
    """
    shown = printable(made.name)
    if made.step.status not in ("succeeded", "reused"):
        raise UsageError(
            f'{shown} can\'t be registered: step "{printable(made.step.name)}" has not succeeded ({made.step.status}).',
            hint="Run it again, or name a run in which it succeeded.",
        )
    if made.record.kind == "file":
        suffix = PurePath(made.name).suffix.lower()
        if suffix not in MODEL_FILES or made.record.serializer == "folder":
            kinds = ", ".join(sorted(MODEL_FILES))
            what = (
                "a folder"
                if made.record.serializer == "folder"
                else f"a file of another kind ({suffix or 'no suffix'})"
            )
            raise UsageError(f"{shown} can't be a model: it is {what}.", hint=f"Model files are {kinds}.")
        return []
    known = made.type or ""
    top, dot, _ = known.partition(".")
    if (top in _DATA_MODULES if dot else known in _DATA_TYPES) or known.startswith("scipy.sparse."):
        raise UsageError(
            f"{shown} can't be a model: it is data ({known}).",
            hint="A model is an estimator, or anything else with a predict method, or a function.",
        )
    about = (made.record.members.get(made.name, {}).get("schema") or {}).get("estimator") or {}
    return [f"{shown} is not fitted, as far as can be seen."] if about.get("fitted") is False else []
