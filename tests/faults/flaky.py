"""A file system that fails on request, for fsspec: ``flaky://FOLDER``; what fails is in a file beside."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

__all__ = ["FlakyFileSystem", "register"]


class FlakyFileSystem(LocalFileSystem):
    """Local files; ``FOLDER.json`` says which operation fails how: ``{"open": "OSError"}``."""

    protocol = "flaky"
    cachable = False

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return str(LocalFileSystem._strip_protocol(str(path).removeprefix("flaky://")))

    def _may_fail(self, operation: str, path: str) -> None:
        places = [parent.with_name(f"{parent.name}.json") for parent in Path(path).parents if parent.name]
        place = next((place for place in places if place.is_file()), None)
        if place is None:
            return
        plan = json.loads(place.read_text(encoding="utf-8"))
        how = plan.get(operation)
        if how == "hang":
            time.sleep(30)
        elif how is not None:
            raise {"OSError": OSError, "ValueError": ValueError, "PermissionError": PermissionError}[how]("no luck")

    def cat_file(self, path: str, *args: Any, **kwargs: Any) -> Any:
        self._may_fail("cat", path)
        return super().cat_file(path, *args, **kwargs)

    def exists(self, path: str, **kwargs: Any) -> bool:
        self._may_fail("exists", path)
        return bool(super().exists(path, **kwargs))

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self._may_fail("makedirs", path + "/x")
        super().makedirs(path, exist_ok=exist_ok)

    def _open(self, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> Any:
        self._may_fail("write" if "w" in mode else "read", path)
        return super()._open(path, mode, *args, **kwargs)

    def mv(self, path1: str, path2: str, **kwargs: Any) -> None:
        self._may_fail("mv", path2)
        super().mv(path1, path2, **kwargs)


OPERATIONS = ("cat", "exists", "makedirs", "write", "read", "mv")


def register() -> None:
    """Let fsspec know it."""
    fsspec.register_implementation("flaky", FlakyFileSystem, clobber=True)
