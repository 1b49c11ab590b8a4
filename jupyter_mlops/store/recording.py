"""What all parts of the database that record something have."""

from __future__ import annotations

from contextlib import AbstractContextManager

from jupyter_mlops.store.connection import Connection

__all__ = ["Recording"]


class Recording:
    """Something that records; a part of ``Database``."""

    _connection: Connection

    def transaction(self) -> AbstractContextManager[None]:
        """Record several things, or none of them."""
        return self._connection.transaction()
