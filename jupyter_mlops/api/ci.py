"""What continuous integration needs besides a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jupyter_mlops.api.notebooks import PathLike
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

if TYPE_CHECKING:
    from jupyter_mlops.engine.result import RunResult
    from jupyter_mlops.errors import MlopsError
    from jupyter_mlops.tracking.ci.conclusion import Wishes
    from jupyter_mlops.tracking.ci.setup import CiFile

__all__ = ["check_wishes", "github_annotations", "make_ci_file", "tell_refusal", "write_ci_file"]


def check_wishes(
    gates: Sequence[str] = (),
    baseline: str | None = None,
    *,
    junit: PathLike | None = None,
    markdown: PathLike | None = None,
    summary: PathLike | None = None,
    report: PathLike | None = None,
) -> Wishes:
    """Check what is to be done about a run, before it begins; the arguments are those of ``run``.

    Raises:
        UsageError: A gate has a mistake, or there is no baseline that it could compare with.
    """
    from jupyter_mlops.tracking.ci.conclusion import wishes_of

    return wishes_of(
        gates,
        baseline,
        junit=_path(junit),
        markdown=_path(markdown),
        summary=_path(summary),
        report=_path(report),
    )


def github_annotations(result: RunResult, notebook: Notebook, sliced: Pipeline) -> tuple[str, ...]:
    """Say in GitHub's workflow commands what failed in a run, one line each."""
    from jupyter_mlops.tracking.ci.account import account_of
    from jupyter_mlops.tracking.ci.annotations import annotation_lines

    return tuple(annotation_lines(account_of(result, sliced, notebook)))


def tell_refusal(
    error: MlopsError,
    wishes: Wishes,
    *,
    file: PathLike | None,
    notebook: Notebook | None = None,
    sliced: Pipeline | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write JUnit and Markdown about a run that did not come to be.

    Args:
        error: Why.
        wishes: What ``check_wishes`` returned.
        file: The notebook's file.
        notebook: What was read of it, and ``sliced`` what was made of it, as far as it got.

    Returns:
        Why files could not be written; and the same in GitHub's workflow commands as the error itself.
    """
    from jupyter_mlops.tracking.ci.account import refusal
    from jupyter_mlops.tracking.ci.annotations import annotation_lines
    from jupyter_mlops.tracking.ci.conclusion import write_account

    account = refusal(error, _path(file), notebook, sliced)
    return tuple(write_account(account, wishes)), tuple(annotation_lines(account))


def make_ci_file(
    provider: str,
    *,
    start: PathLike | None = None,
    notebooks: Sequence[PathLike] = (),
    gates: Sequence[str] = (),
    branch: str | None = None,
    output: PathLike | None = None,
) -> CiFile:
    """Make the file that lets a CI service run notebooks; nothing is written.

    Args:
        provider: ``github`` or ``gitlab``.
        start: A folder in the repository; the working directory by default.
        notebooks: What to run; by default the repository's notebooks that have steps.
        gates: Conditions that each run must meet.
        branch: The branch to compare with; by default the repository's main branch.
        output: Where the file goes instead of where the service looks for it.

    Raises:
        UsageError: There is no such provider or notebook, or a gate has a mistake.
    """
    from jupyter_mlops.tracking.ci.setup import make_ci_file as make

    return make(
        _path(start) or Path.cwd(),
        provider,
        notebooks=[Path(item) for item in notebooks],
        gates=gates,
        branch=branch,
        output=_path(output),
    )


def write_ci_file(file: CiFile, *, force: bool = False) -> Literal["written", "replaced", "unchanged"]:
    """Write what ``make_ci_file`` returned; another file in its place stays unless ``force`` says otherwise.

    Raises:
        UsageError: There is another file; the message shows how it differs.
    """
    from jupyter_mlops.tracking.ci.setup import write_ci_file as write

    return write(file, force=force)


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path)
