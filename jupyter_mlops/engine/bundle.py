"""Brings the runtime to kernels of other environments."""

from __future__ import annotations

import compileall
import contextlib
import hashlib
import importlib.util
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.runtime.failpoints import reach

__all__ = ["PACKAGE", "install_bundle", "is_current_bundle", "runtime_fingerprint"]

PACKAGE = "mlops_runtime"
"""Name under which kernels import the runtime."""

_CLOUDPICKLE = "cloudpickle"
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


def install_bundle(folder: Path, *, with_cloudpickle: bool) -> Path:
    """Copy the runtime into a folder of its own, once per version of its code.

    Args:
        folder: Where bundles live, private to the user.
        with_cloudpickle: Whether the kernel's environment lacks cloudpickle.

    Returns:
        The folder to put on the kernel's ``PYTHONPATH``.

    Raises:
        InfrastructureError: The folder can't be written.
    """
    packages = {PACKAGE: _source_of("jupyter_mlops.runtime")}
    if with_cloudpickle:
        packages[_CLOUDPICKLE] = _source_of(_CLOUDPICKLE)
    target = folder / _fingerprint(packages)
    if target.is_dir():
        with contextlib.suppress(OSError):
            os.utime(target)  # used now, which spares it from clean-up
        return target
    temporary = folder / f".{target.name}.{secrets.token_hex(4)}"
    try:
        for name, source in packages.items():
            shutil.copytree(source, temporary / name, ignore=_IGNORED)
        # Saves kernels of this Python version the compilation; others compile for themselves.
        compileall.compile_dir(temporary, quiet=2)
        reach("bundle.copied")
        with contextlib.suppress(OSError):  # another run was faster
            temporary.rename(target)
    except OSError as error:
        raise InfrastructureError(f"The runtime can't be copied to {folder}: {error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if not target.is_dir():
        raise InfrastructureError(f"The runtime can't be copied to {target}.")
    return target


def runtime_fingerprint() -> str:
    """Return what changes whenever the runtime's code does."""
    return _fingerprint({PACKAGE: _source_of("jupyter_mlops.runtime")})


def is_current_bundle(name: str) -> bool:
    """Tell whether a folder of that name is a bundle that this version would use."""
    packages = {PACKAGE: _source_of("jupyter_mlops.runtime")}
    return name in (_fingerprint(packages), _fingerprint({**packages, _CLOUDPICKLE: _source_of(_CLOUDPICKLE)}))


def _source_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InfrastructureError(f"The package {package} is not installed here.", hint="Reinstall jupyter-mlops.")
    return Path(next(iter(spec.submodule_search_locations)))


def _fingerprint(packages: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, source in sorted(packages.items()):
        for path in _files(source):
            content = path.read_bytes()
            digest.update(f"{name}/{path.relative_to(source).as_posix()}:{len(content)}:".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def _files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path
