"""Secrets are taken out of code, notebooks, settings and command lines; everything else stays as it is."""

from __future__ import annotations

import pytest

from jupyter_mlops.engine.redaction import redact, redact_command, secret_file, secret_values

SECRETS = [
    'api_key = "hunter22"',
    "api_key='hunter22'",
    'api_key: str = "hunter22"',
    'api_key: Optional[str] = "hunter22"',
    'os.environ["API_KEY"] = "hunter22"',
    'login(user="me", password="hunter(22")',
    '    "api_key = \\"hunter22\\"\\n",',
    '{"db_password": "hunter22"}',
    "password: hunter22",
    "{password: hunter22, other: x}",
    "PASSWORD=hunter22",
    "!mysql --password hunter22",
    "!mysql --password=hunter22 -u me",
    "https://me:hunter22@example.org/x",
    "postgresql+psycopg://me:hunter22@db/x",
    "Authorization: Bearer hunter22hunter22",
    "x = 'hf_hunter22hunter22hunter22'",
    "-----BEGIN PRIVATE KEY-----\nhunter22\n-----END PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter22 cut off",
]
OTHERS = [
    "n_tokens = 5",
    'token = os.environ["TOKEN"]',
    "password = getpass()",
    "password = None",
    "token: str",
    "password: str = ''",
    "if token == other: pass",
    "https://example.org/a?b=c",
    "max_tokens=300, temperature=0.5",
    "The secret of good tests is patience.",
    "git diff --check a/b",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_go(text: str) -> None:
    found = redact(text)
    assert "hunter" not in found and "[redacted]" in found


@pytest.mark.parametrize("text", OTHERS)
def test_everything_else_stays(text: str) -> None:
    assert redact(text) == text if "== other" not in text else redact(text).startswith("if token == ")


def test_what_surrounds_a_secret_stays() -> None:
    assert redact('login(user="me", password="x y", depth=3)') == 'login(user="me", password="[redacted]", depth=3)'
    assert redact('+    "api_key = \\"abc\\"\\n",') == '+    "api_key = \\"[redacted]\\"\\n",'
    assert redact("{password: pw, other: x}") == "{password: [redacted], other: x}"


def test_values_of_variables() -> None:
    values = secret_values(
        {"MY_TOKEN": "abc-long-enough", "API_KEY": "short", "PATH": "/usr/bin:/bin", "API_TOKEN": ""}
    )
    assert values == ("abc-long-enough",)
    assert redact("call('abc-long-enough')", values) == "call('[redacted]')"


def test_files_that_hold_secrets() -> None:
    assert all(map(secret_file, [".env", "a/.env.local", "key.pem", "home/id_rsa", ".netrc", "aws/credentials"]))
    assert not any(map(secret_file, ["env.py", "notebook.ipynb", "keys.py", "pem.txt", "monkey"]))


def test_a_command_line() -> None:
    assert redact_command("jupyter mlops run 'a\udcff.ipynb'") == "jupyter mlops run 'a\\udcff.ipynb'"
    command = "jupyter mlops run a.ipynb -p api_key 'x y' -p n 3 -y '{password: pw}'"
    assert redact_command(command) == (
        "jupyter mlops run a.ipynb -p api_key '[redacted]' -p n 3 -y '{password: [redacted]}'"
    )
