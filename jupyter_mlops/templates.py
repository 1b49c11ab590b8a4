"""Where the templates are that generated files come from."""

from __future__ import annotations

from pathlib import Path

__all__ = ["root"]


def root() -> Path:
    """Return the folder of the templates: the one in the installed package, else the checkout's.

    Raises:
        FileNotFoundError: The installation has neither.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_templates", package.parent / "templates"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"The templates are missing beside {package}; install jupyter_mlops again.")
