"""Tags that look like one of ours, misspelt.

A false alarm keeps a notebook from running, so a tag is only taken for a misspelt one if hardly
anything else can be meant: other tools have tags of their own.
"""

from __future__ import annotations

import difflib
import re

__all__ = ["intended_tag"]

_EXACT = ("parameters", "imports", "functions", "setup", "metrics", "skip", "pipeline-parameters", "pipeline-metrics")
_OUR_PREFIXES = ("step", "after", "in", "out", "block", "prev")
_PREFIXES = (*_OUR_PREFIXES, "image", "limit", "label", "annotation", "secret", "cache", "notebook")
_SYNONYMS = {"params": "parameters", "param": "parameters"}
_PREFIX_SYNONYMS = {"input": "in", "inputs": "in", "ins": "in", "output": "out", "outputs": "out", "outs": "out"}
# words of their own that are one letter away from a prefix
_OTHER_WORDS = frozenset({"stop", "stem", "stew", "alter", "black", "clock", "lock", "prep", "pre", "pref", "mage"})
_WRONG_SEPARATOR = re.compile(r"(step|after|in|out|block|prev)\s*[=;\uff1a]\s*(\S.*)", re.DOTALL)
_SHORT = 5
_LONG_RATIO = 0.85
_LONGEST_TAG = 200


def intended_tag(tag: str) -> str | None:
    """Return the tag that was probably meant, or None if the tag is another tool's.

    Args:
        tag: A tag that is not in the language, without white space around it.
    """
    if len(tag) > _LONGEST_TAG:
        return None
    head, colon, value = (part.strip() for part in tag.partition(":"))
    if colon:
        prefix = _intended_prefix(head.casefold())
        return f"{prefix}:{value or 'NAME'}" if prefix else None
    separated = _WRONG_SEPARATOR.fullmatch(tag)
    if separated:
        return f"{separated[1]}:{separated[2]}"
    return _intended_exact(tag.casefold())


def _intended_exact(word: str) -> str | None:
    if word in _SYNONYMS:
        return _SYNONYMS[word]
    return next((known for known in _EXACT if _is_near(word, known)), None)


def _is_near(word: str, known: str) -> bool:
    plain = re.sub(r"[\s_-]", "", word)
    if plain == known.replace("-", ""):
        return True
    if len(known) <= _SHORT:
        return _is_slip(plain, known)
    if _is_one_edit(word, known):
        return True
    is_long = min(len(word), len(known)) > _SHORT + 1
    return is_long and difflib.SequenceMatcher(None, word, known).ratio() >= _LONG_RATIO


def _intended_prefix(head: str) -> str | None:
    if head in _PREFIX_SYNONYMS:
        return _PREFIX_SYNONYMS[head]
    if head in _OTHER_WORDS:
        return None
    for known in _PREFIXES:
        is_short = len(known) < len("step")
        if head == known or (_is_slip(head, known) if is_short else _is_one_edit(head, known)):
            return known
    return None


def _is_slip(word: str, known: str) -> bool:
    """Tell whether two neighbours changed places, or a letter inside is missing or doubled."""
    if len(word) == len(known):
        return len(known) > 2 and sorted(word) == sorted(known) and _is_one_edit(word, known)
    is_doubled = any(known[:at] + known[at - 1] + known[at:] == word for at in range(1, len(known) + 1))
    is_missing = any(known[:at] + known[at + 1 :] == word for at in range(1, len(known) - 1))
    if len(known) <= len("out"):
        return is_doubled and len(known) > len("in")
    return is_doubled or is_missing or word == known + "s"


def _is_one_edit(word: str, known: str) -> bool:
    """Tell whether one letter is wrong, missing or too many, or two neighbours changed places."""
    if word == known:
        return False
    start = 0
    while start < min(len(word), len(known)) and word[start] == known[start]:
        start += 1
    left, right = word[start:], known[start:]
    if left[1:] == right[1:] or left[1:] == right or left == right[1:]:
        return True
    return left[:2] == right[1::-1] and left[2:] == right[2:] and len(right) > 1
