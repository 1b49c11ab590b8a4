"""The templates that generated files come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment", "root"]


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


def environment(folder: Path, *, autoescape: bool, **options: Any) -> Environment:
    """Return what reads the templates of a folder: an unknown name is an error, lines of control leave nothing behind.

    Args:
        autoescape: Whether texts are escaped for HTML and XML.
        options: More of Jinja's.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
