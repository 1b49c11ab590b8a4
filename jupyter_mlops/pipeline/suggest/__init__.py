"""Proposes tags for a notebook that has none: what to replay, where steps begin, what is a metric.

code.py      what each cell is: imports, definitions, literals, metrics; its stage of the work
headings.py  headings of the page, and names made of them
flow.py      what flows from cell to cell, and which cells must stay together
segments.py  cells joined to steps
naming.py    names and reasons
proposal.py  all of it together, checked by slicing
"""

from jupyter_mlops.pipeline.suggest.model import CellSuggestion, Suggestion
from jupyter_mlops.pipeline.suggest.proposal import suggest

__all__ = ["CellSuggestion", "Suggestion", "suggest"]
