"""What runs inside the user's kernel: loading a step's inputs, saving its outputs.

The package stands on the standard library and what the kernel has; it is copied into kernels of
other environments as ``mlops_runtime``, so that it imports nothing else of this project.
"""

from __future__ import annotations

from .errors import ContextError, HandoverError, LoadError, SaveError
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
