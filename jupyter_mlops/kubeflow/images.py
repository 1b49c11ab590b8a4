"""Whether a cluster can pull the images of a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.runtimes import Runtime

__all__ = ["refuse_unpushed"]

_LOCAL = ("localhost", "localhost.localdomain", "127.0.0.1")


def refuse_unpushed(runtime: Runtime, images: Mapping[str, str], unpushed: Iterable[str]) -> None:
    """Refuse images that are on this machine alone, if the cluster is on another.

    Args:
        images: Image by step slug.
        unpushed: References of images that were built here and not pushed.

    Raises:
        UsageError: There is one.
    """
    if not runtime.is_remote:
        return
    known = set(unpushed)
    for slug, image in images.items():
        host = image.partition("/")[0]
        if image in known:
            reason = "it was built here and not pushed"
        elif host in _LOCAL:
            reason = f"{host} is this machine, and for the cluster it is another"
        else:
            continue
        registry = f" --registry {runtime.registry}" if runtime.registry else ""
        raise UsageError(
            f"The cluster of the runtime {runtime.name!r} can't pull the image {image} of step {slug!r}: {reason}.",
            hint=f"jupyter mlops build NOTEBOOK --push{registry} puts it where the cluster finds it.",
        )
