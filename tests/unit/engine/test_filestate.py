"""Files are as they were before a failed attempt."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlops.engine.filestate import FileSnapshot
from jupyter_mlops.pipeline.model import Step


def snapshot(tmp_path: Path, *written: str) -> tuple[FileSnapshot, Path]:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return FileSnapshot(Step("a", "a", (), files_written=written), work, tmp_path / "copies"), work


def test_changed_made_and_removed_files(tmp_path: Path) -> None:
    files, work = snapshot(tmp_path, "changed.txt", "made.txt", "gone.txt", "sub/made.txt")
    (work / "changed.txt").write_text("before")
    (work / "gone.txt").write_text("here")
    (work / "link.txt").symlink_to("changed.txt")
    for _ in range(2):
        files.prepare()
        assert (work / "changed.txt").read_text() == "before"
        assert (work / "gone.txt").read_text() == "here"
        assert not (work / "made.txt").exists() and not (work / "sub" / "made.txt").exists()
        with (work / "changed.txt").open("a") as file:
            file.write("more")
        (work / "gone.txt").unlink()
        (work / "made.txt").write_text("half")
        (work / "sub").mkdir(exist_ok=True)
        (work / "sub" / "made.txt").write_text("half")
    assert (work / "link.txt").read_text() == "beforemore"


def test_folders(tmp_path: Path) -> None:
    files, work = snapshot(tmp_path, "out", "new")
    (work / "out" / "deep").mkdir(parents=True)
    (work / "out" / "kept.txt").write_text("kept")
    (work / "out" / "deep" / "old.txt").write_text("old")
    files.prepare()
    (work / "out" / "deep" / "old.txt").write_text("changed")
    (work / "out" / "kept.txt").unlink()
    (work / "out" / "extra.txt").write_text("extra")
    (work / "new").mkdir()
    (work / "new" / "part").write_text("part")
    files.prepare()
    found = {path.relative_to(work).as_posix(): path.read_text() for path in work.rglob("*") if path.is_file()}
    assert found == {"out/kept.txt": "kept", "out/deep/old.txt": "old"}
    assert not (work / "new").exists()


def test_the_project_itself_is_left_alone(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "data.txt").write_text("data")
    files = FileSnapshot(Step("a", "a", (), files_written=(".",)), work, work / ".mlops" / "copies")
    files.prepare()
    (work / "new.txt").write_text("new")
    files.prepare()
    assert {path.name for path in work.iterdir()} == {".mlops", "data.txt", "new.txt"}
