"""Copies of the project."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jupyter_mlops.errors import UsageError
from jupyter_mlops.verify import workspace
from jupyter_mlops.verify.workspace import Workspace, plan_copy


def never(_: Path) -> bool:
    return False


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for folder in ("notebooks/data", ".git", ".mlops/objects", ".venv/lib", "notebooks/__pycache__", "empty"):
        (root / folder).mkdir(parents=True)
    for name in ("notebooks/data/x.csv", "shared.py", ".git/config", ".mlops/mlops.db", ".venv/lib/a.py", ".env"):
        (root / name).write_text(name)
    (root / ".venv" / "pyvenv.cfg").touch()
    return root


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def make(project: Path, tmp_path: Path) -> Workspace:
    folder = project / "notebooks"
    return Workspace(tmp_path / "work", plan_copy(project, folder, never), folder)


def test_the_project_is_copied_without_what_is_generated(project: Path, tmp_path: Path) -> None:
    copy = make(project, tmp_path)
    assert copy.renew() == copy.root / "notebooks"
    assert set(contents(copy.root)) == {"notebooks/data/x.csv", "shared.py", ".env"}
    assert (copy.root / "empty").is_dir()


def test_a_renewed_copy_is_as_the_project_was_at_first(project: Path, tmp_path: Path) -> None:
    copy = make(project, tmp_path)
    folder = copy.renew()
    first = contents(copy.root)
    (folder / "data" / "x.csv").write_text("changed")
    (folder / "new.txt").write_text("new")
    (folder.parent / "shared.py").unlink()
    (project / "later.txt").write_text("not there when it began")
    assert copy.renew() == folder
    assert contents(copy.root) == first
    assert (project / "notebooks" / "data" / "x.csv").read_text() == "notebooks/data/x.csv"


def test_what_a_step_has_left_can_be_put_into_a_later_copy(project: Path, tmp_path: Path) -> None:
    copy = make(project, tmp_path)
    folder = copy.renew()
    (folder / "data" / "x.csv").write_text("changed")
    (folder / "out" / "deep").mkdir(parents=True)
    (folder / "out" / "new.txt").write_text("new")
    (copy.root / "shared.py").unlink()
    (copy.root / "empty").rmdir()
    first = copy.keep(tmp_path / "first")
    assert (first.folders, first.files) == (
        ("notebooks/out", "notebooks/out/deep"),
        ("notebooks/data/x.csv", "notebooks/out/new.txt"),
    )
    assert set(first.gone) == {"shared.py", "empty"}
    copy.renew([first])
    (folder / "out" / "new.txt").write_text("newer")
    second = copy.keep(tmp_path / "second")
    for _ in range(2):
        copy.renew([first, second])
        assert contents(copy.root) == {
            "notebooks/data/x.csv": "changed",
            "notebooks/out/new.txt": "newer",
            ".env": ".env",
        }
        assert (folder / "out" / "deep").is_dir() and not (copy.root / "empty").exists()
    copy.renew()
    assert set(contents(copy.root)) == {"notebooks/data/x.csv", "shared.py", ".env"}


def test_large_files_are_linked_unless_a_step_may_write_them(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "LINKED_BYTES", 100)
    for name in ("read.bin", "written.bin"):
        (project / name).write_bytes(b"x" * 200)
    plan = plan_copy(project, project, lambda path: path.name == "written.bin")
    copy = Workspace(tmp_path / "work", plan, project)
    copy.renew()
    assert (copy.root / "read.bin").is_symlink() or sys.platform == "win32"
    assert not (copy.root / "written.bin").is_symlink()
    copy.renew()
    assert (project / "read.bin").stat().st_size == 200, "renewing removes the link, not the file"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_links_lead_where_they_led(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("outside")
    (project / "inner.py").symlink_to("shared.py")
    (project / "outer.txt").symlink_to(Path("..") / "outside.txt")
    (project / "broken").symlink_to("nowhere")
    copy = make(project, tmp_path)
    copy.renew()
    (copy.root / "inner.py").write_text("changed")
    assert (copy.root / "shared.py").read_text() == "changed"
    assert (project / "shared.py").read_text() == "shared.py"
    assert (copy.root / "outer.txt").read_text() == "outside"


def test_of_a_large_project_only_the_notebook_s_folder_is_copied(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "MOST_FILES", 3)
    copy = make(project, tmp_path)
    assert copy.renew() == copy.root
    assert set(contents(copy.root)) == {"data/x.csv"}
    for number in range(3):
        (project / "notebooks" / f"{number}.txt").touch()
    with pytest.raises(UsageError, match="too large"):
        make(project, tmp_path)
