"""Names for machines, and the nearest name to one that is not known."""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Iterable

__all__ = ["nearest", "printable", "slugify"]

_MAX_SLUG = 60  # leaves room for prefixes below Kubernetes' 63 characters
_DIGEST_LENGTH = 6


def slugify(name: str) -> str:
    """Turn a free-text name into ``[a-z0-9]+(-[a-z0-9]+)*``.

    Letters lose their accents. A name with letters that have no ASCII form, and a very long one,
    ends in a short digest of the whole, so that two different names keep two different slugs.

    Args:
        name: Any text.

    Returns:
        The slug; ``step`` where nothing is left.
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    is_lossy = any(letter.isalnum() and not letter.isascii() for letter in plain)
    if not is_lossy and len(slug) <= _MAX_SLUG:
        return slug or "step"
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()[:_DIGEST_LENGTH]
    kept = slug[: _MAX_SLUG - _DIGEST_LENGTH - 1].strip("-") or "step"
    return f"{kept}-{digest}"


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Find the candidate that was probably meant.

    Args:
        word: What was written; capitals don't matter.
        candidates: What could have been meant.

    Returns:
        The nearest candidate as it is written there, or None if none is near.
    """
    by_folded: dict[str, str] = {}
    for candidate in candidates:
        by_folded.setdefault(candidate.casefold(), candidate)
    folded = word.casefold()[:200]
    matches = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.7)
    if not matches:  # a short word with two letters swapped is far by that measure
        matches = [known for known in by_folded if len(known) > 1 and sorted(known) == sorted(folded)]
    return by_folded[matches[0]] if matches else None


def printable(text: str) -> str:
    """Return the text on one line, with everything that can't be printed written as an escape."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
