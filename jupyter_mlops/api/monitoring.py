"""Files for those who watch models with Prometheus and Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from jupyter_mlops.api.notebooks import PathLike

__all__ = ["write_monitoring"]


def write_monitoring(
    folder: PathLike, *, seconds: float = 1.0, force: bool = False
) -> tuple[tuple[Path, Literal["written", "replaced", "unchanged"]], ...]:
    """Write alerts for Prometheus and a dashboard for Grafana; a file that is there and differs stays.

    Args:
        folder: Where they go.
        seconds: Within which 95 of 100 answers are to come.
        force: Whether files that are there are replaced.

    Returns:
        Each file, and what was done.

    Raises:
        UsageError: A file is there and differs; the message shows how.
        InfrastructureError: It can't be written.
    """
    from jupyter_mlops.deploy.monitoring import monitoring_files
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.tracking.ci.setup import CiFile, write_ci_file

    if not 0 < seconds < 3600:
        raise UsageError(f"{seconds:g} seconds is no time for an answer.", hint="Such as --latency 0.5")
    made = monitoring_files(Path(folder).absolute(), seconds=seconds)
    return tuple(
        (path, write_ci_file(CiFile("monitoring", path, text, ()), force=force)) for path, text in made.items()
    )
