"""Which kind of file system a path is on."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["is_network", "mount_type"]

# Shared memory between machines does not exist, and these don't offer it to processes of one machine reliably either.
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|9p|afs|ceph|glusterfs|lustre|gpfs|beegfs|pvfs2|davfs2?|virtiofs|vboxsf|ncpfs|fuse(\..+)?",
    re.IGNORECASE,
)
_MOUNTS = Path("/proc/self/mounts")
_OCTAL = re.compile(r"\\([0-7]{3})")


def is_network(path: Path) -> bool:
    """Tell whether a path is on a network or FUSE file system, as far as the system says so."""
    resolved = path.resolve()
    if resolved.drive.startswith("\\\\"):
        return True
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    kind = mount_type(resolved, mounts)
    return kind is not None and _NETWORK.fullmatch(kind) is not None


def mount_type(path: Path, mounts: str) -> str | None:
    """Return the type of the file system that a resolved path is on.

    Args:
        mounts: What ``/proc/self/mounts`` says.
    """
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[1]))
        depth = len(point.parts)
        # A later mount on the same point hides the earlier one.
        if (best is None or depth >= best[0]) and (path == point or point in path.parents):
            best = (depth, fields[2])
    return None if best is None else best[1]
