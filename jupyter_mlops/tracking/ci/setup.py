"""The file that makes a CI service run notebooks: what goes into it, and how it is written."""

from __future__ import annotations

import difflib
import itertools
import json
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from jupyter_mlops import templates
from jupyter_mlops.engine.git import ask_git
from jupyter_mlops.engine.output import write_whole
from jupyter_mlops.errors import MlopsError, UsageError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.names import nearest, printable, slugify
from jupyter_mlops.notebook.reading import read_notebook
from jupyter_mlops.tracking.ci.gates import parse_gate

__all__ = ["CiFile", "make_ci_file", "providers", "write_ci_file"]

_MOST_NOTEBOOKS = 50
_MOST_DIFFERENCES = 40
_KERNEL = "python3"
"""The kernel that is there where this package was installed with pip."""

_MARKERS = (".git",)


@dataclass(frozen=True, slots=True)
class CiFile:
    """A file for a CI service.

    Args:
        path: Where it goes, absolute.
        text: What is in it.
        notebooks: The notebooks it runs, relative to the repository.
    """

    provider: str
    path: Path
    text: str
    notebooks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A notebook in the file: its path, the path as a word of the shell, a name for its results, an option."""

    path: str
    word: str
    slug: str
    kernel: str


def providers() -> tuple[str, ...]:
    """Return the services there are templates for."""
    return tuple(sorted(folder.name for folder in _folder().iterdir() if (folder / "target").is_file()))


def make_ci_file(
    start: Path,
    provider: str,
    *,
    notebooks: Sequence[Path] = (),
    gates: Sequence[str] = (),
    branch: str | None = None,
    output: Path | None = None,
) -> CiFile:
    """Make the file; nothing is written.

    Args:
        start: A folder in the repository.
        provider: One of ``providers``.
        notebooks: What to run; by default those of the repository that have steps.
        gates: Conditions that the runs must meet.
        branch: The branch that others are merged into; by default what git says.
        output: Where the file goes instead of where the service looks for it.

    Raises:
        UsageError: There is no such provider or notebook, a gate has a mistake, or a name can't be written down.
    """
    if provider not in providers():
        near = nearest(provider, providers())
        hint = f"Did you mean {near}?" if near else f"There are: {', '.join(providers())}."
        raise UsageError(f"There is no provider {printable(provider)!r}.", hint=hint)
    for gate in gates:
        parse_gate(gate)
    root = _repository(start)
    found = [_given(root, path) for path in notebooks] or list(_with_steps(root))
    if not found:
        raise UsageError(f"No notebook with steps was found in {root}.", hint="Name one: --notebook FILE")
    main = branch or _main_branch(root)
    for text in (*(name for name, _ in found), *gates, main):
        _refuse_unwritable(text)
    folder = _folder() / provider
    target = (folder / "target").read_text(encoding="utf-8").strip()
    text = _render(folder, root, _entries(found), gates, main)
    return CiFile(provider, output or root / target, text, tuple(name for name, _ in found))


def write_ci_file(file: CiFile, *, force: bool = False) -> Literal["written", "replaced", "unchanged"]:
    """Write the file; one that is there and differs stays, unless ``force`` says otherwise.

    Raises:
        UsageError: There is another file; the message shows how it differs.
        InfrastructureError: It can't be written.
    """
    path = file.path
    try:
        before = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        before = None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}.") from None
    if before == file.text:
        return "unchanged"
    if before is not None and not force:
        raise UsageError(
            f"{path} is there already and differs:\n{_differences(before, file.text)}",
            hint="Replace it with --force, or write elsewhere with --output FILE.",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {path.parent} can't be made: {error.strerror}.") from None
    write_whole(path, file.text)
    return "written" if before is None else "replaced"


def _folder() -> Path:
    return templates.root() / "ci"


def _render(folder: Path, root: Path, entries: Sequence[_Entry], gates: Sequence[str], branch: str) -> str:
    # YAML: the filter quotes
    environment = templates.environment(folder, autoescape=False, keep_trailing_newline=True)
    environment.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)
    version = ".".join(map(str, sys.version_info[:2]))
    return environment.get_template("pipeline.yml.j2").render(
        notebooks=entries,
        gates=[shlex.quote(gate) for gate in gates],
        install=list(_install(root)),
        branch=branch,
        python=version,
    )


def _install(root: Path) -> Iterator[str]:
    """What the notebooks need, as far as files of the project tell, and this package."""
    if (root / "requirements.txt").is_file():
        yield "pip install -r requirements.txt"
    if (root / "pyproject.toml").is_file() and re.search(r"^\[project\]", _text(root / "pyproject.toml"), re.MULTILINE):
        yield "pip install ."
    yield "pip install 'jupyter-mlops[shared]'"


def _entries(found: Sequence[tuple[str, Notebook]]) -> list[_Entry]:
    entries: list[_Entry] = []
    for name, source in found:
        entry = _entry(name, source)
        used = {item.slug for item in entries}
        number = next(number for number in itertools.count(2) if f"{entry.slug}-{number}" not in used)
        entries.append(replace(entry, slug=f"{entry.slug}-{number}") if entry.slug in used else entry)
    return entries


def _entry(name: str, source: Notebook) -> _Entry:
    kernel = "" if source.kernel == _KERNEL else f" --kernel {_KERNEL}"
    word = shlex.quote(f"./{name}" if name.startswith("-") else name)
    return _Entry(name, word, slugify(name.removesuffix(".ipynb")), kernel)


# --- the repository ---------------------------------------------------------------------------------------------------


def _repository(start: Path) -> Path:
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        if any((candidate / marker).exists() for marker in _MARKERS):
            return candidate
    return folder


def _given(root: Path, path: Path) -> tuple[str, Notebook]:
    source = read_notebook(path)
    place = path.resolve()
    if not place.is_relative_to(root):
        raise UsageError(f"{printable(str(path))} is outside the repository {root}.", hint="Copy it there.")
    return place.relative_to(root).as_posix(), source


def _with_steps(root: Path) -> Iterator[tuple[str, Notebook]]:
    """The notebooks of the repository that have steps, by name."""
    found = 0
    for name in _notebook_names(root):
        try:
            source = read_notebook(root / name)
        except MlopsError:
            continue  # of another language, or broken: it was not asked for
        if any(cell.step is not None for cell in source.cells) and not _is_executed(source):
            found += 1
            yield name, source
        if found >= _MOST_NOTEBOOKS:
            return


def _is_executed(source: Notebook) -> bool:
    """Whether it is what a run has written."""
    metadata = source.raw.get("metadata", {})
    ours = metadata.get("mlops")
    return "papermill" in metadata or (isinstance(ours, dict) and "run" in ours)


def _notebook_names(root: Path) -> list[str]:
    listed = ask_git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.ipynb")
    if listed is not None:
        names = [name for name in listed.split("\0") if name]
    else:
        names = [path.relative_to(root).as_posix() for path in root.rglob("*.ipynb")]
    return sorted(name for name in names if not any(part.startswith(".") for part in name.split("/")))


def _main_branch(root: Path) -> str:
    remote = ask_git(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    if remote:
        return remote.strip().removeprefix("origin/")
    return (ask_git(root, "symbolic-ref", "--quiet", "--short", "HEAD") or "main").strip()


def _refuse_unwritable(text: str) -> None:
    """Refuse what a service would take for more than text.

    Raises:
        UsageError: It holds an expression of GitHub's, or characters that can't be shown.
    """
    if "${{" in text or printable(text) != text:
        raise UsageError(f"{printable(text)} can't be written into such a file.", hint="Rename it.")


def _differences(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), "yours", "new", lineterm="", n=1))
    shown = lines[:_MOST_DIFFERENCES]
    if len(lines) > len(shown):
        shown.append(f"... and {len(lines) - len(shown)} more lines")
    return "\n".join(shown)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
