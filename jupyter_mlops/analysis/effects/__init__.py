"""What calls into libraries may do, as readable data (the JSON files here) and its loader."""

from __future__ import annotations

from jupyter_mlops.analysis.effects.spec import Effect, parse_effect
from jupyter_mlops.analysis.effects.table import EffectTable

__all__ = ["Effect", "EffectTable", "parse_effect"]
