"""Container images that serve deployments: bundles, the packages they need, and the server."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_mlops import templates
from jupyter_mlops.deploy.bundle import Bundle
from jupyter_mlops.deploy.deployment import Deployment
from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.images.wheel import make_wheel, wheel_name

__all__ = ["SERVER", "default_reference", "needed", "texts", "write_context"]

SERVER = (
    *(
        "blake3",
        "click",
        "cloudpickle",
        "cryptography",
        "httptools",
        "jinja2",
        "joblib",
        "numpy",
        "orjson",
        "packaging",
    ),
    *("pandas", "prometheus-client", "psutil", "starlette", "uvicorn", "uvloop"),
)
"""What the server imports, by the names of distributions."""

_ONNX = "onnxruntime"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def default_reference(deployment: Deployment, bundles: Sequence[Bundle]) -> str:
    """Return the name of an image whose content these bundles are."""
    digest = hashlib.sha256("".join(sorted(item.digest for item in bundles)).encode()).hexdigest()[:12]
    return f"localhost/mlops-serve-{deployment.name}:{digest}"


def texts(deployment: Deployment, bundles: Sequence[Bundle], *, base: str | None = None) -> dict[str, str]:
    """Return the texts of the build context: the Dockerfile and what pip installs.

    Raises:
        UsageError: The versions need different packages.
    """
    environment = templates.environment(templates.root() / "deploy", autoescape=False, keep_trailing_newline=True)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    dockerfile = environment.get_template("container/Dockerfile.j2").render(
        deployment=deployment.name,
        summary=str(deployment.traffic),
        base=base or f"docker.io/library/python:{version}-slim",
        python=version,
        wheel=wheel_name(),
    )
    return {"Dockerfile": dockerfile, "requirements.txt": "\n".join(_requirements(bundles)) + "\n"}


def write_context(deployment: Deployment, bundles: Sequence[Bundle], folder: Path, *, base: str | None = None) -> None:
    """Write all that an image is built of.

    Args:
        folder: Must be empty.

    Raises:
        InfrastructureError: A bundle changed, or the disk is full.
    """
    try:
        for name, text in texts(deployment, bundles, base=base).items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / wheel_name()).write_bytes(make_wheel())
        for bundle in bundles:
            target = folder / "bundles" / bundle.digest
            for name in (*bundle.files, "digests.json"):
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                content = bundle.content(name) if name in bundle.files else (bundle.path / name).read_bytes()
                path.write_bytes(content)
    except OSError as error:
        raise InfrastructureError(f"The files of the image can't be written: {error.strerror or error}.") from error


def _requirements(bundles: Sequence[Bundle]) -> list[str]:
    found: dict[str, str] = {}
    for bundle in bundles:
        pins = _pins(bundle)
        for name in sorted(needed(bundle, pins)):
            line = pins.get(name) or _here(name) or name
            if found.setdefault(name, line) != line:
                raise UsageError(
                    f"The versions of {bundle.model} need different packages: {found[name]} and {line}.",
                    hint="Build an image for each, and deploy them with --target kserve --mode raw.",
                )
    return sorted(found.values())


def needed(bundle: Bundle, pins: Mapping[str, str]) -> set[str]:
    """Return the distributions that the server and a bundle's model need, and what those need, as far as is known."""
    roots = {*SERVER, *(_canonical(name) for name in _libraries(bundle.manifest))}
    roots |= {_ONNX} if bundle.engine_name == "onnx" else set()
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += _required(name)
    return {name for name in found if name in roots or name in pins or _here(name)}


def _libraries(manifest: Mapping[str, Any]) -> Iterable[str]:
    """Distributions of the modules that the members' types come from."""
    known = metadata.packages_distributions()
    types = [str(item.get("type", "")) for item in manifest.get("members", ())]
    for module in {name.partition(".")[0] for name in types if "." in name} | {"sklearn"}:
        yield from known.get(module, ())


def _required(name: str) -> list[str]:
    from packaging.requirements import Requirement

    try:
        texts = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    found = map(Requirement, texts)
    return [_canonical(item.name) for item in found if item.marker is None or item.marker.evaluate({"extra": ""})]


def _pins(bundle: Bundle) -> dict[str, str]:
    if "requirements.txt" not in bundle.files:
        return {}
    lines = bundle.content("requirements.txt").decode("utf-8").splitlines()
    names = ((match, line.strip()) for line in lines if (match := _NAME.match(line.strip())))
    return {_canonical(match[0]): line for match, line in names}


def _here(name: str) -> str | None:
    """The version that is installed here."""
    try:
        return f"{name}=={metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return None


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
