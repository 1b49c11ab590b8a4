"""pip's configuration, as a build gets it."""

from __future__ import annotations

import configparser
import stat
from pathlib import Path

import pytest

from jupyter_mlops.images import pipconfig
from jupyter_mlops.images.pipconfig import PipAccess, pip_access
from jupyter_mlops.notebook.model import BuildSettings

SILENT = ("sh", "-c", "exit 1")


def _saying(tmp_path: Path, *lines: str) -> tuple[str, ...]:
    """A Python whose pip says this."""
    listing = tmp_path / "listing"
    listing.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return ("sh", "-c", f"cat {listing}")


def _read(access: PipAccess) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(access.secrets["pip"], encoding="utf-8")
    return parser


@pytest.fixture(autouse=True)
def _no_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_files_and_environment_variables(tmp_path: Path) -> None:
    said = _saying(
        tmp_path,
        "global.index-url='https://one.example/simple'",
        "global.timeout='15'",
        "global.disable-pip-version-check='1'",
        ":env:.index-url='https://two.example/%7Esimple'",
        "install.extra-index-url='https://a.example/s https://b.example/s'",
    )
    with pip_access(BuildSettings(), said) as access:
        settings = _read(access)["global"]
        assert settings["index-url"].split() == ["https://two.example/%7Esimple"]
        assert settings["extra-index-url"].split() == ["https://a.example/s", "https://b.example/s"]
        assert settings["timeout"].strip() == "15"
        assert "disable-pip-version-check" not in settings
        assert stat.S_IMODE(access.secrets["pip"].stat().st_mode) == 0o600
        place = access.secrets["pip"].parent
    assert not place.exists()


def test_certificates_and_folders_of_this_machine(tmp_path: Path) -> None:
    authority, wheels, index = tmp_path / "ca.crt", tmp_path / "wheels", tmp_path / "index" / "simple"
    authority.touch()
    wheels.mkdir()
    index.mkdir(parents=True)
    said = _saying(
        tmp_path,
        f"global.cert='{authority}'",
        f"global.find-links='{wheels}'",
        f"global.extra-index-url='{index.as_uri()}'",
    )
    with pip_access(BuildSettings(), said) as access:
        assert access.secrets["ca"] == authority
        assert _read(access)["global"]["cert"] == "/run/secrets/ca"
        assert set(access.folders) == {wheels, index.parent}


def test_an_index_of_the_image_s_settings_counts_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "word")
    build = BuildSettings(index_url="https://me:${TOKEN}@x.example/s", extra_index_urls=("https://y.example",))
    said = _saying(tmp_path, "global.index-url='https://one.example'", "global.extra-index-url='https://z.example'")
    with pip_access(build, said) as access:
        settings = _read(access)["global"]
        assert settings["index-url"].strip() == "https://me:word@x.example/s"
        assert settings["extra-index-url"].split() == ["https://z.example", "https://y.example"]
        assert access.values == ("word",)
        assert "word" not in repr(access)


def test_an_environment_without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipconfig.sys, "executable", "/nowhere/python")
    with pip_access(BuildSettings(), ("/nowhere/else",)) as access:
        assert access.secrets["pip"].read_text(encoding="utf-8") == "[global]\n"
