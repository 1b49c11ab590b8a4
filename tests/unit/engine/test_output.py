"""The file in the user's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.engine.output import check_output, write_whole
from jupyter_mlops.errors import InfrastructureError, UsageError


def test_source_in_any_spelling_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "nb.ipynb"
    source.write_text("{}")
    (tmp_path / "link.ipynb").symlink_to(source)
    monkeypatch.chdir(tmp_path)
    for spelling in ("nb.ipynb", "./nb.ipynb", "link.ipynb", str(source), f"../{tmp_path.name}/nb.ipynb"):
        with pytest.raises(UsageError, match="is the notebook itself"):
            check_output(Path(spelling), source)


def test_folder_and_missing_parent_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        check_output(tmp_path, None)
    with pytest.raises(UsageError, match="does not exist"):
        check_output(tmp_path / "none" / "out.ipynb", None)
    assert not (tmp_path / "none").exists()


def test_written_whole_keeps_mode_and_links(tmp_path: Path) -> None:
    target = tmp_path / "out.ipynb"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.ipynb"
    link.symlink_to(target)
    write_whole(link, "new é\n")
    assert link.is_symlink() and target.read_bytes() == "new é\n".encode()
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.ipynb", "out.ipynb"]


def test_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError):
        write_whole(tmp_path / "none" / "out.ipynb", "text")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "out.ipynb", "\ud800")
    assert list(tmp_path.iterdir()) == []
