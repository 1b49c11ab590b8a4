"""Secrets are left out, and nothing else."""

from __future__ import annotations

import pytest

from jupyter_mlops.tracking.redaction import redact, redact_text


@pytest.mark.parametrize(
    "code",
    [
        "password = 'hunter2'",
        'db_password: str = "hunter2"',
        "client(api_key='hunter2')",
        "{'secret': 'hunter2', 'x': 1}",
        "os.environ['API_TOKEN'] = 'hunter2'",
        "self.password = f'hunter2'",
        "password = '''\nhunter2\n'''",
        "url = 'postgres://me:hunter2@host/db'",
        "key = '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----'",
        "password = 'it\\'s hunter2'",
        "password = 'hunter2(('",
        "if password == 'hunter2':",
        r'"x = 1\npassword = \"hunter2\""',
        "passwords = {'a': 1}; password = \"hunter2\"",
    ],
)
def test_secrets_are_left_out(code: str) -> None:
    found = redact_text(code)
    assert "hunter2" not in found and "[redacted]" in found
    assert found.count("\n") == code.count("\n"), "lines keep their places"


@pytest.mark.parametrize("secret", ["AKIA" + "A" * 16, "ghp_" + "a1" * 18, "sk-" + "a" * 40, "hf_" + "a" * 30])
def test_known_forms_are_left_out_wherever_they_stand(secret: str) -> None:
    assert secret not in redact_text(f"use({secret!r})")


@pytest.mark.parametrize(
    "code",
    [
        "max_tokens = '100'",
        "x = 'password'",
        "password = ask()",
        "tokenizer = 'bert'",
        "url = 'https://host:80/a@b'",
        "",
    ],
)
def test_all_else_stays(code: str) -> None:
    assert redact_text(code) == code


def test_values() -> None:
    assert redact("api_key", "x") == "[redacted]" and redact("api_key", None) is None
    assert redact("config", {"password": "x", "depth": 3, "urls": ["ftp://a:b@c"]}) == {
        "password": "[redacted]",
        "depth": 3,
        "urls": ["ftp://[redacted]@c"],
    }


@pytest.mark.parametrize("piece", ["a", "a-", "a.b:", "a: b ", 'k="""', "a='", "--a ", "\\", "x = '\\"])
def test_odd_texts_take_no_longer_than_long_ones(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    assert redact_text(text) == text
