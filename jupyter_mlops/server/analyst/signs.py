"""What stands before an answer of the process that analyses."""

from __future__ import annotations

__all__ = ["PROBLEM", "RESULT"]

RESULT = "+"
"""JSON that is handed on as it is: the server need not understand it."""
PROBLEM = "-"
"""JSON of a problem."""
