"""How large a compiled pipeline may be: Kubernetes keeps all of it in one record while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jupyter_mlops.errors import NotebookError

__all__ = ["MAX_PIPELINE", "check_size", "size_notes"]

_KIB, _MIB = 1024, 1024 * 1024
MAX_PIPELINE = 3 * _MIB // 2
"""Bytes of the largest request that etcd, where Kubernetes keeps its records, takes unless it is set otherwise."""
_ANNOTATIONS = 256 * _KIB
"""Bytes that an object's annotations may have, where Kubeflow Pipelines 2.2 and older keep the components."""
_NAMED = 3


def check_size(text: str, steps: Mapping[str, int]) -> None:
    """Refuse a pipeline that no cluster would start.

    Args:
        text: The compiled pipeline.
        steps: Bytes of each step's notebook in it, by the step's name.

    Raises:
        NotebookError: It is too large; the message names the largest steps.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size <= MAX_PIPELINE:
        return
    largest = sorted(steps.items(), key=lambda item: -item[1])[:_NAMED]
    named = ", ".join(f'"{name}" ({count / _KIB:.0f} KiB)' for name, count in largest)
    message = (
        f"The pipeline is too large for Kubeflow: it has {size / _MIB:.2f} MiB, and Kubernetes takes records of "
        f"{MAX_PIPELINE / _MIB:.1f} MiB at most. Its largest steps: {named}."
    )
    hint = "Move data and long texts into files of the project, or code into a module that steps import."
    raise NotebookError(message, hint=hint)


def size_notes(text: str) -> Iterator[str]:
    """What there is to say of a pipeline that not all clusters start."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > _MIB:
        yield f"The pipeline has {size / _MIB:.1f} MiB; clusters keep it in one record, some of 1 MiB at most."
    elif size > _ANNOTATIONS:
        yield (
            f"The pipeline has {size / _KIB:.0f} KiB; Kubeflow Pipelines 2.2 and older start none of more than "
            f"{_ANNOTATIONS // _KIB} KiB."
        )
