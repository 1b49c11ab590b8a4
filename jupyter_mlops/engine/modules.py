"""Which of the project's own modules and which installed distributions some code comes down to."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mlops.engine.codescan import Scan
from jupyter_mlops.engine.filehashes import FileHashes
from jupyter_mlops.engine.interpreter import Interpreter

__all__ = ["Modules", "find_modules"]


@dataclass
class Modules:
    """What imports lead to.

    Args:
        local: Digests of the project's own files, by path in the working directory or in the module.
        distributions: Versions by name; None for a module that is not installed.
        scan: What the local files depend on in turn.
        trees: The local files, parsed.
        files: For each local file, the folder of the module path that it was found by.
    """

    local: dict[str, str] = field(default_factory=dict)
    distributions: dict[str, str | None] = field(default_factory=dict)
    scan: Scan = field(default_factory=Scan)
    trees: list[ast.Module] = field(default_factory=list)
    files: dict[Path, Path] = field(default_factory=dict)


def find_modules(
    names: Iterable[str], cwd: Path, roots: Sequence[str], interpreter: Interpreter, hashes: FileHashes
) -> Modules:
    """Follow imports through the project's own modules down to distributions.

    Args:
        names: Top-level modules.
        cwd: The kernel's working directory, where modules are looked for first.
        roots: Folders that the notebook adds to the module path.

    Raises:
        UnknownContentError: A module of the project can't be read.
    """
    found = Modules()
    providers: set[str] = set()
    waiting, seen = sorted(names), set[str]()
    places = [str(cwd), *(str(cwd / root) for root in roots), *interpreter.paths]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        entry = _find(name, places)
        owners = interpreter.providers(name)
        if entry is not None and _is_standard(name, entry, interpreter):
            continue
        if entry is None and name in interpreter.standard:
            continue
        providers.update(owners)
        source = next((item for owner in owners if (item := interpreter.distributions[owner].source)), None)
        if entry is not None and not (owners and str(entry.parent) in interpreter.folders):
            waiting += _take(entry, entry.name, entry.parent, cwd, found, hashes)
        elif source is not None:
            waiting += _take(Path(source), owners[0], _import_root(Path(source), name), cwd, found, hashes)
        elif not owners:
            found.distributions[name] = None
    found.distributions.update(interpreter.versions(providers))
    return found


def _find(name: str, places: Sequence[str]) -> Path | None:
    for place in places:
        folder = Path(place)
        package = folder / name
        if (package / "__init__.py").is_file():
            return package
        if (module := folder / f"{name}.py").is_file():
            return module
        compiled = next(iter(sorted(folder.glob(f"{name}.*.so"))), None) or next(
            iter(folder.glob(f"{name}.*pyd")), None
        )
        if compiled is not None:
            return compiled
        if package.is_dir() and any(package.rglob("*.py")):
            return package
    return None


def _is_standard(name: str, entry: Path, interpreter: Interpreter) -> bool:
    library = Path(interpreter.library)
    return name in interpreter.standard and entry.parent in (library, library / "lib-dynload")


def _import_root(source: Path, name: str) -> Path:
    """The folder of an editable installation's source that holds a module."""
    place = _find(name, [str(source / "src"), str(source)])
    return source if place is None else place.parent


def _take(entry: Path, name: str, root: Path, cwd: Path, found: Modules, hashes: FileHashes) -> list[str]:
    """Note a local module's files; return what they import.

    Args:
        name: What stands for the module's own place, which is another one on other machines.
        root: The folder of the module path that it is found by.
    """
    before = set(found.scan.imports)
    for path in hashes.files_of(entry) if entry.is_dir() else [entry]:
        label = path.relative_to(cwd) if path.is_relative_to(cwd) else Path(name, path.relative_to(entry))
        found.local[label.as_posix()] = hashes.file(path)
        found.files[path] = root
        if path.suffix == ".py" and (tree := _parse(path)) is not None:
            found.scan.add(tree)
            found.trees.append(tree)
    return sorted(found.scan.imports - before)


def _parse(path: Path) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
        return None
