"""``jupyter mlops bundle``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, display_path, print_json, say
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.deploy.bundle import Bundle

__all__ = ["command"]

SCHEMA = 1


@click.command("bundle")
@click.argument("reference", metavar="NAME[@ALIAS|/VERSION]", required=False)
@click.argument("folder", metavar="[FOLDER]", required=False)
@click.option(
    "--before",
    multiple=True,
    metavar="NAME",
    help="Apply this variable of the model's run before the model, such as a scaler; may be repeated, in order.",
)
@click.option("--sign", "key", metavar="FILE", help="Sign it with this private key, for use without this store.")
@click.option("--no-onnx", is_flag=True, help="Let the estimator compute, even if a converted model agrees with it.")
@click.option("--again", is_flag=True, help="Make it even if there is one.")
@click.option("--new-key", metavar="FILE", help="Make a key that signs: FILE, and the public FILE.pub.")
@format_option
def command(
    reference: str | None,
    folder: str | None,
    before: Sequence[str],
    key: str | None,
    no_onnx: bool,
    again: bool,
    new_key: str | None,
    form: str,
) -> int:
    """Make a folder with all that is needed to serve a version of a model.

    Without FOLDER it stands in the store, where serve and predict find it.
    """
    from jupyter_mlops import api

    if new_key is not None:
        if reference is not None:
            raise UsageError("--new-key makes a key and nothing else.", hint="Leave the model out.")
        public = api.make_signing_key(new_key)
        if form == "json":
            print_json({"schema": SCHEMA, "private_key": new_key, "public_key": str(public)})
        else:
            say(f"Made {new_key} (keep it to yourself) and {public} (for those who load what you sign).")
        return 0
    if reference is None:
        raise UsageError("Which model?", hint="Such as: jupyter mlops bundle churn@champion")
    made = api.bundle(
        reference, folder, before=before or None, key=key, use_onnx=not no_onnx, again=again or bool(before)
    )
    print_json(_json(made)) if form == "json" else _say(made)
    return 0


def _say(made: Bundle) -> None:
    say(f"{made.model}/{made.version} is bundled in {display_path(Path(made.path))}.", bold=True)
    say(f"  digest      {made.digest}")
    onnx = made.manifest["onnx"]
    if onnx["used"]:
        compared = (
            f"agrees on {count(onnx['rows_compared'], 'row')}, largest difference {onnx['largest_difference']:.2g}"
        )
        say(f"  computes    ONNX Runtime: {compared}")
    else:
        say(f"  computes    the estimator itself: {onnx['reason']}")
    say(f"  members     {', '.join(item['name'] + ' (' + item['form'] + ')' for item in made.manifest['members'])}")
    statistics = made.statistics()
    known = "unknown: drift can't be watched" if statistics is None else f"{count(statistics['rows'], 'row')} described"
    say(f"  training    {known}")
    if made.padding is None:
        say("  batching    off: results depend on which rows are computed together")


def _json(made: Bundle) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "model": made.model,
        "version": made.version,
        "path": str(made.path),
        "digest": made.digest,
        "engine": made.engine_name,
        "onnx": made.manifest["onnx"],
        "members": made.manifest["members"],
        "signature": made.manifest["signature"],
        "batching": made.manifest["batching"],
    }
