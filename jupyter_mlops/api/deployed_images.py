"""Container images that serve deployments."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.deploying import Request, wish
from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.notebooks import PathLike

if TYPE_CHECKING:
    from jupyter_mlops.deploy.bundle import Bundle
    from jupyter_mlops.deploy.deployment import Deployment
    from jupyter_mlops.store.home import Home

__all__ = ["Image", "build_image", "image_texts"]


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was built.

    Args:
        digest: What the registry calls it, if it was pushed.
        run: The command that runs it on this machine.
    """

    deployment: Deployment
    reference: str
    digest: str | None
    run: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "reference": self.reference,
            "digest": self.digest,
            "run": self.run,
            "versions": self.deployment.traffic.to_json(),
        }


def image_texts(asked: Request, *, base: str | None = None, home: PathLike | None = None) -> dict[str, str]:
    """Return the Dockerfile and the list of packages of an image; nothing is built.

    Raises:
        UsageError: The wish makes no sense.
    """
    from jupyter_mlops.deploy.imaging import texts

    with open_store(home) as (_, folders):
        planned = _planned(asked, folders)
        return texts(planned, _bundles(planned, folders), base=base)


def build_image(
    asked: Request,
    *,
    push: bool = False,
    engine: str | None = None,
    base: str | None = None,
    told: Callable[[str], None] = lambda line: None,
    home: PathLike | None = None,
) -> Image:
    """Build an image that serves a version of a model, and those that a deployment of the name has beside it.

    Args:
        asked: What it is to serve; ``asked.terms.target["image"]`` is what the image is called.
        push: Whether it is pushed to the registry in its name.
        engine: ``podman`` or ``docker``; whichever is there by default.
        base: Image to build upon.
        told: Called with each line that the engine prints.

    Raises:
        UsageError: The wish makes no sense, or an image, a package or a login is missing.
        InfrastructureError: No engine works, the disk is full, the network is down.
    """
    from jupyter_mlops.deploy.imaging import default_reference, write_context
    from jupyter_mlops.errors import InfrastructureError
    from jupyter_mlops.images.engines import find_engine
    from jupyter_mlops.images.failures import build_error, push_error

    with open_store(home) as (_, folders):
        planned = _planned(asked, folders)
        bundles = _bundles(planned, folders)
        given = (asked.terms.target or {}).get("image") if asked.terms is not None else None
        image = given or default_reference(planned, bundles)
        program = find_engine(engine)
        with tempfile.TemporaryDirectory(prefix="mlops-image-", ignore_cleanup_errors=True) as place:
            write_context(planned, bundles, Path(place), base=base)
            done = program.build(Path(place), image, told=told)
        if done.code:
            raise build_error(done.lines, program.name, base or "the base image", None)
    digest = None
    if push:
        pushed, digest = program.push(image, told)
        if pushed.code:
            raise push_error(pushed.lines, program.name, image)
        if digest is None:
            raise InfrastructureError(
                f"{program.name} pushed {image} and did not say its digest.", hint="Push it again."
            )
    return Image(planned, image, digest, _command(program.name, image, planned, bundles))


def _planned(asked: Request, folders: Home) -> Deployment:
    """The deployment that an image is for: one that is there goes on with its versions beside the new one."""
    from jupyter_mlops.deploy.deployment import Deployment, check_name, default_name
    from jupyter_mlops.deploy.traffic import Traffic
    from jupyter_mlops.store.database import Database

    with Database(folders.database) as database:
        wanted = wish(database, replace(asked, target=None), force=True)
        called = check_name(asked.name or default_name(wanted.version.model))
        record = database.deployment(called)
    before = Traffic(()) if record is None else Traffic(record.shares)
    number = wanted.version.version
    if asked.weights is not None:
        traffic = Traffic.weighted(asked.weights)
    elif asked.canary is not None:
        traffic = before.with_canary(number, asked.canary)
    else:
        traffic = before.with_shadow(number) if asked.shadow else Traffic.whole(number)
    options = wanted.options
    assert options is not None
    return Deployment(called, wanted.version.model, "container", "built", traffic, options)


def _bundles(planned: Deployment, folders: Home) -> list[Bundle]:
    from jupyter_mlops.api.serving import bundle

    return [bundle(f"{planned.model}/{version}", home=folders.root) for version in planned.traffic.versions]


def _command(program: str, image: str, planned: Deployment, bundles: list[Bundle]) -> str:
    traffic = json.dumps(planned.traffic.to_json(), separators=(",", ":"))
    words = [program, "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "-p", "127.0.0.1:8080:8080"]
    words += [
        "-e",
        f"MLOPS_TRAFFIC={traffic}",
        "-e",
        f"MLOPS_DIGESTS={','.join(item.digest for item in bundles)}",
        image,
    ]
    return shlex.join(words)
