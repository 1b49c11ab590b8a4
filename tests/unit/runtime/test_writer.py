from __future__ import annotations

import os

import numpy as np
import pytest

from jupyter_mlops.runtime import writer
from jupyter_mlops.runtime.writer import HashingFile, write_atomically, write_json


def test_pieces_of_any_size_and_kind(tmp_path):
    blake3 = pytest.importorskip("blake3").blake3
    pieces = [
        b"",
        b"x",
        bytearray(b"yz"),
        memoryview(np.arange(5)),
        np.zeros((2, 3)),
        np.ones(3 * writer.CHUNK // 8 + 5),
    ]
    with HashingFile(tmp_path / "f") as file:
        for piece in pieces:
            file.write(piece)
        file.pad(64)
    content = b"".join(bytes(memoryview(piece).cast("B")) if len(memoryview(piece)) else b"" for piece in pieces)
    content += bytes(-len(content) % 64)
    assert (tmp_path / "f").read_bytes() == content
    assert file.size == len(content)
    assert file.digest == blake3(content).hexdigest()


def test_memory_of_small_pieces_may_be_used_again_at_once(tmp_path):
    blake3 = pytest.importorskip("blake3").blake3
    buffer = bytearray(1000)
    with HashingFile(tmp_path / "f") as file:
        file.write(bytes(2 * writer.CHUNK))
        for number in range(50):
            buffer[:] = bytes([number]) * 1000
            file.write(buffer)
            file.write(bytes(writer.CHUNK))
    assert file.digest == blake3((tmp_path / "f").read_bytes()).hexdigest()


@pytest.mark.skipif(not hasattr(os, "fdatasync"), reason="there is nothing to force to disk early with")
def test_the_disk_begins_early_and_its_errors_are_not_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "SYNC_EVERY", writer.CHUNK)
    synced = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    with HashingFile(tmp_path / "f") as file:
        file.write(bytes(3 * writer.CHUNK))
    assert synced

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="No space"), HashingFile(tmp_path / "f") as file:
        file.write(bytes(3 * writer.CHUNK))
    assert not (tmp_path / "f").exists()


def test_an_error_leaves_no_file(tmp_path):
    with pytest.raises(ZeroDivisionError), HashingFile(tmp_path / "f") as file:
        file.write(b"x")
        raise ZeroDivisionError
    assert not (tmp_path / "f").exists()
    assert file.digest is not None or file.size == 1


def test_forcing_to_disk_is_a_setting(tmp_path, monkeypatch):
    forced = []
    monkeypatch.setattr(os, "fsync", forced.append)
    with HashingFile(tmp_path / "f", fsync=False) as file:
        file.write(b"x")
    assert forced == []
    with HashingFile(tmp_path / "f") as file:
        file.write(b"x")
    assert len(forced) == 1


def test_an_atomic_write_that_fails_changes_nothing(tmp_path):
    target = tmp_path / "f"
    target.write_text("old")

    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, fail)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_json_is_strict_but_takes_any_text(tmp_path):
    write_json(tmp_path / "f", {"a": "ä\ud800"})
    assert "ä" in (tmp_path / "f").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "f", float("nan"))
