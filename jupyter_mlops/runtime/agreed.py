"""What steps and whoever reads what they left agree on; to know it costs no import."""

from __future__ import annotations

__all__ = ["LOGGED_FOLDER", "MOST_LOGGED", "PLOTLY"]

LOGGED_FOLDER = "logged"
"""Holds the journals, in the folder where a step puts what it makes."""

MOST_LOGGED = 1_000_000
"""Lines that a process may write into its journal; a loop without an end must not fill the disk."""

PLOTLY = "application/vnd.plotly.v1+json"
"""What plotly's figures are shown as."""
