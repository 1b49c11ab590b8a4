"""Lets the tests of this folder run notebooks in this process."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tracking" / "models"))
