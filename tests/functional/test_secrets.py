"""A notebook does with secrets what one should not; nothing that is recorded, printed or written has them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PARAMETER = 'p4ssw0rd-Ünder/"quotes"&<tags>'
DEFAULT = "the-literal-in-the-notebook-77"
VARIABLE = "envtoken-1234567890-abcdef"
SETTING = "set-in-the-metadata-4711"
NAMED = "only-the-project-calls-it-secret"
REFERENCE = "arrives-by-reference-0815"
KNOWN = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
PIN = "80861234"
SECRETS = (PARAMETER, DEFAULT, VARIABLE, SETTING, NAMED, REFERENCE, KNOWN)

CELLS = (
    (
        "parameters",
        f"db_password = ''\napi_key = {DEFAULT!r}\npin_secret = 1\nhouse = 'x'\nplace = 'here'\nfail = False",
    ),
    (
        "imports",
        "import os, sys, time, json, html\n"
        "import jupyter_mlops as mlops\nfrom IPython.display import HTML, JSON, display",
    ),
    (
        "step:show",
        "every = [db_password, api_key, os.environ['MY_API_TOKEN'], os.environ['SET_TOKEN'],\n"
        "         os.environ['ODDLY_NAMED'], os.environ['BY_REFERENCE'],\n"
        "         'ghp_' + 'abcdefghijklmnopqrstuvwxyz0123456789', house]\n"
        "print(*every)\nprint(every)\nprint(json.dumps(every))\n"
        "print('login', every[2], file=sys.stderr)\n"
        "for piece in (every[2][:9], every[2][9:], ' and ', every[6][:8], every[6][8:], ' end s'):\n"
        "    print(piece, end='', flush=True)\n    time.sleep(0.3)\n"
        "os.system('echo from a program ' + every[2])\n"
        "os.write(2, ('from below ' + every[2] + chr(10)).encode())\n"
        "display(HTML('<b>' + ' '.join(map(html.escape, every)) + '</b>'))\n"
        "display(JSON({'here': every, every[2]: 1}))\n"
        "mlops.set_tag('login', 'with ' + every[2])\n"
        "mlops.log_params({'address': 'x ' + every[0], 'db_password': db_password, 'nested': {'token': every[2]}})\n"
        "mlops.log_artifact({'kept': every}, 'kept')\ntext = ' '.join(every)\nevery",
    ),
    (
        "step:break",
        "shown = text + '!'\nif fail:\n    raise ValueError('can not log in with ' + shown)\nprint(len(shown), shown)",
    ),
)


@pytest.fixture
def here(work: Path, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write(*CELLS)
    raw = json.loads(path.read_text())
    show = next(cell for cell in raw["cells"] if "step:show" in cell["metadata"].get("tags", ()))
    show["metadata"]["mlops"] = {
        "env": {"SET_TOKEN": SETTING},
        "secrets": [{"name": "vault", "key": "k", "env": "BY_REFERENCE"}],
    }
    path.write_text(json.dumps(raw))
    (work / "mlops.toml").write_text('[secrets]\nnames = ["ODDLY_NAMED", "house"]\n')
    for name, value in (("MY_API_TOKEN", VARIABLE), ("ODDLY_NAMED", NAMED), ("BY_REFERENCE", REFERENCE)):
        monkeypatch.setenv(name, value)
    return work


def forms(secret: str) -> Iterator[bytes]:
    for text in {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], json.dumps(json.dumps(secret)[1:-1])[1:-1]}:
        yield text.encode()


def leaks(*places: Path, secrets: tuple[str, ...] = SECRETS) -> list[str]:
    """Which secrets are in which files; objects are artifacts, which are kept as they are."""
    found = []
    for place in places:
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if not path.is_file() or "objects" in path.relative_to(place).parts:
                continue
            content = path.read_bytes()
            found += [f"{path}: {secret}" for secret in secrets if any(form in content for form in forms(secret))]
    return found


def rows(database: Path) -> str:
    """All that the database says, the documents kept with runs too."""
    with sqlite3.connect(database) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert "texts" in tables
        found = [row for name in tables for row in connection.execute(f"SELECT * FROM '{name}'")]
    return "\n".join(str(value) for row in found for value in row)


LINE = ("run", "nb.ipynb", "out.ipynb", "-p", "db_password", PARAMETER, "-p", "house", NAMED, "-p", "pin_secret", PIN)
FILES = ("--junit", "j.xml", "--markdown", "m.md", "--report", "r.html")


def check(here: Path, printed: Any) -> None:
    files = [here / name for name in ("out.ipynb", "j.xml", "m.md", "r.html")]
    assert leaks(here / ".mlops", *files, secrets=(*SECRETS, PIN)) == []
    said = printed.out + printed.err + rows(here / ".mlops" / "mlops.db")
    assert [secret for secret in (*SECRETS, PIN) for form in forms(secret) if form.decode() in said] == []


def test_nothing_that_is_recorded_has_secrets(here: Path, run: Any) -> None:
    before = (here / "nb.ipynb").read_bytes()
    first = run(*LINE, *FILES, "--log-output")
    assert first.code == 0, first.err
    check(here, first)
    assert (here / "nb.ipynb").read_bytes() == before

    notebook = json.loads((here / "out.ipynb").read_text())
    injected = next(cell for cell in notebook["cells"] if "injected-parameters" in cell["metadata"].get("tags", ()))
    assert "".join(injected["source"]).count("[redacted ") == 3
    cell = next(cell for cell in notebook["cells"] if "step:show" in cell["metadata"].get("tags", ()))
    kinds = {kind for output in cell["outputs"] for kind in output.get("data", ())}
    assert {"text/html", "application/json"} <= kinds
    printed = "".join("".join(item["text"]) for item in cell["outputs"] if item.get("name") == "stdout")
    assert "[redacted] and [redacted] end s" in printed
    logs = [path.read_text() for path in sorted((here / ".mlops" / "runs").rglob("*show*.log"))]
    assert any(
        "from below [redacted]" in text and "from a program [redacted]" in text for text in logs
    ) and "login [redacted]" in "".join(logs)

    # The steps themselves got the values: what crosses to the second one is as long as it should be.
    lengths = len(" ".join((PARAMETER, DEFAULT, VARIABLE, SETTING, NAMED, REFERENCE, KNOWN, NAMED))) + 1
    assert str(lengths) in "".join(path.read_text() for path in (here / ".mlops" / "runs").rglob("*break*.log"))

    again = run(*LINE, *FILES, "--format", "json")
    assert again.code == 0 and json.loads(again.out)["steps"][1]["status"] == "reused"
    check(here, again)
    other = run("run", "nb.ipynb", "--dry-run", "-p", "db_password", "another-password", "-p", "house", NAMED)
    assert other.code == 0 and "another-password" not in other.out


def test_a_failure_says_nothing(here: Path, run: Any) -> None:
    failed = run(*LINE, *FILES, "-p", "fail", "true", "--format", "json")
    assert failed.code == 1
    check(here, failed)
    assert "ValueError: can not log in with [redacted]" in failed.err and "raise ValueError" in failed.err
    check(here, run(*LINE, *FILES, "-p", "fail", "true"))
    for line in (
        ("runs",),
        ("runs", "show", "latest"),
        ("runs", "show", "latest", "--format", "json"),
        ("compare", "latest"),
    ):
        check(here, run(*line))

    shown = run("runs", "show", "latest")
    assert "db_password" in shown.out and "[redacted" in shown.out


def test_secrets_that_differ_are_told_from_each_other(here: Path, run: Any) -> None:
    line = ("run", "nb.ipynb", "-p", "house", NAMED, "-p", "db_password")
    assert run(*line, "one-password").code == 0
    assert run(*line, "two-passwords").code == 0
    found = json.loads(run("runs", "--format", "json").out)
    names = [item["run_id"] for item in found["runs"]]
    compared = run("compare", *names, "--format", "json")
    assert "one-password" not in compared.out and "two-passwords" not in compared.out
    assert "db_password" in compared.out
    check(here, compared)


def test_why_a_step_runs_says_nothing(work: Path, write: Callable[..., Path], run: Any) -> None:
    write(("parameters", "api_key = 'the-first-one'"), ("step:a", "n = len(api_key)"), ("step:b", "print(n)"))
    assert run("run", "nb.ipynb").code == 0
    same = run("run", "nb.ipynb", "--dry-run", "-p", "api_key", "the-first-one")
    assert "a  reuse" in same.out and "b  reuse" in same.out
    for line in (("run", "nb.ipynb", "--dry-run"), ("run", "nb.ipynb")):  # as long, so that b is reused
        other = run(*line, "-p", "api_key", "the-other-one")
        assert other.code == 0 and "the-" not in other.out + other.err
    assert "parameter api_key changed" in run("run", "nb.ipynb", "--dry-run", "-p", "api_key", "yet-another-one").out
    assert leaks(work / ".mlops", secrets=("the-first-one", "the-other-one")) == []


def test_it_can_be_switched_off(here: Path, run: Any) -> None:
    (here / "mlops.toml").write_text("[secrets]\nredact = false\n")
    assert run(*LINE).code == 0
    assert NAMED in (here / "out.ipynb").read_text()


def test_names_can_be_ignored(here: Path, run: Any) -> None:
    (here / "mlops.toml").write_text('[secrets]\nignore = ["api_key"]\nnames = ["house"]\n')
    assert run(*LINE).code == 0
    text = (here / "out.ipynb").read_text()
    assert DEFAULT in text and VARIABLE not in text


def test_a_parameter_that_is_shown_is_none(here: Path, run: Any) -> None:
    for line in (
        ("show", "nb.ipynb"),
        ("show", "nb.ipynb", "--format", "json"),
        ("run", "nb.ipynb", "--help-notebook"),
    ):
        printed = run(*line)
        assert printed.code == 0 and "[redacted]" in printed.out
        assert DEFAULT not in printed.out and SETTING not in printed.out
