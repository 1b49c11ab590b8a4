"""No request gets out of the contents root."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.server.places import Places
from jupyter_mlops.server.problems import RequestProblem


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "deep" / "er").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / "one.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.ipynb").write_text("{}", encoding="utf-8")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "inner").symlink_to(root / "deep")
    (root / "circle").symlink_to(root / "circle")
    return root


@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret.ipynb", "deep/../../outside", "link", "link/secret.ipynb", "deep/..", "/../outside",
        "a\0b", ".hidden", ".hidden/x.ipynb", "deep/.ipynb_checkpoints/x.ipynb", "circle", "x" * 5000,
    ],
    ids=lambda path: repr(path)[:20],
)  # fmt: skip
def test_what_is_not_below_the_root_is_refused(root: Path, path: str) -> None:
    with pytest.raises(RequestProblem) as caught:
        Places(root).notebook(path)
    assert caught.value.code == "no-such-path"


def test_what_is_below_the_root_is_found(root: Path) -> None:
    places = Places(root)
    assert places.notebook("/one.ipynb") == root / "one.ipynb"
    assert places.folder("") == places.folder(None) == root
    assert places.folder("one.ipynb") == root
    assert places.folder("deep/er/new.ipynb") == root / "deep" / "er"
    assert places.resolve("inner/er").resolve() == root / "deep" / "er"
    assert places.relative(root / "deep") == "deep"
    assert places.relative(root) == ""
    assert places.relative(root.parent) is None


def test_hidden_files_are_there_where_the_server_shows_them(root: Path) -> None:
    assert Places(root, allow_hidden=True).folder(".hidden") == root / ".hidden"


def test_a_root_that_is_a_link_is_where_it_leads(root: Path, tmp_path: Path) -> None:
    (tmp_path / "door").symlink_to(root)
    assert Places(tmp_path / "door").notebook("one.ipynb") == root / "one.ipynb"
