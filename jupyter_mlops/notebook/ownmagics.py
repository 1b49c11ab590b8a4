"""This project's own magics: they are for the live notebook, and do nothing when it runs as a pipeline."""

from __future__ import annotations

import re

__all__ = ["EXTENSION", "OWN_MAGIC", "is_own_magic"]

OWN_MAGIC = "mlops"
EXTENSION = "jupyter_mlops"
_LOADERS = ("load_ext", "reload_ext", "unload_ext")
_WORDS = re.compile(r"\s+")


def is_own_magic(name: str, arguments: str) -> bool:
    """Tell whether a line magic is ``%mlops``, or ``%load_ext jupyter_mlops``."""
    if name in _LOADERS:
        return _WORDS.split(arguments.partition("#")[0].strip()) == [EXTENSION]
    return name == OWN_MAGIC
