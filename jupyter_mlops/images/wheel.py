"""This package as a wheel, made of the files that are imported: of a checkout or of an installation alike."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from importlib import metadata
from pathlib import Path

import jupyter_mlops
from jupyter_mlops import templates
from jupyter_mlops._version import __version__

__all__ = ["make_wheel", "wheel_name"]

_TIME = (2020, 1, 1, 0, 0, 0)
"""Equal files make equal wheels."""
_INFO = f"jupyter_mlops-{__version__}.dist-info"


def wheel_name() -> str:
    """Return the wheel's file name."""
    return f"jupyter_mlops-{__version__}-py3-none-any.whl"


def make_wheel() -> bytes:
    """Return the wheel's content."""
    contents = _contents()
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in sorted(contents.items()))
    contents[f"{_INFO}/RECORD"] = f"{record}{_INFO}/RECORD,,\n".encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return stream.getvalue()


def _contents() -> dict[str, bytes]:
    package, root = Path(jupyter_mlops.__file__).resolve().parent, templates.root()
    contents = {f"jupyter_mlops/{path.relative_to(package).as_posix()}": path.read_bytes() for path in _files(package)}
    contents |= {
        f"jupyter_mlops/_templates/{path.relative_to(root).as_posix()}": path.read_bytes() for path in _files(root)
    }
    contents[f"{_INFO}/METADATA"] = _metadata().encode()
    contents[f"{_INFO}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: jupyter-mlops\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    contents[f"{_INFO}/entry_points.txt"] = b"[console_scripts]\njupyter-mlops = jupyter_mlops.cli.main:main\n"
    return contents


def _metadata() -> str:
    """The installation's own, whatever version of the checkout it was made of; else the least there must be."""
    least = f"Metadata-Version: 2.1\nName: jupyter-mlops\nVersion: {__version__}\n"
    try:
        found = metadata.distribution("jupyter-mlops")
    except metadata.PackageNotFoundError:
        return least
    if found.version != __version__:
        return least
    requires = "".join(f"Requires-Dist: {item}\n" for item in found.requires or ())
    return f"{least}{requires}"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
