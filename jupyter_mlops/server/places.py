"""Paths of requests: below the contents root, or refused."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_mlops.server.problems import RequestProblem

__all__ = ["Places"]


class Places:
    """Knows what lies below the contents root.

    Args:
        root: The contents root.
        allow_hidden: Whether files and folders that begin with a dot may be named, as the contents manager has it.
    """

    def __init__(self, root: Path, *, allow_hidden: bool = False) -> None:
        self.root = root.expanduser().resolve()
        self._allow_hidden = allow_hidden

    def resolve(self, path: str | None) -> Path:
        """Return the file or folder that a request names; it need not exist.

        Raises:
            RequestProblem: It is not below the root, also by a link, or hidden.
        """
        text = (path or "").strip("/")
        if "\0" in text or ("\\" in text and os.sep == "\\"):
            raise _refused(text)
        parts = [part for part in text.split("/") if part not in ("", ".")]
        if ".." in parts or (parts and (Path(parts[0]).is_absolute() or Path(parts[0]).drive)):
            raise _refused(text)
        if not self._allow_hidden and any(part.startswith(".") for part in parts):
            raise RequestProblem("no-such-path", f"{text} is hidden, and this server does not show hidden files.")
        try:
            place = self.root.joinpath(*parts)
            real = place.resolve()
            place.exists()
        except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a name that is too long
            raise RequestProblem("no-such-path", f"{text[:100]} is no path: {type(error).__name__}.") from error
        if not real.is_relative_to(self.root):
            raise _refused(text)
        return place

    def notebook(self, path: str) -> Path:
        """Return the notebook's file that a request names.

        Raises:
            RequestProblem: It is not below the root, hidden, or not there.
        """
        place = self.resolve(path)
        if not place.is_file():
            raise RequestProblem(
                "no-such-path", f"There is no file {path}.", hint="Save the notebook first.", field="path"
            )
        return place

    def folder(self, path: str | None) -> Path:
        """Return the folder that a path lies in, or is."""
        place = self.resolve(path)
        return place if place.is_dir() else place.parent

    def relative(self, place: Path) -> str | None:
        """Return a place as a path below the root; None if it is not below it."""
        try:
            return place.resolve().relative_to(self.root).as_posix().removeprefix(".")
        except (OSError, ValueError):
            return None


def _refused(text: str) -> RequestProblem:
    return RequestProblem(
        "no-such-path",
        f"{text[:200]} is not below the server's root.",
        hint="Start Jupyter in a folder that holds it.",
        field="path",
    )
