"""Checks that a notebook's JSON has the shape of nbformat 4, and says where it has not."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.errors import NotebookError
from jupyter_mlops.notebook.names import printable

__all__ = ["check_shape", "check_version", "kernel_and_language"]

_KINDS = ("code", "markdown", "raw")
_PYTHON = ("python", "python3", "ipython", "ipython3")
# kernels whose name gives their language away where the metadata don't
_OTHER_KERNELS = {
    "ir": "R",
    "julia": "Julia",
    "bash": "Bash",
    "scala": "Scala",
    "almond": "Scala",
    "deno": "TypeScript",
    "javascript": "JavaScript",
    "octave": "Octave",
    "sos": "SoS",
    "xcpp": "C++",
}
_DEFAULT_KERNEL = "python3"
_MEND = "Mend that in a text editor, or restore the file from a checkpoint or from version control."
_LAB = "A notebook is a .ipynb file, as JupyterLab saves it."


def check_version(raw: object, shown: str) -> None:
    """Refuse what is not a notebook of nbformat 4.

    Args:
        raw: The JSON.
        shown: How the notebook is called in messages.

    Raises:
        NotebookError: If it is something else, or of another major version.
    """
    if not isinstance(raw, Mapping):
        raise NotebookError(f"{shown} is not a notebook: its JSON is {_json_type(raw)}, not an object.", hint=_LAB)
    version = raw.get("nbformat")
    if version is None:
        raise NotebookError(f"{shown} is not a notebook: it has no `nbformat`.", hint=_LAB)
    if type(version) is not int:
        raise NotebookError(
            f"{shown} is not a notebook: `nbformat` is {_json_type(version)}, not a whole number.", hint=_MEND
        )
    if version < 4:
        hint = f"Convert it: jupyter nbconvert --to notebook --nbformat 4 {shlex.quote(shown)}"
        raise NotebookError(f"{shown} is in nbformat {version}; 4 is needed.", hint=hint)
    if version > 4:
        hint = "A newer version of jupyter_mlops may know it; or save the notebook as nbformat 4."
        raise NotebookError(f"{shown} is in nbformat {version}, which is not known; 4 is needed.", hint=hint)
    if type(raw.get("nbformat_minor", 0)) is not int:
        raise _misshapen(shown, "nbformat_minor", "a whole number", raw["nbformat_minor"])


def check_shape(raw: Mapping[str, Any], shown: str) -> None:
    """Check what is read of a notebook; outputs are not looked at.

    Args:
        raw: The JSON of a notebook of nbformat 4.
        shown: How the notebook is called in messages.

    Raises:
        NotebookError: With the path of the field that is wrong, such as ``cells[3].metadata.tags``.
    """
    _check_object(raw.get("metadata", {}), "metadata", shown)
    if "cells" not in raw:
        raise NotebookError(f"{shown} is not a valid notebook: `cells` is missing.", hint=_MEND)
    if not isinstance(raw["cells"], list):
        raise _misshapen(shown, "cells", "a list", raw["cells"])
    for index, cell in enumerate(raw["cells"]):
        _check_cell(cell, f"cells[{index}]", shown)


def kernel_and_language(metadata: Mapping[str, Any], shown: str) -> tuple[str, str]:
    """Return the name of the kernelspec, and the language in lower case.

    Args:
        metadata: The notebook's, checked.
        shown: How the notebook is called in messages.

    Returns:
        ``python3`` and ``python`` where the notebook says nothing.

    Raises:
        NotebookError: If the kernel is not Python's.
    """
    kernelspec = _section(metadata, "kernelspec", shown)
    info = _section(metadata, "language_info", shown)
    name = _string_field(kernelspec, "name", "metadata.kernelspec", shown) or _DEFAULT_KERNEL
    language = _string_field(kernelspec, "language", "metadata.kernelspec", shown)
    language = language or _string_field(info, "name", "metadata.language_info", shown)
    language = language or _language_of_kernel(name)
    if language.lower() not in _PYTHON:
        title = _string_field(kernelspec, "display_name", "metadata.kernelspec", shown) or name
        which = f"`{printable(name)}`" + (f" ({printable(title)})" if title != name else "")
        message = f"{shown} runs on the kernel {which}, whose language is {printable(language)}; Python is needed."
        raise NotebookError(message, hint="Choose a Python kernel in JupyterLab and save the notebook.")
    return name, "python"


def _check_cell(cell: object, path: str, shown: str) -> None:
    if not isinstance(cell, Mapping):
        raise _misshapen(shown, path, "an object", cell)
    kind = cell.get("cell_type")
    if kind not in _KINDS:
        expected = "`code`, `markdown` or `raw`"
        message = f"{shown} is not a valid notebook: `{path}.cell_type` is {kind!r}, not {expected}."
        raise NotebookError(message, hint=_MEND)
    if "source" not in cell:
        raise NotebookError(f"{shown} is not a valid notebook: `{path}.source` is missing.", hint=_MEND)
    _check_text(cell["source"], f"{path}.source", shown)
    metadata = cell.get("metadata", {})
    _check_object(metadata, f"{path}.metadata", shown)
    _check_tags(metadata.get("tags", []), f"{path}.metadata.tags", shown)
    if kind == "code" and not isinstance(cell.get("outputs", []), list):
        raise _misshapen(shown, f"{path}.outputs", "a list", cell["outputs"])


def _check_tags(tags: object, path: str, shown: str) -> None:
    if not isinstance(tags, list):
        raise _misshapen(shown, path, "a list", tags)
    for index, tag in enumerate(tags):
        if not isinstance(tag, str):
            raise _misshapen(shown, f"{path}[{index}]", "a string", tag)


def _check_text(value: object, path: str, shown: str) -> None:
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        raise _misshapen(shown, path, "a string or a list of strings", value)
    for index, line in enumerate(value):
        if not isinstance(line, str):
            raise _misshapen(shown, f"{path}[{index}]", "a string", line)


def _check_object(value: object, path: str, shown: str) -> None:
    if not isinstance(value, Mapping):
        raise _misshapen(shown, path, "an object", value)


def _section(metadata: Mapping[str, Any], key: str, shown: str) -> Mapping[str, Any]:
    section = metadata.get(key, {})
    _check_object(section, f"metadata.{key}", shown)
    found: Mapping[str, Any] = section
    return found


def _string_field(section: Mapping[str, Any], key: str, path: str, shown: str) -> str:
    value = section.get(key, "")
    if not isinstance(value, str):
        raise _misshapen(shown, f"{path}.{key}", "a string", value)
    return value.strip()


def _language_of_kernel(name: str) -> str:
    stem = name.lower().split("-")[0]
    known = (language for prefix, language in _OTHER_KERNELS.items() if stem.rstrip("0123456789.") == prefix)
    return next(known, "python")


def _misshapen(shown: str, path: str, expected: str, value: object) -> NotebookError:
    message = f"{shown} is not a valid notebook: `{path}` must be {expected}, not {_json_type(value)}."
    return NotebookError(message, hint=_MEND)


def _json_type(value: object) -> str:
    names = {"NoneType": "null", "bool": "a boolean", "int": "a number", "float": "a number", "str": "a string"}
    return names.get(type(value).__name__, "a list" if isinstance(value, list) else "an object")
