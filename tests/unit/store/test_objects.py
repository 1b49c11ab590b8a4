import errno
import io
import os
import stat
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.store import objects
from jupyter_mlops.store.objects import ObjectStore, hash_bytes, hash_file


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def every_file(store: ObjectStore) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


def test_an_object_is_named_by_the_blake3_of_its_bytes(store: ObjectStore) -> None:
    digest = store.put_bytes(b"abc")
    assert digest == blake3(b"abc").hexdigest()
    assert store.path(digest) == store.root / digest[:2] / digest[2:]
    with store.open(digest) as file:
        assert file.read() == b"abc"
    assert store.size(digest) == 3


@given(content=st.binary(max_size=300))
@settings(max_examples=30)
def test_whatever_is_put_is_found_again(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    store = ObjectStore(tmp_path_factory.mktemp("store"))
    digest = store.put_bytes(content)
    assert store.has(digest) and store.verify(digest)
    assert store.path(digest).read_bytes() == content
    assert list(store) == [digest]


def test_a_large_file_is_hashed_in_pieces_and_moved(store: ObjectStore, tmp_path: Path) -> None:
    content = os.urandom(1 << 20) * 9 + b"rest"
    source = tmp_path / "large"
    source.write_bytes(content)
    assert hash_file(source) == hash_bytes(content) == blake3(content).hexdigest()
    digest = store.put_file(source)
    assert digest == hash_bytes(content)
    assert not source.exists()
    assert store.verify(digest)


def test_a_kept_file_stays_and_may_change_without_harm(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "data.csv"
    source.write_bytes(b"a,b\n")
    digest = store.put_file(source, keep=True)
    source.write_bytes(b"changed")
    assert store.path(digest).read_bytes() == b"a,b\n"


def test_objects_are_read_only_and_equal_contents_are_one(store: ObjectStore, tmp_path: Path) -> None:
    digest = store.put_bytes(b"same")
    source = tmp_path / "same"
    source.write_bytes(b"same")
    assert store.put_file(source) == store.put_bytes(b"same") == store.put_file(store.path(digest), keep=True) == digest
    after = store.path(digest).stat()
    assert store.verify(digest) and list(store) == [digest]
    assert stat.S_IMODE(after.st_mode) == 0o444
    assert not source.exists()


@pytest.mark.parametrize("how", ["bytes", "move", "copy", "copy of known digest"])
def test_putting_replaces_a_damaged_object(store: ObjectStore, tmp_path: Path, how: str) -> None:
    digest = store.put_bytes(b"whole")
    store.path(digest).chmod(0o644)
    store.path(digest).write_bytes(b"hwole")
    source = tmp_path / "source"
    source.write_bytes(b"whole")
    if how == "bytes":
        store.put_bytes(b"whole")
    else:
        store.put_file(source, None if how == "copy" else digest, keep=how != "move")
    assert store.verify(digest)


def test_putting_again_marks_an_object_as_used(store: ObjectStore) -> None:
    digest = store.put_bytes(b"old")
    os.utime(store.path(digest), (1, 1))
    store.put_bytes(b"old")
    assert store.path(digest).stat().st_mtime > 1


def test_flipped_and_shortened_objects_are_found_out(store: ObjectStore) -> None:
    flipped, shortened = store.put_bytes(b"x" * 1000), store.put_bytes(b"y" * 1000)
    for digest, content in ((flipped, b"x" * 999 + b"z"), (shortened, b"y" * 999)):
        store.path(digest).chmod(0o644)
        store.path(digest).write_bytes(content)
    assert not store.verify(flipped) and not store.verify(shortened)
    assert not store.verify(hash_bytes(b"never put"))
    store.put_bytes(b"y" * 1000)
    assert store.verify(shortened), "an object of the wrong size is replaced"
    store.delete(flipped)
    store.put_bytes(b"x" * 1000)
    assert store.verify(flipped)


@pytest.mark.parametrize("moment", ["write", "fsync", "rename"])
def test_a_failure_at_any_point_leaves_no_object(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch, moment: str, tmp_path: Path
) -> None:
    store.put_bytes(b"there before")
    seen: list[Path] = []

    def fail(*_: object, **__: object) -> None:
        seen.extend(store.root / digest[:2] / digest[2:] for digest in store)
        raise OSError(errno.ENOSPC, "No space left on device")

    if moment == "write":
        monkeypatch.setattr(objects, "_transfer", fail)
    else:
        monkeypatch.setattr(*((os, "fsync", fail) if moment == "fsync" else (Path, "replace", fail)))
    source = tmp_path / "source"
    source.write_bytes(b"new")
    with pytest.raises(InfrastructureError, match="full"):
        store.put_file(source, keep=True)
    assert [path.name for path in seen] == [hash_bytes(b"there before")[2:]]
    monkeypatch.undo()
    assert [path.read_bytes() for path in every_file(store)] == [b"there before"]
    assert source.read_bytes() == b"new"


def test_a_temporary_file_of_a_killed_process_is_no_object(store: ObjectStore) -> None:
    digest = store.put_bytes(b"whole")
    left = store.root / "tmp" / "0123456789abcdef"
    left.write_bytes(b"par")
    assert list(store) == [digest] and store.temporary_files() == [left]


def test_a_file_of_another_file_system_is_copied(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "elsewhere"
    source.write_bytes(b"far")
    replace = Path.replace

    def across(self: Path, target: Path) -> Path:
        if self == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", across)
    digest = store.put_file(source)
    assert store.verify(digest) and not source.exists()


def test_copying_out_replaces_whole_files_only(store: ObjectStore, tmp_path: Path) -> None:
    digest = store.put_bytes(b"restored")
    target = tmp_path / "new folder" / "out.csv"
    store.copy_to(digest, target)
    store.copy_to(digest, target)
    assert target.read_bytes() == b"restored"
    assert os.access(target, os.W_OK)
    with pytest.raises(InfrastructureError, match="missing"):
        store.copy_to(hash_bytes(b"no"), target)
    assert [path.name for path in target.parent.iterdir()] == ["out.csv"]


def test_delete_and_wrong_names(store: ObjectStore) -> None:
    digest = store.put_bytes(b"gone")
    assert store.delete(digest) and not store.delete(digest) and not store.has(digest)
    with pytest.raises(ValueError, match="not a digest"):
        store.path("../../etc/passwd")
    assert list(ObjectStore(store.root / "nowhere")) == []
    assert isinstance(store.open(store.put_bytes(b"")), io.BufferedReader)
