"""The lock: distributions at the versions that are in use here. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.engine.interpreter import Distribution, Interpreter
from jupyter_mlops.images.model import LockEntry, Problem, StepNeeds
from jupyter_mlops.images.needs import OURS, RUNTIME, distribution_name, is_local

__all__ = ["Lock", "make_lock"]

Hashes = Mapping[tuple[str, str], tuple[str, ...]]
_BUILDERS = ("pip", "setuptools", "wheel")


@dataclass(frozen=True)
class Lock:
    """What pip has to install.

    Args:
        entries: At exact versions, sorted by name.
        requirements: What was asked for and is not installed here, as it was written.
        needs_git: Whether something comes from a repository.
    """

    entries: tuple[LockEntry, ...]
    requirements: tuple[str, ...] = ()
    needs_git: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def hashed(self) -> bool:
        """Tell whether the hashes of all are known, so that pip can insist on them."""
        return bool(self.entries) and not self.requirements and all(entry.hashes for entry in self.entries)

    def text(self) -> str:
        """Return it as pip reads it."""
        lines = []
        for entry in self.entries:
            hashes = [f"    --hash={value}" for value in entry.hashes] if self.hashed else []
            lines.append(" \\\n".join([entry.requirement, *hashes]))
        return "".join(f"{line}\n" for line in lines)

    def names(self) -> frozenset[str]:
        """Return the names of what is in it."""
        asked = {distribution_name(item) for item in self.requirements} - {""}
        return frozenset({entry.name for entry in self.entries} | asked)


def make_lock(
    needs: Iterable[StepNeeds],
    packages: Iterable[str],
    interpreter: Interpreter,
    *,
    hashes: Hashes | None = None,
    with_runtime: bool = True,
    own_versions: Mapping[str, str] | None = None,
) -> Lock:
    """Make a lock.

    Args:
        needs: What the steps need that run in the image.
        packages: Requirements that were asked for besides.
        hashes: What is known of files, by name and version.
        with_runtime: Whether to add what running a step needs.
        own_versions: Versions of what this process has, for what the kernel's environment lacks of that.
    """
    problems: list[Problem] = []
    needs = list(needs)
    wanted, asked = _asked(packages, interpreter, problems)
    direct = {*(name for item in needs for name in item.direct), *wanted, *(RUNTIME if with_runtime else ())}
    roots = [*direct, *(name for item in needs for name in item.distributions)]
    names = {name for name in interpreter.versions(roots) if name != OURS} - {distribution_name(item) for item in asked}
    entries, needs_git, on_linux = [], False, interpreter.python.get("platform") == "linux"
    for name in sorted(names):
        item = interpreter.distributions[name]
        if is_local(item.origin):
            problems.append(_said(name, item))
            continue
        requirement = _requirement(name, item)
        needs_git |= "git+" in requirement
        marker = "" if on_linux or name in direct else _marker(name, names, interpreter)
        entries.append(LockEntry(name, requirement + marker, _hashes(name, item, hashes or {})))
        problems += _odd_version(name, item)
    for name in RUNTIME if with_runtime else ():
        if name not in interpreter.distributions and name in (own_versions or {}):
            entries.append(LockEntry(name, f"{name}=={(own_versions or {})[name]}"))
    entries.sort(key=lambda entry: entry.name)
    return Lock(tuple(entries), tuple(asked), needs_git or any("git+" in item for item in asked), tuple(problems))


def _asked(packages: Iterable[str], interpreter: Interpreter, problems: list[Problem]) -> tuple[list[str], list[str]]:
    """Split what was asked for into what is installed here, which goes by its version here, and the rest."""
    wanted, asked = [], []
    for item in dict.fromkeys(packages):
        if item.startswith(("-r ", "-e ", "./", "../", "/", "file:")):
            hint = "Install it in the notebook's environment; what the notebook imports of it is put into the image."
            problems.append(Problem("warning", f"{item!r} names files of this machine and is left out.", hint))
            continue
        name = distribution_name(item)
        installed = interpreter.distributions.get(name)
        if installed is None:
            asked.append(item)
        elif "[" not in item and _satisfies(item, installed.version):
            wanted.append(name)
        else:
            if "[" not in item:
                text = f"{item!r} is asked for; here {installed.version} is in use. The image gets what is asked for."
                problems.append(Problem("warning", text, "Install the same version here, so that results agree."))
            asked.append(item)
    return wanted, asked


def _satisfies(requirement: str, version: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(requirement).specifier.contains(version, prereleases=True)
    except InvalidRequirement:
        return False


def _requirement(name: str, item: Distribution) -> str:
    url, vcs = str(item.origin.get("url", "")), item.origin.get("vcs_info")
    folder = item.origin.get("subdirectory")
    if isinstance(vcs, Mapping) and url:
        parts = f"#subdirectory={folder}" if folder else ""
        return f"{name} @ {vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', '')}{parts}"
    if url:
        return f"{name} @ {url}"
    return f"{name}=={item.version}"


def _hashes(name: str, item: Distribution, known: Hashes) -> tuple[str, ...]:
    info: Any = item.origin.get("archive_info")
    sums = info.get("hashes") if isinstance(info, Mapping) else None
    if isinstance(sums, Mapping) and isinstance(sums.get("sha256"), str):
        return (f"sha256:{sums['sha256']}",)
    return () if item.origin else known.get((name, item.version), ())


def _marker(name: str, names: set[str], interpreter: Interpreter) -> str:
    """The condition under which all that need a distribution need it; empty if one needs it in any case.

    On another system than this one, pip leaves it out by that.
    """
    needing = [interpreter.distributions[other] for other in sorted(names) if other != name]
    needing = [item for item in needing if name in item.requires]
    markers = [item.conditions.get(name) for item in needing]
    platform = [marker for marker in markers if marker and ("platform" in marker or "os_name" in marker)]
    if not markers or len(platform) < len(markers):
        return ""
    unique = list(dict.fromkeys(platform))
    return " ; " + (unique[0] if len(unique) == 1 else " or ".join(f"({marker})" for marker in unique))


def _said(name: str, item: Distribution) -> Problem:
    if item.source is not None:
        text = f"{name} {item.version} is installed here from a folder for editing; its modules are copied as they are."
    else:
        text = f"{name} {item.version} was installed here from a local file; its installed modules are copied."
    return Problem("info", text, "Compiled parts of it must fit the image's platform.")


def _odd_version(name: str, item: Distribution) -> list[Problem]:
    if item.installer == "conda":
        text = f"{name} {item.version} was installed by conda; the package index may have no such version."
        return [Problem("warning", text, "Name an `environment` (environment.yml) in the image's settings.")]
    if "+" in item.version and not item.origin:
        text = f"{name} {item.version} does not come from the public index: that has no versions with `+`."
        return [Problem("warning", text, "Name its index in `extra_index_urls`, unless pip's configuration does.")]
    return []
