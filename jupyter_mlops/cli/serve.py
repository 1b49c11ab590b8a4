"""``jupyter mlops serve``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import print_json, say
from jupyter_mlops.errors import UsageError

__all__ = ["command"]

SCHEMA = 1
TOKEN = "JUPYTER_MLOPS_SERVE_TOKEN"


@click.command("serve")
@click.argument("references", metavar="NAME[@ALIAS|/VERSION]...", nargs=-1)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, default=8080, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=int, default=1, show_default=True, help="Processes that answer.")
@click.option("--bundle", "folders", multiple=True, metavar="FOLDER", help="Serve bundles from here, not the store.")
@click.option("--key", "keys", multiple=True, metavar="FILE", help="Load bundles that this public key's owner signed.")
@click.option("--digest", "digests", multiple=True, metavar="DIGEST", help="Load the bundle of this digest.")
@click.option("--token-file", metavar="FILE", help=f"Ask for the token in this file; or set {TOKEN}.")
@click.option("--origin", "origins", multiple=True, metavar="URL", help="Let web pages of this origin call the server.")
@click.option("--max-body", type=float, default=32, show_default=True, metavar="MIB", help="Largest request.")
@click.option("--timeout", type=float, default=30, show_default=True, metavar="S", help="What a model may take.")
@click.option("--queue", type=int, default=256, show_default=True, metavar="N", help="Requests that may wait.")
@click.option("--max-batch", type=int, default=1024, show_default=True, metavar="N", help="Rows computed together.")
@click.option("--drain", type=float, default=30, show_default=True, metavar="S", help="Time for requests at the end.")
@click.option("--no-manage", is_flag=True, help="Don't load or unload models by requests.")
@click.option("--certificate", metavar="FILE", help="Speak TLS with this certificate.")
@click.option("--private-key", metavar="FILE", help="The certificate's private key.")
@format_option
def command(
    references: Sequence[str],
    host: str,
    port: int,
    workers: int,
    folders: Sequence[str],
    keys: Sequence[str],
    digests: Sequence[str],
    token_file: str | None,
    origins: Sequence[str],
    max_body: float,
    timeout: float,
    queue: int,
    max_batch: int,
    drain: float,
    no_manage: bool,
    certificate: str | None,
    private_key: str | None,
    form: str,
) -> int:
    """Serve models over HTTP until Ctrl-C or SIGTERM.

    The Open Inference Protocol (v2), KServe's v1, MLflow's /invocations, /metrics for Prometheus, /docs for people. An
    alias is followed: when it moves, the server goes over to its version without failing a request.
    """
    from jupyter_mlops import api

    if not references and not folders:
        raise UsageError("Which model?", hint="Such as: jupyter mlops serve churn@champion")
    settings = api.serve_settings(
        host=host, port=port, workers=workers, max_body=int(max_body * 2**20), timeout=timeout, queue=queue,
        max_batch=max_batch, drain=drain, token=_token(token_file), origins=tuple(origins), manage=not no_manage,
        certificate=_file(certificate), private_key=_file(private_key),
    )  # fmt: skip

    def started(url: str) -> None:
        if form == "json":
            print_json({"schema": SCHEMA, "url": url, "pid": os.getpid()}, each_line=True)
            return
        say(f"Serving {', '.join(references) or 'bundles'} at {url}", bold=True, flush=True)
        say(f"  {url}/docs  what there is; Ctrl-C ends it", flush=True)

    api.serve(references, settings, folders=folders, digests=digests, keys=keys, started=started)
    return 0


def _token(path: str | None) -> str | None:
    if path is None:
        return os.environ.get(TOKEN)
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The token's file {path} can't be read: {getattr(error, 'strerror', None) or error}."
        ) from error


def _file(path: str | None) -> str | None:
    if path is not None and not Path(path).is_file():
        raise UsageError(f"There is no file {path}.")
    return path
