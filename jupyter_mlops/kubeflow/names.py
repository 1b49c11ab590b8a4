"""Names that Kubeflow takes, for names that Python takes, and back."""

from __future__ import annotations

import re

__all__ = ["NAMESPACE", "REFERENCE", "Names", "escaped", "unescaped"]

NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""What Kubernetes takes as the name of a namespace."""
REFERENCE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+:[A-Fa-f0-9]+)?"
)
"""What it takes as the name of an image: registry, path, tag, digest."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PREFIX = "esc_"
_CODED = re.compile(r"_([0-9a-f]+)_")


def escaped(name: str) -> str:
    """Return a name of ASCII letters, digits and ``_`` that begins with a letter.

    Most names stay as they are (``X``, ``n_trees``). Any other becomes ``esc_`` and its characters, each that is
    no ASCII letter or digit as its number between underscores: ``_p`` becomes ``esc__5f_p``.
    """
    if _PLAIN.fullmatch(name) and not name.startswith(_PREFIX):
        return name
    coded = (letter if letter.isascii() and letter.isalnum() else f"_{ord(letter):x}_" for letter in name)
    return _PREFIX + "".join(coded)


def unescaped(name: str) -> str:
    """Return the name that ``escaped`` was given."""
    if not name.startswith(_PREFIX):
        return name
    return _CODED.sub(lambda found: chr(int(found[1], 16)), name[len(_PREFIX) :])


class Names:
    """Gives out names that differ from each other."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """Return the name, or the first of ``name_2``, ``name_3`` … that is free."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name
