from __future__ import annotations

import io
import tarfile

import pytest

from jupyter_mlops.runtime import LoadError
from jupyter_mlops.runtime.files import pack, restore_file, restore_folder
from jupyter_mlops.runtime.writer import HashingFile


def packed(source, path):
    with HashingFile(path, fsync=False) as file:
        return pack(source, file), file.digest


def test_an_identical_file_is_left_alone(tmp_path):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"x")
    restore_file(source, target)
    before = target.stat()
    restore_file(source, target)
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    source.write_bytes(b"y")
    restore_file(source, target)
    assert target.read_bytes() == b"y"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_restored_file_can_be_written(tmp_path):
    source = tmp_path / "object"
    source.write_bytes(b"x")
    source.chmod(0o444)
    restore_file(source, tmp_path / "f")
    (tmp_path / "f").write_bytes(b"new")
    assert source.read_bytes() == b"x"


def test_something_in_the_way(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(LoadError, match="in the way"):
        restore_file(tmp_path / "a", tmp_path / "folder")
    with pytest.raises(LoadError, match="cannot restore"):
        restore_file(tmp_path / "a", tmp_path / "a" / "below")


def test_folders(tmp_path):
    source = tmp_path / "data"
    (source / "ü" / "empty").mkdir(parents=True)
    (source / "ü" / "part 1").write_bytes(b"1" * 100_000)
    (source / "b").write_bytes(b"2")
    kind, digest = packed(source, tmp_path / "packed")
    assert kind == "folder"
    target = tmp_path / "restored"
    target.mkdir()
    (target / "other").write_bytes(b"stays")
    restore_folder(tmp_path / "packed", target)
    assert (target / "ü" / "part 1").read_bytes() == b"1" * 100_000
    assert (target / "ü" / "empty").is_dir()
    assert (target / "other").read_bytes() == b"stays"
    (target / "other").unlink()
    assert packed(target, tmp_path / "again") == (kind, digest)


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped"])
def test_an_archive_cannot_leave_its_folder(tmp_path, name):
    with tarfile.open(tmp_path / "evil", "w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(LoadError, match="lies outside"):
        restore_folder(tmp_path / "evil", tmp_path / "target")


def test_a_damaged_archive(tmp_path):
    (tmp_path / "packed").write_bytes(b"not a tar archive" * 100)
    with pytest.raises(LoadError, match="cannot restore the folder"):
        restore_folder(tmp_path / "packed", tmp_path / "target")
