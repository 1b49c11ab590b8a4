"""``jupyter mlops deploy``: let versions of models answer requests, and see how they do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import print_json, say
from jupyter_mlops.cli.subcommands import WithSubcommands
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.api.deployments import Deployed, Request

__all__ = ["command"]

SCHEMA = 1
_REASON = click.option("--reason", metavar="TEXT", help="Why; it stays on record.")
_FORCE = click.option("--force", is_flag=True, help="Also a version whose code was not committed.")


@click.command("list")
@format_option
def list_(form: str) -> int:
    """List the deployments: what answers, where, and how it stands."""
    from jupyter_mlops.api import deployments
    from jupyter_mlops.cli.deploy_text import say_deployments

    found = deployments.deployments()
    if form == "json":
        print_json({"schema": SCHEMA, "deployments": [item.to_json() for item in found]})
    else:
        say_deployments(found)
    return 0


@click.command("show")
@click.argument("name")
@format_option
def show(name: str, form: str) -> int:
    """Show a deployment: rates, latencies, errors, drift, accuracy by version, and what was done to it."""
    from jupyter_mlops.api import deployments
    from jupyter_mlops.cli.deploy_text import say_deployment, shown_json

    found = deployments.deployment(name)
    print_json({"schema": SCHEMA, **shown_json(found)}) if form == "json" else say_deployment(found)
    return 0


@click.command("promote")
@click.argument("name")
@click.option("--version", type=click.IntRange(1), metavar="N", help="This one. [default: the canary, or the shadow]")
@_REASON
@_FORCE
@format_option
def promote(name: str, version: int | None, reason: str | None, force: bool, form: str) -> int:
    """Give all requests to the version on trial."""
    from jupyter_mlops.api import deployments

    def change(why: str | None) -> Deployed:
        return deployments.promote(name, version=version, reason=why, force=force)

    return _told(_with_reason(change, reason), form)


@click.command("rollback")
@click.argument("name")
@click.option("--to", type=click.IntRange(1), metavar="N", help="This version. [default: what answered before]")
@_REASON
@format_option
def rollback(name: str, to: int | None, reason: str | None, form: str) -> int:
    """Bring back at once what answered before the last change, with nothing on trial."""
    from jupyter_mlops.api import deployments

    return _told(deployments.roll_back(name, to=to, reason=reason), form)


@click.command("weights")
@click.argument("name")
@click.argument("weights", metavar="VERSION=PERCENT[,...]")
@_REASON
@_FORCE
@format_option
def weights(name: str, weights: str, reason: str | None, force: bool, form: str) -> int:
    """Part the requests between versions, such as for an A/B test."""
    from jupyter_mlops.api import deployments
    from jupyter_mlops.deploy.traffic import parse_weights

    def change(why: str | None) -> Deployed:
        return deployments.set_weights(name, parse_weights(weights), reason=why, force=force)

    return _told(_with_reason(change, reason), form)


@click.command("stop")
@click.argument("name")
@_REASON
@format_option
def stop(name: str, reason: str | None, form: str) -> int:
    """End a deployment; requests that are being answered end well. Deploying again starts it."""
    from jupyter_mlops.api import deployments

    done = deployments.stop_deployment(name, reason=reason)
    if form == "json":
        return _told(done, form)
    say(f"{name} is stopped." if done.changed else f"{name} was stopped already.")
    return 0


@click.command("rm")
@click.argument("name")
@format_option
def remove(name: str, form: str) -> int:
    """Forget a deployment that was stopped; what was done to it stays on record."""
    from jupyter_mlops.api import deployments

    deployments.remove_deployment(name)
    print_json({"schema": SCHEMA, "removed": name}) if form == "json" else say(f"{name} is forgotten.")
    return 0


@click.command("try")
@click.argument("name")
@click.argument("rows", required=False, metavar="[ROWS]")
@click.option("--version", type=click.IntRange(1), metavar="N", help="Ask this one. [default: by the traffic]")
@format_option
def try_(name: str, rows: str | None, version: int | None, form: str) -> int:
    """Send rows to a deployment and print what it answers.

    ROWS is JSON, or a file with JSON: {"instances": [[1, 2]]}, [{"age": 31}], {"dataframe_split": ...}; - reads
    standard input. Without it, the example in the model's bundle is sent.
    """
    from jupyter_mlops.api import deployments
    from jupyter_mlops.cli.deploy_text import read_rows, say_answer

    done = deployments.try_it(name, None if rows is None else read_rows(rows), version=version)
    if form == "json":
        answer = {"version": done.version, "id": done.id, "outputs": dict(done.outputs), "seconds": done.seconds}
        print_json({"schema": SCHEMA, **answer})
    else:
        say_answer(done)
    return 0


class _Deploy(WithSubcommands):
    subcommands: ClassVar[Mapping[str, click.Command]] = {
        "list": list_,
        "show": show,
        "promote": promote,
        "rollback": rollback,
        "weights": weights,
        "try": try_,
        "stop": stop,
        "rm": remove,
    }


@click.command("deploy", cls=_Deploy)
@click.argument("reference", metavar="MODEL[@VERSION|@ALIAS]", required=False)
@click.option("--name", metavar="NAME", help="Of the deployment. [default: the model's]")
@click.option("--target", metavar="NAME", help="local, container, kserve or kubernetes. [default: local]")
@click.option("--canary", type=int, metavar="PERCENT", help="Give it this part of the requests, to try it.")
@click.option("--shadow", is_flag=True, help="Let it get the rows alone; its answers are compared.")
@click.option("--weights", metavar="V=PERCENT,...", help="Part the requests between versions, such as 2=50,3=50.")
@_REASON
@_FORCE
@click.option("--dry-run", is_flag=True, help="Print what a cluster would get, or how an image is built.")
@click.option("--apply", is_flag=True, help="Send it to the cluster.")
@click.option("--port", type=int, metavar="N", help="Of the local server. [default: a free one]")
@click.option("--max-errors", type=float, metavar="PERCENT", help="Take it back if more fail. [default: 5]")
@click.option("--max-latency", type=float, metavar="MS", help="Take it back if 5 % take longer. [default: 0, any]")
@click.option("--judge-seconds", type=float, metavar="S", help="Judge by the last seconds. [default: 60]")
@click.option("--judge-requests", type=int, metavar="N", help="Judge by no fewer requests. [default: 50]")
@click.option("--probation", type=float, metavar="S", help="How long a promoted version is on trial. [default: 600]")
@click.option("--window", type=int, metavar="ROWS", help="Compare so many with the training data. [default: 500]")
@click.option("--sample", type=float, metavar="PERCENT", help="Write down this part of the requests. [default: 0]")
@click.option("--image", metavar="REF", help="The container image: its name, or the one that has the versions.")
@click.option("--push", is_flag=True, help="Push the image that was built.")
@click.option("--engine", type=click.Choice(["podman", "docker"]), help="What builds it. [default: what is there]")
@click.option("--base", metavar="REF", help="Image to build upon. [default: python:3.x-slim]")
@click.option("--namespace", metavar="NAME", help="Of the cluster. [default: default]")
@click.option("--context", metavar="NAME", help="Of the kubeconfig. [default: the current one]")
@click.option("--min-replicas", type=int, metavar="N", help="Servers at least. [default: 1]")
@click.option("--max-replicas", type=int, metavar="N", help="Servers at most. [default: 3]")
@click.option("--cpu", metavar="AMOUNT", help="Of each server. [default: 250m]")
@click.option("--memory", metavar="AMOUNT", help="Of each server. [default: 512Mi]")
@click.option("--mode", type=click.Choice(["serverless", "raw"]), help="Of KServe. [default: serverless]")
@click.option("--pull-secret", metavar="NAME", help="Secret with the registry's login.")
@click.option("--token-secret", metavar="NAME", help="Secret whose `token` clients have to show.")
@format_option
def command(
    reference: str | None,
    name: str | None,
    target: str | None,
    canary: int | None,
    shadow: bool,
    weights: str | None,
    reason: str | None,
    force: bool,
    dry_run: bool,
    apply: bool,
    push: bool,
    engine: str | None,
    base: str | None,
    form: str,
    **terms: Any,
) -> int:
    """Let a version of a model answer requests: on this machine, or on a cluster.

    A deployment that is there goes over to the version without failing a request. It is a NAME, and MODEL may be
    churn (the newest version), churn@3 or churn@champion.
    """
    from jupyter_mlops.api import deployments
    from jupyter_mlops.deploy.traffic import parse_weights

    if reference is None:
        raise UsageError("Which model?", hint="Such as: jupyter mlops deploy churn@3. See also: deploy list")
    if dry_run and apply:
        raise UsageError("--dry-run changes nothing and --apply does: give one of them.")
    shares = None if weights is None else parse_weights(weights)
    asked = deployments.Request(reference, name, target, canary, shadow, shares, _terms(terms))
    if target == "container":
        return _image(asked, dry_run, {"push": push, "engine": engine, "base": base}, form)
    if dry_run:
        return _print_manifests(deployments.deployment_manifests(asked), form)

    def change(why: str | None) -> Deployed:
        return deployments.deploy(asked, reason=why, force=force, apply=apply)

    return _told(_with_reason(change, reason), form)


def _terms(given: dict[str, Any]) -> Any:
    from jupyter_mlops.api.deployments import Terms

    kept = ("port", "max_errors", "max_latency", "judge_seconds", "judge_requests", "probation", "window", "sample")
    target = {name: value for name, value in given.items() if name not in kept}
    return Terms(**{name: given[name] for name in kept}, target=target)


def _with_reason(change: Callable[[str | None], Deployed], reason: str | None) -> Deployed:
    """Make a change; whoever sits at a terminal is asked for the reason it needs."""
    from jupyter_mlops.deploy.rollout import Reason

    try:
        return change(reason)
    except Reason as error:
        if not sys.stdin.isatty():
            raise
        say(error.message, err=True)
        return change(click.prompt("Reason", err=True))


def _told(done: Deployed, form: str) -> int:
    from jupyter_mlops.cli.deploy_text import deployed_json, say_deployed

    print_json({"schema": SCHEMA, **deployed_json(done)}) if form == "json" else say_deployed(done)
    return 0


def _print_manifests(text: str, form: str) -> int:
    if form == "json":
        from jupyter_mlops.deploy.targets import objects_of

        print_json({"schema": SCHEMA, "objects": objects_of(text)})
    else:
        say(text.rstrip())
    return 0


def _image(asked: Request, dry_run: bool, options: dict[str, Any], form: str) -> int:
    from jupyter_mlops.api import deployed_images
    from jupyter_mlops.cli.deploy_text import say_image

    if dry_run:
        texts = deployed_images.image_texts(asked, base=options["base"])
        print_json({"schema": SCHEMA, "files": texts}) if form == "json" else say(texts["Dockerfile"].rstrip())
        return 0
    built = deployed_images.build_image(
        asked, **options, told=lambda line: say(line, err=True) if form == "text" else None
    )
    if form == "json":
        print_json({"schema": SCHEMA, **built.to_json()})
    else:
        say_image(built)
    return 0
