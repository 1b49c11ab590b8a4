import os
import stat
from pathlib import Path

import pytest

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store import filesystems
from jupyter_mlops.store.filesystems import is_network, mount_type
from jupyter_mlops.store.home import ensure_home, find_home, project_root


@pytest.fixture(autouse=True)
def no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTER_MLOPS_HOME", raising=False)


@pytest.mark.parametrize("marker", ["mlops.toml", "pyproject.toml", ".git"])
def test_the_project_is_the_nearest_marked_folder(tmp_path: Path, marker: str) -> None:
    (tmp_path / marker).touch()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    notebook = deep / "nb.ipynb"
    notebook.touch()
    assert project_root(deep) == project_root(notebook) == tmp_path
    assert find_home(notebook) == tmp_path / ".mlops"
    (tmp_path / "a" / "mlops.toml").touch()
    assert project_root(deep) == tmp_path / "a"


def test_without_a_project_it_is_the_folder_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.store.home._MARKERS", ("no such marker",))
    assert find_home(tmp_path / "a" / ".." / "b") == tmp_path / "b" / ".mlops"


def test_the_variable_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "elsewhere"))
    assert find_home(tmp_path) == tmp_path / "elsewhere"
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", "~/store")
    assert find_home(tmp_path) == Path.home().resolve() / "store"


def test_a_home_is_hidden_from_git_and_private_where_code_lies(tmp_path: Path) -> None:
    home = ensure_home(tmp_path / ".mlops")
    assert ensure_home(home.root) == home
    assert (home.root / ".gitignore").read_text() == "*\n"
    assert home.objects.is_dir() and home.run("r1").parent.is_dir()
    if os.name != "nt":
        assert {stat.S_IMODE(folder.stat().st_mode) for folder in (home.tmp, home.runtime)} == {0o700}


def test_a_users_folder_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "thesis.ipynb").touch()
    ensure_home(tmp_path)
    assert not (tmp_path / ".gitignore").exists()


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".mlops").write_text("")
    with pytest.raises(UsageError, match="in the way"):
        ensure_home(tmp_path / ".mlops")
    with pytest.raises(UsageError, match="in the way"):
        ensure_home(tmp_path / ".mlops" / "deeper")


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(UsageError, match="can't be written") as caught:
        ensure_home(tmp_path / ".mlops")
    assert "JUPYTER_MLOPS_HOME" in (caught.value.hint or "")


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /home nfs4 rw 0 0
//nas/share /mnt/my\\040share cifs rw 0 0
me@host:/ /home/me/remote fuse.sshfs rw 0 0
/dev/vdb /home/me/disk xfs rw 0 0
"""


def test_the_deepest_mount_decides() -> None:
    assert mount_type(Path("/srv/x"), MOUNTS) == "ext4"
    assert mount_type(Path("/home/me"), MOUNTS) == "nfs4"
    assert mount_type(Path("/homeless"), MOUNTS) == "ext4"
    assert mount_type(Path("/mnt/my share/x"), MOUNTS) == "cifs"
    assert mount_type(Path("/home/me/disk/x"), MOUNTS) == "xfs"
    assert mount_type(Path("/x"), "") is None


def test_network_file_systems_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mounts"
    monkeypatch.setattr(filesystems, "_MOUNTS", table)
    for kind, network in (("ext4", False), ("overlay", False), ("tmpfs", False), ("nfs", True), ("fuse.s3fs", True)):
        table.write_text(f"x {tmp_path} {kind} rw 0 0\n")
        assert is_network(tmp_path / "mlops.db") is network
    table.unlink()
    assert not is_network(tmp_path)
