"""Does a name hold here what it held in a run?"""

from __future__ import annotations

import ast
import inspect
import secrets
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlops.notebook.magics import python_source
from jupyter_mlops.store.records import ArtifactRecord

if TYPE_CHECKING:
    from jupyter_mlops.tracking.values import RunReader

__all__ = ["holds_code", "holds_content"]

_MOST_BYTES = 200_000_000
"""A larger value is not written out to be compared."""


def holds_content(namespace: Mapping[str, Any], record: ArtifactRecord, reader: RunReader) -> bool:
    """Tell whether an artifact's names hold what it has: written out in the same way, they give its digest.

    What can't be told counts as something else.
    """
    from jupyter_mlops.runtime.serializers import choose
    from jupyter_mlops.runtime.usercode import UserCode
    from jupyter_mlops.runtime.writer import HashingFile

    if record.bytes > _MOST_BYTES or not all(name in namespace for name in record.names):
        return False
    pipeline = reader.pipeline
    code = frozenset(name for item in (pipeline.artifacts if pipeline else ()) for name in item.code)
    user = UserCode(dict(namespace), code, f"{reader.run.pipeline}/{record.step}")
    values = tuple(namespace[name] for name in record.names)
    path = reader.home.tmp / f"compare-{secrets.token_hex(8)}"
    try:
        serializer = choose(values)
        with HashingFile(path, fsync=False) as file:
            serializer.write(file, values, user)
        return serializer.name == record.serializer and file.digest == record.digest
    except Exception:  # whatever user's classes do when they are pickled
        return False
    finally:
        path.unlink(missing_ok=True)


def holds_code(value: Any, name: str, source: str) -> bool:
    """Tell whether a value is what statements of the notebook bind to its name, without running them."""
    if isinstance(value, types.ModuleType):
        return True  # an import gives it again
    if isinstance(value, (types.FunctionType, type)) and value.__module__ == "__main__":
        return _definition(_source_of(value), name) == _definition(source, name) is not None
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)):
        return True
    literal = _literal(source, name)
    return literal is not None and type(literal[0]) is type(value) and bool(literal[0] == value)


def _source_of(value: Any) -> str:
    try:
        return inspect.cleandoc("\n" + inspect.getsource(value))
    except (OSError, TypeError):
        return ""


def _definition(source: str, name: str) -> str | None:
    """The last definition of a function or class, without its layout."""
    found = None
    for node in _body(source):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
            found = ast.dump(node)
    return found


def _literal(source: str, name: str) -> tuple[Any] | None:
    found: tuple[Any] | None = None
    for node in _body(source):
        if isinstance(node, ast.Assign) and any(
            isinstance(item, ast.Name) and item.id == name for item in node.targets
        ):
            try:
                found = (ast.literal_eval(node.value),)
            except (ValueError, SyntaxError):
                return None
    return found


def _body(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(python_source(source).text).body
    except (SyntaxError, ValueError, RecursionError):
        return []
