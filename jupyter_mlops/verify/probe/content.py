"""What a value holds, as a digest: equal in two processes if and only if nobody could tell the values apart.

Sharing counts: an object that is met again is told by where it was met first, and arrays that look at one
memory are told as such. Representation does not: addresses, the order of a set, the padding of a record.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from .apart import ATOMS, Child, atom, is_changeable, take_apart
from .leaves import LEAVES, Leaf
from .preview import shorten

__all__ = ["Content", "Walker", "content_of", "linked", "sharing_of"]

MOST_PARTS = 64
MOST_NODES = 5_000_000
MOST_ARRAYS = 400

DEEP_STACK = 512 * 1024 * 1024
DEEP_RECURSION = 200_000


@dataclass
class Content:
    """What a value holds.

    Args:
        digest: None if the value is too large or nested too deeply to say.
        preview: The value in a few words.
        parts: For each child of the value, label to digest and preview; to say later which part differs.
    """

    type: str
    digest: str | None
    preview: str
    parts: dict[str, tuple[str, str]] = field(default_factory=dict)


class TooLarge(Exception):
    """A graph with more nodes than one cares to look at."""


def content_of(value: Any) -> Content:
    """Describe a value on its own."""
    walker = Walker()
    cls = type(value)
    kind = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    parts: dict[str, tuple[str, str]] = {}
    try:
        digest = _digest(walker, value, parts)
    except (RecursionError, TooLarge):
        digest = None
    return Content(kind, digest, shorten(value), parts)


def sharing_of(values: Mapping[str, Any]) -> str | None:
    """Describe how several values share objects and memory, whatever they hold otherwise."""
    try:
        return _digest(Walker(leaves=False), list(values.values()))
    except (RecursionError, TooLarge):
        return None


def linked(values: Mapping[str, Any]) -> list[list[str]]:
    """Pairs of names through which one object can be reached that can be changed."""
    walkers = {name: Walker(leaves=False) for name in values}
    with contextlib.suppress(RecursionError, TooLarge):
        for name, value in values.items():
            walkers[name].digest(value)
    # All walkers are alive still, so that no two objects can have had the same id.
    reached = {name: walker.changeable() for name, walker in walkers.items()}
    return [[one, two] for one, two in combinations(sorted(reached), 2) if reached[one] & reached[two]]


def _digest(walker: Walker, value: Any, parts: dict[str, tuple[str, str]] | None = None) -> str | None:
    try:
        return walker.digest(value, parts)
    except RecursionError:
        if parts is not None:
            parts.clear()
        walker.forget()
        digest: str = _deeply(lambda: walker.digest(value))
        return digest


class Walker:
    """Goes through one graph of objects.

    Args:
        leaves: Whether the content of arrays, frames and the like counts, or only where they are.
    """

    def __init__(self, *, leaves: bool = True) -> None:
        self._leaves = leaves
        self._leaf_of: dict[type, Leaf | None] = {}
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []
        self._tuples: dict[int, bytes] = {}
        self._memory: list[tuple[int, Any]] = []
        self._tracked = 0
        self._nodes = 0

    def changeable(self) -> set[int]:
        """Ids of the objects met that can be changed in place, and are no code."""
        return {id(item) for item in self._kept if id(item) in self._seen and is_changeable(item)}

    def digest(self, value: Any, parts: dict[str, tuple[str, str]] | None = None) -> str:
        """Return the digest of a value; fill in those of its children.

        Raises:
            RecursionError: The graph is too deep.
            TooLarge: The graph has too many nodes.
        """
        return self._hash(value, parts).hex()

    def _hash(self, value: Any, parts: dict[str, tuple[str, str]] | None = None) -> bytes:
        hasher = hashlib.blake2b(digest_size=16)
        self._feed(hasher.update, value, parts)
        return hasher.digest()

    def _feed(
        self, update: Callable[[bytes], None], value: Any, parts: dict[str, tuple[str, str]] | None = None
    ) -> None:
        cls = type(value)
        if cls in ATOMS:
            update(atom(value))
            return
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise TooLarge
        number = self._seen.get(id(value))
        if number is not None:
            self._tracked += 1
            update(b"ref %d;" % number)
        elif cls is tuple or cls is frozenset:
            update(self._plain(value, parts))
        else:
            self._track(value)
            self._feed_new(update, value, parts)

    def _plain(self, value: Any, parts: dict[str, tuple[str, str]] | None) -> bytes:
        """Tuples of plain values have no identity worth speaking of: the compiler may merge equal ones."""
        known = self._tuples.get(id(value))
        if known is not None:
            return known
        before = self._tracked
        hasher = hashlib.blake2b(digest_size=16)
        self._feed_new(hasher.update, value, parts)
        if self._tracked == before:
            self._tuples[id(value)] = hasher.digest()
            self._kept.append(value)
        else:
            self._track(value)
        return hasher.digest()

    def _track(self, value: Any) -> None:
        self._tracked += 1
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)

    def _feed_new(
        self, update: Callable[[bytes], None], value: Any, parts: dict[str, tuple[str, str]] | None = None
    ) -> None:
        leaf = self._leaf(type(value))
        if leaf is not None:
            self._feed_leaf(update, value, leaf)
            return
        if type(value) in (list, tuple) and _feed_atoms(update, value):
            return
        header, children, ordered = take_apart(value)
        update(f"{header}(".encode("utf-8", "backslashreplace"))
        if not ordered:
            for digest in sorted(self._hash(child) for _, child in children):
                update(digest)
        elif parts is None:
            for label, child in children:
                update(label.encode("utf-8", "backslashreplace") + b"=")
                self._feed(update, child)
        else:
            self._feed_parts(update, children, parts)
        update(b")")

    def _feed_parts(
        self, update: Callable[[bytes], None], children: Iterable[Child], parts: dict[str, tuple[str, str]]
    ) -> None:
        for label, child in children:
            digest = self._hash(child)
            update(label.encode("utf-8", "backslashreplace") + b"=" + digest)
            if len(parts) < MOST_PARTS:
                parts[label] = (digest.hex(), shorten(child))

    def _leaf(self, cls: type) -> Leaf | None:
        if cls not in self._leaf_of:
            names = [f"{str(base.__module__).partition('.')[0]}:{base.__qualname__}" for base in cls.__mro__]
            self._leaf_of[cls] = next((LEAVES[name] for name in names if name in LEAVES), None)
        return self._leaf_of[cls]

    def _feed_leaf(self, update: Callable[[bytes], None], value: Any, leaf: Leaf) -> None:
        if leaf.has_memory:
            update(self._shared_memory(value))
        if self._leaves:
            leaf.feed(update, value, lambda inner: self._feed(update, inner))
        else:
            update(type(value).__qualname__.encode())

    def _shared_memory(self, array: Any) -> bytes:
        """Name the first array that shares memory with this one."""
        if array.size == 0:
            return b""
        numpy = sys.modules["numpy"]
        for number, other in self._memory:
            if numpy.may_share_memory(array, other):
                try:
                    shares = numpy.shares_memory(array, other, max_work=1000)
                except Exception:  # too hard to decide
                    shares = True
                if shares:
                    return b"shares %d;" % number
        if len(self._memory) < MOST_ARRAYS:
            self._memory.append((len(self._memory), array))
        return b""


def _feed_atoms(update: Callable[[bytes], None], value: Any) -> bool:
    """Take a sequence of nothing but plain values in one go."""
    if not ATOMS.issuperset(map(type, value)):
        return False
    try:
        for start in range(0, len(value), 100_000):
            update(repr(value[start : start + 100_000]).encode("utf-8", "backslashreplace"))
    except ValueError:
        return False
    update(b"%d;" % len(value))
    return True


def _deeply(work: Callable[[], Any]) -> Any:
    """Run where long chains of objects have room."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    limit, size = sys.getrecursionlimit(), threading.stack_size(DEEP_STACK)
    try:
        sys.setrecursionlimit(max(limit, DEEP_RECURSION))
        thread = threading.Thread(target=run, name="mlops-deep")
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    value, error = outcome[0]
    if error is not None:
        raise error
    return value
