"""Files and folders that a step leaves for later ones."""

from __future__ import annotations

import filecmp
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from .errors import LoadError
from .writer import HashingFile, write_atomically

__all__ = ["pack", "restore_file", "restore_folder"]

CHUNK = 8 * 1024 * 1024


def pack(source: Path, file: HashingFile) -> str:
    """Write a file's content, or a folder as a tar archive, and return the serializer's name."""
    if source.is_dir():
        _pack_folder(source, file)
        return "folder"
    with source.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            file.write(chunk)
    return "file"


def restore_file(source: Path, target: Path) -> None:
    """Put a file where the notebook expects it, at once; an identical one is left alone.

    Raises:
        LoadError: Something else is in the way, or the place cannot be written.
    """
    try:
        if target.is_dir():
            raise LoadError(f"cannot restore the file {target}: a folder of that name is in the way")
        if target.is_file() and filecmp.cmp(source, target, shallow=False):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, lambda part: _copy(source, part), fsync=False)
    except OSError as error:
        raise LoadError(f"cannot restore the file {target}: {error.strerror or error}") from None


def restore_folder(source: Path, target: Path) -> None:
    """Put a folder's files where the notebook expects them; other files in it stay.

    Raises:
        LoadError: Something else is in the way, the place cannot be written, or the archive leaves its folder.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tarfile.open(source, "r:") as archive:
            for member in archive:
                _restore_member(archive, member, target)
    except (OSError, tarfile.TarError) as error:
        raise LoadError(f"cannot restore the folder {target}: {error}") from None


def _restore_member(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    relative = Path(member.name)
    if relative.is_absolute() or ".." in relative.parts:
        raise LoadError(f"cannot restore the folder {target}: {member.name} lies outside of it")
    place = target / relative
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    content = archive.extractfile(member)
    if content is None:
        return
    place.parent.mkdir(parents=True, exist_ok=True)

    def copy(part: Path) -> None:
        with part.open("wb") as stream:
            shutil.copyfileobj(content, stream, CHUNK)

    write_atomically(place, copy, fsync=False)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:  # shutil.copy would take read-only modes along
        shutil.copyfileobj(reader, writer, CHUNK)


def _pack_folder(source: Path, file: HashingFile) -> None:
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for path in _walk(source):
            member = tarfile.TarInfo(path.relative_to(source).as_posix())
            if path.is_dir():
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
                continue
            with path.open("rb") as stream:
                member.size = os.fstat(stream.fileno()).st_size
                archive.addfile(member, stream)


def _walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder, always in the same order."""
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
