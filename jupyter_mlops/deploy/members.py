"""The objects of a bundle as files: skops where our list of trusted types suffices, joblib, else cloudpickle."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.errors import UsageError

__all__ = ["Packed", "is_trusted", "pack", "unpack"]

_TRUSTED_PREFIXES = ("numpy.", "scipy.sparse.", "scipy.special.", "sklearn.", "builtins.")
"""Types of these libraries that hold data and fitted parameters; what skops trusts by itself is not asked for."""


@dataclass(frozen=True, slots=True)
class Packed:
    """An object as bytes.

    Args:
        form: ``skops``, ``joblib`` or ``cloudpickle``.
    """

    form: str
    content: bytes

    @property
    def suffix(self) -> str:
        """Of its file."""
        return {"skops": ".skops", "joblib": ".joblib"}.get(self.form, ".pkl")


def pack(value: Any) -> Packed:
    """Return an object as bytes, in the safest form that holds it.

    Raises:
        UsageError: It can't be pickled.
    """
    content = _as_skops(value)
    if content is not None:
        return Packed("skops", content)
    importable = _importable(value)
    try:
        if importable:
            import joblib

            file = io.BytesIO()
            joblib.dump(value, file)
            return Packed("joblib", file.getvalue())
    except Exception:  # cloudpickle takes what pickle refuses
        pass
    import cloudpickle

    try:
        return Packed("cloudpickle", cloudpickle.dumps(value))
    except Exception as error:
        raise UsageError(
            f"A {type(value).__name__} can't go into a bundle: {type(error).__name__}: {str(error)[:200]}",
            hint="Register an estimator or a function that can be pickled.",
        ) from error


def unpack(packed: Packed) -> Any:
    """Return the object again; its bytes are to be trusted.

    Raises:
        UsageError: A library that it needs is missing, or it needs types that are not trusted.
    """
    try:
        if packed.form == "skops":
            return _from_skops(packed.content)
        if packed.form == "joblib":
            import joblib

            return joblib.load(io.BytesIO(packed.content))
        import pickle

        return pickle.loads(packed.content)
    except ImportError as error:
        raise UsageError(
            f"The model needs the module {error.name!r}, which is not installed here.",
            hint="Install what the bundle's requirements.txt lists.",
        ) from error
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"The model can't be loaded: {type(error).__name__}: {' '.join(str(error).split())[:200]}",
            hint="Versions of libraries may differ from those in the bundle's requirements.txt.",
        ) from error


def is_trusted(name: str) -> bool:
    """Whether a type that skops asks about holds data alone."""
    return name.startswith(_TRUSTED_PREFIXES) and not name.startswith(("builtins.eval", "builtins.exec"))


def _as_skops(value: Any) -> bytes | None:
    """The object in skops' form, if our list of types suffices to load it and nothing gets lost."""
    if "sklearn" not in sys.modules or not type(value).__module__.startswith("sklearn."):
        return None
    try:
        from skops.io import dumps, get_untrusted_types

        content = bytes(dumps(value))
        if not all(is_trusted(name) for name in get_untrusted_types(data=content)):
            return None
        _from_skops(content)
    except Exception:  # skops is not there, or does not know this kind
        return None
    return content


def _from_skops(content: bytes) -> Any:
    from skops.io import get_untrusted_types, loads

    asked = get_untrusted_types(data=content)
    refused = [name for name in asked if not is_trusted(name)]
    if refused:
        raise UsageError(f"The model has types that are not trusted: {', '.join(refused[:5])}.")
    return loads(content, trusted=asked)


def _importable(value: Any) -> bool:
    """Whether the object's own class or function is found by its module: joblib pickles by reference."""
    cls = value if callable(value) and hasattr(value, "__qualname__") else type(value)
    module = sys.modules.get(getattr(cls, "__module__", "") or "")
    found: Any = module
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls and cls.__module__ != "__main__"
