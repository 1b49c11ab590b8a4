"""How a server is to behave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from jupyter_mlops.errors import UsageError

__all__ = ["Settings"]

_MOST_WORKERS = 64


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server is to behave.

    Args:
        max_body: Bytes that a request may have, packed or not.
        timeout: Seconds that a model may take for a request.
        queue: Requests that may wait for a version; more are refused with 429.
        max_batch: Rows that are computed together at most.
        drain: Seconds that requests have to end when the server is stopped.
        token: That clients have to show as ``Authorization: Bearer``; None asks for none.
        origins: Web pages of these origins may call the server.
        manage: Whether models can be loaded and unloaded through the repository API.
        follow: Seconds between looks at where an alias points.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    max_body: int = 32 * 2**20
    timeout: float = 30.0
    queue: int = 256
    max_batch: int = 1024
    drain: float = 30.0
    token: str | None = None
    origins: tuple[str, ...] = ()
    manage: bool = True
    follow: float = 2.0
    certificate: str | None = None
    private_key: str | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            UsageError: A value is out of its range.
        """
        for name in ("max_body", "queue", "max_batch", "workers"):
            if getattr(self, name) < 1:
                raise UsageError(f"--{name.replace('_', '-')} must be 1 or more.")
        if self.workers > _MOST_WORKERS:
            raise UsageError(f"--workers may be {_MOST_WORKERS} at most.")
        if not 0 < self.timeout < float("inf"):
            raise UsageError("--timeout must be more than 0 seconds.")
        if not 0 <= self.port <= 65535:
            raise UsageError("--port must be between 0 and 65535; 0 takes a free one.")
        if (self.certificate is None) != (self.private_key is None):
            raise UsageError("TLS needs both --certificate and --private-key.")
        if self.token is not None and not self.token.strip():
            raise UsageError("The token is empty.", hint="Write one into the file, such as from: openssl rand -hex 32")

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Settings:
        """Understand what ``to_json`` gave."""
        known = {item.name for item in fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        values["origins"] = tuple(values.get("origins", ()))
        return cls(**values)
