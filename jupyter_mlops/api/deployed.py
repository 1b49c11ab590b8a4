"""The process that serves a deployment: here from the store, in a container from the bundles in its image."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.errors import MlopsError, UsageError

if TYPE_CHECKING:
    from jupyter_mlops.deploy.deployment import Deployment
    from jupyter_mlops.deploy.following import DeploymentServer

__all__ = ["container_server", "main", "serve_deployment"]

_BUNDLES = "/bundles"


def serve_deployment(home: Path, name: str) -> None:
    """Serve a deployment of a store on this machine until a signal ends it.

    Raises:
        MlopsError: It can't be served, or another process does so.
    """
    from jupyter_mlops.api.served import StoreSource
    from jupyter_mlops.deploy.book import StoreBook
    from jupyter_mlops.deploy.following import DeploymentServer
    from jupyter_mlops.deploy.local import deployment_folder
    from jupyter_mlops.deploy.serving.process import serve
    from jupyter_mlops.deploy.serving.settings import Settings
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home
    from jupyter_mlops.store.lockfiles import lock

    folders = Home(home)
    if lock(folders.locks / f"deployment-{name}.lock") is None:
        raise UsageError(f"Another process serves {name} already.", hint=f"jupyter mlops deploy show {name}")
    with Database(folders.database) as database:
        book = StoreBook(database, name)
        found = book.current()
        if found is None:
            raise UsageError(f"There is no deployment {name}.")
        settings = Settings(port=_port(found), manage=False)
        server = DeploymentServer(StoreSource(home), book, settings, deployment_folder(folders, name))

        def started(url: str) -> None:
            server.endpoint = url

        serve(settings, lambda: server, "", {}, started=started)


def container_server(environment: Mapping[str, str]) -> DeploymentServer:
    """Return the server of an image, told by variables what to serve.

    Raises:
        UsageError: A variable is missing or makes no sense.
        InfrastructureError: A bundle is damaged.
    """
    from jupyter_mlops.deploy.book import FixedBook
    from jupyter_mlops.deploy.deployment import Deployment, Options
    from jupyter_mlops.deploy.following import DeploymentServer
    from jupyter_mlops.deploy.serving.settings import Settings
    from jupyter_mlops.deploy.serving.sources import FolderSource
    from jupyter_mlops.deploy.traffic import Traffic
    from jupyter_mlops.deploy.trust import Trust
    from jupyter_mlops.store.deployments import Share

    folder = Path(environment.get("MLOPS_BUNDLES", _BUNDLES))
    digests = frozenset(filter(None, environment.get("MLOPS_DIGESTS", "").split(",")))
    source = FolderSource([folder], Trust(digests=digests))
    models = {name for name, _ in source.index()}
    if len(models) != 1:
        raise UsageError(f"{folder} must hold bundles of one model; it has {', '.join(sorted(models)) or 'none'}.")
    model = models.pop()
    try:
        given = json.loads(environment["MLOPS_TRAFFIC"])
        traffic = Traffic(tuple(Share(item["version"], item["weight"], item["role"]) for item in given))
    except KeyError:
        traffic = Traffic.whole(max(version for _, version in source.index()))
    except (ValueError, TypeError) as error:
        raise UsageError(f"MLOPS_TRAFFIC can't be understood: {error}.") from None
    name = environment.get("MLOPS_DEPLOYMENT", model)
    found = Deployment(name, model, "container", "running", traffic, Options())
    token = environment.get("MLOPS_TOKEN")
    settings = Settings(host="0.0.0.0", port=int(environment.get("PORT", "8080")), manage=False, token=token)
    return DeploymentServer(source, FixedBook(found), settings)


def main(arguments: Sequence[str]) -> int:
    """Serve what the arguments, a store and a name, or without them the environment, say; return an exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        if arguments:
            serve_deployment(Path(arguments[0]), arguments[1])
        else:
            from jupyter_mlops.deploy.serving.process import serve

            server = container_server(os.environ)
            serve(server.settings, lambda: server, "", {})
    except MlopsError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    return 0


def _port(found: Deployment) -> int:
    """The port that was asked for; else the one it had before, if that is free; else any."""
    if found.options.port is not None:
        return found.options.port
    before = (found.endpoint or "").rpartition(":")[2]
    if before.isdigit():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", int(before)))
            except OSError:
                return 0
            return int(before)
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # A model that hangs must not keep the process.
    threading.Timer(5.0, os._exit, [code]).start() if threading.active_count() > 1 else None
    sys.exit(code)
