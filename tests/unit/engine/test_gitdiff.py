"""What is not committed is recorded beside the run, within bounds, without secrets."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from jupyter_mlops.engine import gitdiff
from jupyter_mlops.engine.gitdiff import GitDiff, diff_document

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q")
        self.git("config", "user.email", "a@example.org")
        self.git("config", "user.name", "A")

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def commit(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", "one")

    def diff(self, *, commit: bool = True, folder: Path | None = None) -> str | None:
        return GitDiff(folder or self.folder, commit=commit).text(wait=30)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "project")


def test_nothing_to_tell(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="1\n")
    assert repository.diff() == ""
    assert GitDiff(tmp_path, commit=False).text(wait=5) is None, "no repository"


def test_changes_can_be_applied_again(repository: Repository) -> None:
    repository.commit(a="one\n", b="x\n")
    (repository.folder / "a").write_text("two\n")
    (repository.folder / "b").unlink()
    (repository.folder / "new\tname").write_text("new")
    (repository.folder / "picture").write_bytes(b"\0" * 100)
    repository.git("add", "picture")
    (repository.folder / "data").mkdir()
    (repository.folder / "data" / "x").write_text("x")
    inner = repository.folder / "notebooks"
    inner.mkdir()
    (inner / "n").write_text("x")
    text = repository.diff(folder=inner)
    assert text is not None
    assert text.startswith("# 3 untracked:\n#   data/\n#   new\\tname\n#   notebooks/\n")
    assert "-one\n+two\n" in text and "Binary files" in text
    repository.git("reset", "-q", "--hard")
    patch = repository.folder.parent / "patch"
    patch.write_text(text)
    repository.git("apply", "--include=a", "--include=b", str(patch))
    assert (repository.folder / "a").read_text() == "two\n"
    assert not (repository.folder / "b").exists()


def test_a_repository_without_commits(repository: Repository) -> None:
    (repository.folder / "staged").write_text("staged\n")
    repository.git("add", "staged")
    (repository.folder / "new").write_text("new\n")
    text = repository.diff(commit=False)
    assert text is not None and text.startswith("# 1 untracked:\n#   new\n") and "+staged" in text


def test_settings_of_the_user_change_nothing(repository: Repository) -> None:
    repository.commit(a="one\n")
    (repository.folder / "a").write_text("two\n")
    plain = repository.diff()
    for name, value in [
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("color.ui", "always"),
        ("diff.external", "false"),
        ("core.pager", "false"),
    ]:
        repository.git("config", name, value)
    assert repository.diff() == plain


def test_a_submodule_is_named(repository: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit(a="1\n")
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.folder), "sub")
    repository.commit(a="1\n")
    (repository.folder / "sub" / "a").write_text("2\n")
    assert repository.diff() == "", "what is not committed in there is its own affair"
    inner = repository.folder / "sub"
    for words in (["config", "user.email", "a@example.org"], ["config", "user.name", "A"], ["commit", "-qam", "two"]):
        subprocess.run(["git", *words], cwd=inner, check=True, capture_output=True)
    text = repository.diff()
    assert text is not None and "Subproject commit" in text


def test_secrets_stay_away(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "no")
    monkeypatch.setenv("SERVICE_PASSWORD", "correct-horse-battery")
    repository.commit(**{"conf.py": "x = 1\n", ".env": "A=1\n"})
    (repository.folder / ".env").write_text("A=swordfish\n")
    (repository.folder / "conf.py").write_text(
        'api_key = "abcdef"\nn_tokens = 5\nurl = "https://me:pw@host/x"\nuse("correct-horse-battery")\n'
        'token = os.environ["TOKEN"]\nkey = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"\n'
        '{"password": "pw1"}\n# no comment\n-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----\n'
    )
    text = repository.diff()
    assert text is not None
    for secret in ("swordfish", "abcdef", "me:pw", "battery", "ghp_", "pw1", "MIIEabc"):
        assert secret not in text, secret
    assert '+token = os.environ["TOKEN"]' in text and "+n_tokens = 5" in text and "# no comment" in text
    assert "# [redacted]: .env was changed" in text


def test_huge_changes_are_left_out_by_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def changes(name: str, size: int) -> str:
        return f"diff --git a/{name} b/{name}\n" + "+x\n" * (size // 3)

    text = diff_document(changes("big.ipynb", 300_000) + changes("small.py", 30), [])
    assert text.startswith("# changes to big.ipynb left out: 300 kB\n") and "b/small.py\n+x\n" in text
    text = diff_document("".join(changes(f"f{n}", 150_000) for n in range(10)), [f"u{n}" for n in range(300)], cut=True)
    assert len(text) < 1_010_000
    assert "#   and 100 more\n" in text
    assert "# changes to 4 more files left out: more than 1 MB in all\n" in text
    assert "# there are more changes, which were not read\n" in text


def test_a_git_that_hangs_is_given_up(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit(a="1\n")
    slow = repository.folder.parent / "bin"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}:/bin:/usr/bin")
    found = GitDiff(repository.folder, commit=True)
    assert found.text() is None
    begun = time.monotonic()
    assert found.text(wait=0.2) == "# not known: git did not answer in time\n"
    assert time.monotonic() - begun < 30
    assert found._ended.wait(30), "its process is ended"
    monkeypatch.setattr(gitdiff, "SECONDS", 0.2)
    assert GitDiff(repository.folder, commit=True).text(wait=30) == "# not known: git took more than 0.2 seconds\n"


def test_a_git_that_fails(repository: Repository) -> None:
    repository.commit(a="1\n")
    (repository.folder / ".git" / "index").write_bytes(b"damaged")
    assert repository.diff() == "# not known: git failed\n"
