"""What steps and whoever reads what they left agree on; to know it costs no import."""

from __future__ import annotations

__all__ = ["LOGGED_FOLDER", "MOST_LOGGED", "PLOTLY", "RECORD", "RECORD_LINE"]

LOGGED_FOLDER = "logged"
"""Holds the journals, in the folder where a step puts what it makes."""

MOST_LOGGED = 1_000_000
"""Lines that a process may write into its journal; a loop without an end must not fill the disk."""

RECORD = "record"
"""Key of what a step in a container says of itself, in its executed notebook."""

RECORD_LINE = "mlops-record"
"""What the lines of a step's log begin with that say the same."""

PLOTLY = "application/vnd.plotly.v1+json"
"""What plotly's figures are shown as."""
