"""Spares this program's own process what the libraries of a run import and a run never uses.

Importing jsonschema, which nbformat needs, builds a grammar of international web addresses in 2.5 s of processor time
wherever its optional packages are installed, as they are beside JupyterLab. No schema of nbformat has addresses,
durations or other formats in it. Papermill imports Arrow to read notebooks from Hadoop. Both libraries do without
what is not installed, so while exactly they are being imported, it is not.

For the command line alone: other programs that import this package may want it all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["needless_imports_left_out"]

_NEEDLESS: Mapping[str, str] = {
    "isoduration": "jsonschema._format",
    "rfc3986_validator": "jsonschema._format",
    "rfc3987_syntax": "jsonschema._format",
    "pyarrow": "papermill.iorw",
}
"""For each module the one that asks for it."""


class _Finder:
    """Does not find what is needless."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = getattr(sys.modules.get(_NEEDLESS.get(name, "")), "__spec__", None)
        if getattr(spec, "_initializing", False):  # the module that asks is just being imported
            raise ModuleNotFoundError(f"{name} is left out, it is not needed here", name=name)
        return None


@contextmanager
def needless_imports_left_out() -> Iterator[None]:
    """Leave them out while the context is open."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
