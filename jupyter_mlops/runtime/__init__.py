"""What runs inside the user's kernel: loading a step's inputs, saving its outputs.

The package stands on the standard library and what the kernel has; it is copied into kernels of
other environments as ``mlops_runtime``, so that it imports nothing else of this project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import ContextError, HandoverError, LoadError, SaveError

if TYPE_CHECKING:
    from .serializers import SERIALIZER_VERSION, read_artifact
    from .step import load, save

__all__ = [
    "SERIALIZER_VERSION",
    "ContextError",
    "HandoverError",
    "LoadError",
    "SaveError",
    "load",
    "read_artifact",
    "save",
]

_PLACES = {"SERIALIZER_VERSION": "serializers", "load": "step", "read_artifact": "serializers", "save": "step"}


def __getattr__(name: str) -> Any:
    """Import what is asked for: the engine needs other modules of this package, and needs them soon."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
