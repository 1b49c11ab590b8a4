"""``jupyter mlops build``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, is_terminal, print_json, say
from jupyter_mlops.cli.reading import read, refuse_errors

if TYPE_CHECKING:
    from jupyter_mlops.images.model import Build, Image, ImagePlan, Problem

__all__ = ["command"]

_COLORS = {"error": "red", "warning": "yellow", "info": None}
_STEP = re.compile(r"^(?:(?:\[\d+/\d+\] )?STEP (\d+/\d+): |#\d+ \[[^\]]*?(\d+/\d+)\] )(.*)")
_PIP = re.compile(r"^(?:#\d+ [\d.]+ )?(Collecting|Downloading|Installing collected packages|Successfully installed)\b")
_WIDTH = 110


@click.command("build")
@click.argument("notebook")
@click.option("--push", is_flag=True, help="Push to the registry, and remember the digests.")
@click.option("-t", "--tag", metavar="TAG", help="Tag of the images. [default: a digest of what is in them]")
@click.option("--registry", metavar="HOST/PATH", help="Where the images belong. [default: of mlops.toml]")
@click.option("--base", metavar="IMAGE", help="Build upon this image. [default: Python of the kernel's version]")
@click.option("--engine", type=click.Choice(["podman", "docker"]), help="What builds. [default: whichever is there]")
@click.option(
    "--build-option",
    "options",
    metavar="OPTION",
    multiple=True,
    help="Pass this to the engine's build, such as --network=host; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Show the Dockerfile, the lock and what is wrong; build nothing.")
@format_option
def command(
    notebook: str,
    push: bool,
    tag: str | None,
    registry: str | None,
    base: str | None,
    engine: str | None,
    options: tuple[str, ...],
    dry_run: bool,
    form: str,
) -> int:
    """Build the container image that the steps run in on a cluster.

    It has the packages that the notebook's imports come from, at the versions in use here, the project's own
    modules, the files that steps read, and this package. A change of code rebuilds its last layers alone.
    Exit code 2 if it would lack something.
    """
    from jupyter_mlops import api
    from jupyter_mlops.errors import UsageError

    source, pipeline = read(notebook)
    refuse_errors(source, pipeline, "built")
    plan = api.plan_images(source, base=base, registry=registry, tag=tag, sliced=pipeline)
    if dry_run:
        print_json(plan.to_json()) if form == "json" else _say_plan(plan)
        return UsageError.exit_code if plan.errors else 0
    if not plan.errors:
        _say_problems(plan.problems, err=True)
    progress = _Progress()
    done = api.build(source, push=push, engine=engine, options=options, told=progress, sliced=pipeline, plan=plan)
    progress.clear()
    _say_problems([item for item in done.problems if item not in plan.problems], err=True)
    print_json(done.to_json()) if form == "json" else _say_build(done)
    return 0


class _Progress:
    """Shows on stderr what the engine does: one line that changes on a terminal, the steps as lines elsewhere."""

    def __init__(self) -> None:
        self._live = is_terminal(sys.stderr)
        self._step = ""

    def __call__(self, line: str) -> None:
        step = _STEP.match(line)
        if step:
            self._step = f"{step[1] or step[2]} {step[3]}"
        elif not _PIP.match(line) or not self._live:
            return
        text = self._step if step else f"{self._step.partition(' ')[0]} {line}"
        text = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
        if self._live:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        else:
            say(text, err=True, flush=True)

    def clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")


def _say_plan(plan: ImagePlan) -> None:
    for image in plan.images:
        say(image.reference, bold=True)
        say(f"  for {_steps(image.steps)}, upon {image.base}")
        say()
        for name, text in {"Dockerfile": image.dockerfile, **image.texts}.items():
            say(f"{name}:", bold=True)
            for line in text.splitlines():
                say(f"  {line}".rstrip())
            say()
        _say_files(image)
    for slug, name in plan.given.items():
        say(f"Step {slug} names its image itself: {name}")
    _say_problems(plan.problems)


def _say_files(image: Image) -> None:
    if image.files:
        say(f"{count(len(image.files), 'file')} of the project:", bold=True)
    for name in sorted(image.files):
        say(f"  {name}")
    if image.files:
        say()


def _say_problems(problems: Iterable[Problem], *, err: bool = False) -> None:
    for item in problems:
        say(f"{item.severity}: {item.message}", err=err, color=_COLORS[item.severity])
        if item.hint:
            say(f"  hint: {item.hint}", err=err)


def _say_build(done: Build) -> None:
    for image in done.images:
        say(f"{image.reference}  for {_steps(image.steps)}", bold=True, color="green")
        if image.pushed:
            say(f"  pushed as {image.pinned}")
    for slug, name in done.given.items():
        say(f"Step {slug} names its image itself: {name}")
    words = f"{count(len(done.images), 'image')} built with {done.engine} in {done.seconds:.1f} s"
    if not all(image.pushed for image in done.images):
        words += "; on this machine alone, until you push with --push"
    say(f"{words}.")


def _steps(steps: tuple[str, ...]) -> str:
    return f"step {steps[0]}" if len(steps) == 1 else count(len(steps), "step")
