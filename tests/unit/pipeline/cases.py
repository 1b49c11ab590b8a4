"""All cases of what must cross between steps."""

from __future__ import annotations

import cases_classes
import cases_files
import cases_functions
import cases_names
import cases_objects
import cases_process
import cases_tags
from casebook import Case

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (
    *cases_names.CASES,
    *cases_objects.CASES,
    *cases_functions.CASES,
    *cases_classes.CASES,
    *cases_files.CASES,
    *cases_process.CASES,
    *cases_tags.CASES,
)
