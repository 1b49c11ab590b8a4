"""``jupyter mlops compile``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, display_path, print_json, say
from jupyter_mlops.cli.parameters import given_parameters, parameter_options
from jupyter_mlops.cli.reading import read, refuse_errors, say_warnings
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.kubeflow.compiling import Compiled

__all__ = ["command"]


@click.command("compile")
@click.argument("notebook")
@click.option("-o", "--output", metavar="FILE", help="The pipeline's file. [default: the notebook's name, .yaml]")
@click.option("--components", metavar="DIR", help="Also write each step as a component: DIR/STEP/component.yaml.")
@click.option("--manifests", metavar="FILE", help="Also write it as Kubernetes resources, for GitOps.")
@click.option("--namespace", metavar="NAME", help="Of those resources.")
@click.option("--image", metavar="REF", help="Container image of all steps that name none of their own.")
@click.option(
    "--image-pull-policy",
    type=click.Choice(["Always", "IfNotPresent", "Never"], case_sensitive=False),
    help="For steps that set none.",
)
@click.option("--pipeline-root", metavar="URI", help="Where artifacts go on the cluster. [default: its own place]")
@click.option("--report", is_flag=True, help="Add a last step that reports how the run ended, also if it failed.")
@click.option("--force", is_flag=True, help="Replace files that are not compiled pipelines, too.")
@parameter_options
@format_option
def command(
    notebook: str,
    output: str | None,
    components: str | None,
    manifests: str | None,
    namespace: str | None,
    image: str | None,
    image_pull_policy: str | None,
    pipeline_root: str | None,
    report: bool,
    force: bool,
    form: str,
    **parameters: Any,
) -> int:
    """Compile a notebook for Kubeflow Pipelines.

    Writes files only: no cluster is contacted and nothing is run. Parameters become the defaults of the
    compiled pipeline. NOTEBOOK is only read.
    """
    from jupyter_mlops.api import kubeflow

    source, pipeline = read(notebook)
    refuse_errors(source, pipeline, "compiled")
    compiled = kubeflow.compile_notebook(
        source,
        given_parameters(source, pipeline, parameters),
        image=image,
        image_pull_policy=image_pull_policy,
        pipeline_root=pipeline_root,
        report=report,
        sliced=pipeline,
    )
    target = output if output is not None else f"{Path(notebook).stem}.yaml"
    if namespace is not None and manifests is None:
        raise UsageError("--namespace is for the resources of --manifests.", hint="Add --manifests FILE.")
    written = kubeflow.write_compiled(
        compiled,
        target,
        components=components,
        manifests=manifests,
        namespace=namespace,
        source=Path(notebook),
        force=force,
    )
    say_warnings(source, pipeline)
    if form == "json":
        print_json(_json(compiled, written))
    else:
        _say(compiled, written)
    return 0


def _say(compiled: Compiled, written: tuple[Path, ...]) -> None:
    images = sorted({*compiled.images.values()})
    shown = images[0] if len(images) == 1 else f"{len(images)} images"
    size = len(compiled.yaml.encode()) / 1024
    say(f"{display_path(written[0])}: {count(len(compiled.images), 'step')}, {size:.0f} KiB, {shown}", bold=True)
    for path in written[1:]:
        say(f"  {display_path(path)}")
    for note in compiled.notes:
        say(f"note: {note}")


def _json(compiled: Compiled, written: tuple[Path, ...]) -> dict[str, object]:
    resources = [str(path) for path in written[1:] if path.name != "component.yaml"]
    others = {path.parent.name: str(path) for path in written[1:] if path.name == "component.yaml"}
    return {
        "schema": 1,
        "name": compiled.name,
        "output": str(written[0]),
        "components": {slug: others[slug] for slug in compiled.components if slug in others},
        "manifests": resources[0] if resources else None,
        "images": dict(compiled.images),
        "parameters": [
            {"name": item.name, "key": item.key, "type": item.type, "encoding": item.encoding, "default": item.default}
            for item in compiled.arguments.values()
        ],
        "notes": list(compiled.notes),
    }
