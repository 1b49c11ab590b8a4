"""Content-addressed files: each object is named by the BLAKE3 digest of its bytes.

An object appears under its name whole or not at all: it is written under a temporary name on the same file system,
synced, renamed, and the folder is synced. Objects are read-only; equal contents are one object.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NewType

from blake3 import blake3

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.runtime.failpoints import reach

__all__ = ["Digest", "ObjectStore", "hash_bytes", "hash_file"]

Digest = NewType("Digest", str)
"""BLAKE3 of the content, 64 lower-case hexadecimal digits."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 4 << 20
_MANY_THREADS = 1 << 20


def hash_bytes(content: bytes | memoryview) -> Digest:
    """Return the digest of some bytes."""
    return Digest(_hasher(len(content)).update(content).hexdigest())


def hash_file(path: Path) -> Digest:
    """Return the digest of a file's content; the file may be larger than memory, and may change meanwhile."""
    with path.open("rb") as source:
        return _transfer(source, None)


class ObjectStore:
    """A folder of objects that several processes may use at once.

    Args:
        root: The folder; made when the first object is put.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._temporary = self.root / "tmp"

    def path(self, digest: str) -> Path:
        """Return where the object is, or would be. ValueError for what is not a digest."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"not a digest: {digest!r}")
        return self.root / digest[:2] / digest[2:]

    def has(self, digest: str) -> bool:
        """Tell whether the object is there; its content is not looked at."""
        return self.path(digest).is_file()

    def size(self, digest: str) -> int:
        """Return the object's size in bytes."""
        return self.path(digest).stat().st_size

    def open(self, digest: str) -> BinaryIO:
        """Open an object for reading.

        Raises:
            InfrastructureError: It is not there.
        """
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError as error:
            raise InfrastructureError(
                f"The object {digest[:12]} is missing from {self.root}.", hint="Run again: it is recomputed."
            ) from error

    def verify(self, digest: str) -> bool:
        """Tell whether the object is there and its content is what its name says."""
        try:
            return hash_file(self.path(digest)) == digest
        except OSError:
            return False

    def put_bytes(self, content: bytes) -> Digest:
        """Store some bytes.

        Raises:
            InfrastructureError: The disk is full or failed.
        """
        digest = hash_bytes(content)
        with self._errors():
            if not self._whole(digest):
                with self._temporary_file() as (temporary, target):
                    target.write(content)
                    self._publish(temporary, target, digest)
        return digest

    def put_file(self, path: Path, digest: str | None = None, *, keep: bool = False) -> Digest:
        """Store a file's content.

        Args:
            path: The file; it is moved into the store, at no cost where it is on the same file system.
            digest: Its digest, where the caller has just computed it; it is not checked.
            keep: Leave the file where it is and store a copy.

        Raises:
            InfrastructureError: The disk is full or failed.
        """
        with self._errors():
            if keep:
                return self._copy(path, digest)
            known = Digest(digest) if digest else hash_file(path)
            try:
                # Also over an object of that name: it costs nothing, and the one that is there may be damaged.
                self._move(path, known)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                known = self._copy(path, None)
                path.unlink()
            return known

    def put_chunks(self, chunks: Iterable[bytes], digest: str) -> bool:
        """Store content that comes from elsewhere, if it is what its digest says; return whether it is.

        Raises:
            InfrastructureError: The disk is full or failed.
        """
        hasher = _hasher(_MANY_THREADS)
        with contextlib.ExitStack() as stack:
            with self._errors():
                temporary, target = stack.enter_context(self._temporary_file())
            for chunk in chunks:  # an error in there is the caller's
                hasher.update(chunk)
                with self._errors():
                    target.write(chunk)
            if hasher.hexdigest() != digest:
                return False
            with self._errors():
                self._publish(temporary, target, Digest(digest))
        return True

    def copy_to(self, digest: str, target: Path) -> None:
        """Write an object's content to a file of the user's, whole or not at all; folders are made as needed."""
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
        try:
            with self.open(digest) as source, temporary.open("xb") as copy:
                shutil.copyfileobj(source, copy, _CHUNK)
            reach("restored.written")
            temporary.replace(target)
            reach("restored.renamed")
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def delete(self, digest: str) -> bool:
        """Remove an object; return whether it was there."""
        path = self.path(digest)
        try:
            if os.name == "nt":
                path.chmod(0o666)
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    def digests(self) -> Iterator[Digest]:
        """Go through all objects, in the order of their digests."""
        if not self.root.is_dir():
            return
        for folder in sorted(self.root.iterdir()):
            if len(folder.name) == 2 and folder.is_dir():
                for path in sorted(folder.iterdir()):
                    if _DIGEST.fullmatch(folder.name + path.name):
                        yield Digest(folder.name + path.name)

    __iter__ = digests

    def temporary_files(self) -> list[Path]:
        """List what is being written, or was left by a killed process."""
        return sorted(self._temporary.iterdir()) if self._temporary.is_dir() else []

    def touch(self, digest: str) -> None:
        """Mark an object as used now, which spares it from clean-up."""
        with contextlib.suppress(OSError):  # another member's object in a shared store
            os.utime(self.path(digest))

    def _whole(self, digest: Digest) -> bool:
        """Whether a whole object is there already; if so it is marked as used."""
        self.touch(digest)
        return self.verify(digest)

    def _copy(self, path: Path, digest: str | None) -> Digest:
        if digest and self._whole(Digest(digest)):
            return Digest(digest)
        with path.open("rb") as source, self._temporary_file() as (temporary, target):
            found = _transfer(source, target)
            if not self._whole(found):
                self._publish(temporary, target, found)
        return found

    def _move(self, path: Path, digest: Digest) -> None:
        # Windows syncs only what is open for writing; elsewhere the file may be read-only already.
        with path.open("rb+" if os.name == "nt" else "rb") as file:
            os.fsync(file.fileno())
        self._rename(path, digest)

    @contextlib.contextmanager
    def _temporary_file(self) -> Iterator[tuple[Path, BinaryIO]]:
        self._temporary.mkdir(parents=True, exist_ok=True)
        path = self._temporary / secrets.token_hex(8)
        try:
            with path.open("xb") as file:
                reach("object.opened")
                yield path, file
        finally:
            path.unlink(missing_ok=True)

    def _publish(self, temporary: Path, file: BinaryIO, digest: Digest) -> None:
        file.flush()
        reach("object.written")
        os.fsync(file.fileno())
        file.close()
        reach("object.synced")
        self._rename(temporary, digest)

    def _rename(self, source: Path, digest: Digest) -> None:
        target = self.path(digest)
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync_folder(self.root)
        source.chmod(0o444)
        try:
            source.replace(target)
        except PermissionError:
            # Windows refuses while another process reads the object, which is then there already.
            if os.name != "nt" or not target.is_file():
                raise
            source.chmod(0o666)
            source.unlink()
        reach("object.renamed")
        _sync_folder(target.parent)
        reach("object.stored")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
                raise InfrastructureError(
                    f"The disk of {self.root} is full.", hint="Free some space and run again: finished steps are kept."
                ) from error
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise UsageError(f"The object store {self.root} can't be written: {error}.") from error
            raise InfrastructureError(f"The object store {self.root} failed: {error}.") from error


def _hasher(size: int) -> blake3:
    return blake3(max_threads=blake3.AUTO if size >= _MANY_THREADS else 1)


def _transfer(source: BinaryIO, target: BinaryIO | None) -> Digest:
    """Hash what is left of ``source``, and write it to ``target``, piece by piece."""
    size = os.fstat(source.fileno()).st_size
    hasher = _hasher(size)
    buffer = memoryview(bytearray(min(_CHUNK, max(size, 1 << 16))))
    # Reading, not mapping: a mapped file that another program shortens would kill this process.
    while count := source.readinto(buffer):  # type: ignore[attr-defined]
        hasher.update(buffer[:count])
        if target is not None:
            target.write(buffer[:count])
    return Digest(hasher.hexdigest())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # folders can't be opened there, and renames are journaled
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise  # some network file systems can't sync a folder
    finally:
        os.close(descriptor)
