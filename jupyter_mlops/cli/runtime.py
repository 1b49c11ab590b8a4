"""``jupyter mlops runtime``: the clusters that a project can submit to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import display_path, print_json, report_error, say, table
from jupyter_mlops.cli.subcommands import WithSubcommands
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.kubeflow.runtimes import Runtime

__all__ = ["command"]

_SYMBOLS = {"ok": ("ok", "green"), "failed": ("failed", "red"), "skipped": ("-", None)}


@click.command("list")
@format_option
def list_(form: str) -> int:
    """List the runtimes of this project."""
    return _list(form)


@click.command("add")
@click.argument("name")
@click.option("--host", required=True, metavar="URL", help="Base URL of the API, as the browser shows it.")
@click.option("--namespace", metavar="NAME", help="Kubernetes namespace, where Kubeflow is for several users.")
@click.option("--pipeline-root", metavar="URI", help="Where runs leave what they make: s3://…, gs://…, minio://….")
@click.option("--registry", metavar="REF", help="Where images are pushed to.")
@click.option("--experiment", metavar="NAME", help="The group that runs are in unless they say another.")
@click.option("--ui", metavar="URL", help="Base URL of the pages, if it is not the host.")
@click.option("--ca", metavar="FILE", help="Certificates that sign the host's.")
@click.option("--service-account", metavar="NAME", help="Kubernetes service account that steps run as.")
@click.option("--auth", metavar="TYPE", help="token, token_file, service_account, client_credentials, cookie or none.")
@click.option(
    "--auth-key", multiple=True, metavar="KEY=VALUE", help="What the type of auth needs, such as token=env:PROD_TOKEN."
)
@click.option("--storage", multiple=True, metavar="KEY=VALUE", help="Options of the file system of --pipeline-root.")
@click.option("--replace", is_flag=True, help="Replace the runtime of this name.")
@format_option
def add(
    name: str, auth: str | None, auth_key: Sequence[str], storage: Sequence[str], replace: bool, form: str, **texts: Any
) -> int:
    """Add a runtime to the project's mlops.toml.

    Secrets are never given here: name the environment variable (env:NAME) or the entry of the keyring
    (keyring:SERVICE/USER) that has them.
    """
    from jupyter_mlops.api import clusters

    values: dict[str, Any] = {key: value for key, value in texts.items() if value}
    if auth is not None or auth_key:
        values["auth"] = {**({"type": auth} if auth is not None else {}), **_pairs("--auth-key", auth_key)}
    if storage:
        values["storage"] = _pairs("--storage", storage)
    runtime, path = clusters.add_runtime(name, values, replace=replace)
    if form == "json":
        print_json({"schema": 1, "file": str(path), "runtime": runtime.to_json()})
        return 0
    say(f"Wrote the runtime {name} into {display_path(path)}.")
    say(f"  jupyter mlops runtime test {name}   looks whether it can be used")
    return 0


@click.command("test")
@click.argument("name")
@format_option
def test(name: str, form: str) -> int:
    """Find out whether a runtime can be used, and if not, why. Nothing is changed there."""
    from jupyter_mlops.api import clusters

    found = clusters.check_runtime(name)
    if form == "json":
        print_json(found.to_json())
    else:
        say(f"{found.runtime}  {found.host}", bold=True)
        for check in found.checks:
            word, color = _SYMBOLS[check.state]
            text = "see below" if check.state == "failed" else check.text
            say(f"  {check.name:8} {word:7} {text}", color=color)
    if found.error is not None:
        report_error(found.error)
        return found.error.exit_code
    return 0


@click.command("rm")
@click.argument("name")
@format_option
def remove(name: str, form: str) -> int:
    """Remove a runtime from the project's mlops.toml. Nothing is changed on the cluster."""
    from jupyter_mlops.api import clusters

    runtime = clusters.remove_runtime(name)
    print_json({"schema": 1, "removed": runtime.name}) if form == "json" else say(f"Removed the runtime {name}.")
    return 0


class _Runtime(WithSubcommands):
    subcommands: ClassVar[Mapping[str, click.Command]] = {"list": list_, "add": add, "test": test, "rm": remove}


@click.command("runtime", cls=_Runtime)
@click.argument("word", required=False, metavar="")
@format_option
def command(word: str | None, form: str) -> int:
    """List, add, test or remove the clusters that this project can submit to.

    They are the tables [runtimes.NAME] of mlops.toml at the project's root; docs/clusters.md has their keys.
    """
    if word is not None:
        near = _Runtime("runtime").near(word)
        hint = f"Did you mean jupyter mlops runtime {near}?" if near else "There are: list, add, test, rm."
        raise UsageError(f"runtime has no subcommand {word!r}.", hint=hint)
    return _list(form)


def _list(form: str) -> int:
    from jupyter_mlops.api import clusters

    found = clusters.list_runtimes()
    if form == "json":
        print_json({"schema": 1, "runtimes": [runtime.to_json() for runtime in found.values()]})
        return 0
    if not found:
        say("No runtimes.")
        say("  jupyter mlops runtime add prod --host https://HOST   adds one", err=True)
        return 0
    for line in table([("runtime", "host", "namespace", "auth"), *map(_row, found.values())], indent=""):
        say(line)
    return 0


def _row(runtime: Runtime) -> tuple[str, ...]:
    return (runtime.name, runtime.host, runtime.namespace or "-", runtime.auth.kind)


def _pairs(option: str, texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise UsageError(f"{option} takes KEY=VALUE.", hint="Such as token=env:PROD_TOKEN.")
        found[key.strip()] = {"true": True, "false": False}.get(value.lower(), value)
    return found
