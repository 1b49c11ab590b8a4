"""The little language of the effect table: one line says what a call may do.

An entry promises that a call mutates nothing, touches no hidden state and returns something fresh, unless its
tokens say otherwise. The tokens are blank separated:

========================== ====================================================================================
``pure``                   nothing to add (also used where the type of the result is unknown)
``unknown``                no promise at all: stops the search in bases and patterns
``-> T``                   type of the result; also ``self``, ``like(0)``, ``like(self)``, ``splits`` (a list with two
                           fresh items per positional argument), ``(A, B)`` (``?`` for an unknown item), and
                           ``like(0|T)``: the argument's type if it is flagged ``array``, ``T`` if it is another
``mutates`` ``mutates(A)`` the receiver, an argument (position or keyword) or every argument (``*``) changes
``view``                   the result may share with, or contain parts of, the receiver
``shares(A)``              the same for an argument
``keeps(A)``               the receiver keeps a reference to the argument; for a constructor the new object, for a
                           function the arguments that it mutates
``copies-plain``           ``shares`` and ``keeps`` don't hold for a list, tuple, set, dict or generator, which is
                           copied, unless a ``copy`` argument is given
``copies-many``            ``shares`` doesn't hold if the argument is written as a list of two or more items
``hashed``                 what ``view``, ``shares`` or ``keeps`` speak of are hashable items only (keys, members)
``calls(A)``               the argument is called
``evaluates(0|expr)``      the argument is text in which names of the caller are looked up (``query("a > @limit")``)
``draws(G)``               takes numbers from a global generator
``draws-unless(A, G)``     the same, unless argument ``A`` is given and not None (then a generator object given
                           for it is mutated); ``self.A`` is an argument that the receiver was constructed with
``draws-if(0|name, G)``    the same, if an estimator given for that argument may draw when it is run; ``self``: if one
                           may that the receiver was made of
``draws-from(A)``          draws from a generator that the argument holds: mutates it, unless it is known to hold none
``seeds(G)``               sets a global generator
``reads`` ``writes`` ``appends`` ``(0|name)`` or ``(self)``: the path of a file, or of a folder
                           with everything in it
``takes(0|name)``          reads the file or folder if the argument is a path; any other value stays as it is
``suffix(.npy)``           a file written may be called by its path with this suffix instead
``lists(0|name)``          reads the names in a folder or those that match a pattern; says ``files`` too
``files``                  may read and write any file (a stream given in place of a path is mutated)
``network`` ``clock`` ``database`` ``entropy``   the result depends on something outside
``sets(S)`` ``uses(S)``    hidden state of the process
``plots``                  reads and changes the current figure
``void(0|copy=True)``      nothing is promised if that argument is given and is not literally the value
========================== ====================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Effect", "parse_effect", "unbound"]

Argument = int | str
FileArgument = tuple[int | None, str | None]

_TOKEN = re.compile(r"->\s*(?P<result>\([^()]*\)|[\w.]+(?:\([^()]*\))?)|(?P<name>[a-z-]+)(?:\((?P<inside>[^()]*)\))?")
_TYPE = re.compile(r"[A-Za-z_][\w.]*")
_VOLATILE = frozenset({"network", "clock", "database", "entropy"})
_FLAGS = frozenset({"view", "hashed", "copies-plain", "copies-many", "plots", "files"})
_ARGUMENTS = frozenset({"mutates", "shares", "keeps", "calls", "draws-from"})
_NAMES = frozenset({"draws", "seeds", "sets", "uses"})
_FILES = frozenset({"reads", "writes", "appends", "lists", "evaluates", "takes"})


@dataclass(frozen=True)
class Effect:
    """What a call, an attribute or an operator of a library may do.

    Args:
        result: Qualified type of the result, None if unknown.
        returns_self: The result is the receiver itself.
        like: The result has the type of this argument ("self": of the receiver); ask ``EffectTable.result_like``.
        otherwise: Type of the result if the argument of ``like`` is not flagged ``array``.
        splits: The result is a list with two fresh items per positional argument.
        results: Types of the items if the result is a tuple.
        mutates: What changes in place: "self", a position, a keyword, or "*" for every argument.
        view: The result may share memory or identity with the receiver, or contain parts of it.
        shares: Arguments that the result may share with or refer to.
        keeps: Arguments that the receiver, the new object or the mutated arguments keep a reference to.
        hashed: Only hashable items are shared or kept, so nothing but a user's own instances can change through them.
        copies_plain: A list, tuple, set, dict or generator is neither shared nor kept, unless ``copy`` is given.
        copies_many: A list of two or more items, written as such, is not shared.
        calls: Arguments that are called.
        evaluates: Texts in which names of the caller are looked up, as (position, keyword).
        draws: Global random generators that numbers are taken from.
        draws_unless: Pairs (argument, generator): drawn from unless the argument is given and not None.
        draws_if: Pairs (argument, generator): drawn from if that estimator, or one that it was made of, may draw.
        draws_from: Arguments that may hold a generator object, which is then mutated.
        seeds: Global random generators that are set.
        reads: Paths read, as (position, keyword); (None, "self") is the receiver.
        writes: Paths written.
        appends: Paths appended to.
        lists: Folders or patterns whose matching names are read; ``files`` is then true as well.
        takes: Paths read, unless the argument is known to be another value.
        suffix: What may be put behind the paths written.
        files: Any file may be read and written.
        volatile: What outside the process the result depends on.
        sets: Hidden states of the process that are changed.
        uses: Hidden states of the process that are read.
        plots: The current figure is read and changed.
        void: Triples (position, keyword, literal): no promise holds if the argument is given and is not that literal.
    """

    result: str | None = None
    returns_self: bool = False
    like: Argument | None = None
    otherwise: str | None = None
    splits: bool = False
    results: tuple[str | None, ...] = ()
    mutates: tuple[Argument, ...] = ()
    view: bool = False
    shares: tuple[Argument, ...] = ()
    keeps: tuple[Argument, ...] = ()
    hashed: bool = False
    copies_plain: bool = False
    copies_many: bool = False
    calls: tuple[Argument, ...] = ()
    evaluates: tuple[FileArgument, ...] = ()
    draws: tuple[str, ...] = ()
    draws_unless: tuple[tuple[str, str], ...] = ()
    draws_if: tuple[tuple[FileArgument, str], ...] = ()
    draws_from: tuple[Argument, ...] = ()
    seeds: tuple[str, ...] = ()
    reads: tuple[FileArgument, ...] = ()
    writes: tuple[FileArgument, ...] = ()
    appends: tuple[FileArgument, ...] = ()
    lists: tuple[FileArgument, ...] = ()
    takes: tuple[FileArgument, ...] = ()
    suffix: str | None = None
    files: bool = False
    volatile: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    plots: bool = False
    void: tuple[tuple[int | None, str, str], ...] = ()

    @property
    def is_pure(self) -> bool:
        """Whether nothing is changed, hidden state included, and the result stands alone."""
        return replace(self, result=None, like=None, otherwise=None, splits=False, results=(), calls=()) == Effect()


def parse_effect(text: str, where: str = "") -> Effect | None:
    """Read one line of the table.

    Args:
        text: The tokens.
        where: File and entry, for the message of an error.

    Returns:
        The effect, or None for ``unknown``.

    Raises:
        ValueError: The line is malformed.
    """
    builder = _Builder(f"{where}: {text!r}" if where else repr(text))
    position = 0
    stripped = text.strip()
    if not stripped:
        raise builder.error("empty")
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise builder.error(f"cannot be read from {stripped[position:]!r}")
        builder.add(match)
        position = match.end()
        if position < len(stripped) and not stripped[position].isspace():
            raise builder.error(f"blank missing before {stripped[position:]!r}")
        while position < len(stripped) and stripped[position].isspace():
            position += 1
    return None if builder.is_unknown else builder.effect


def unbound(effect: Effect) -> Effect | None:
    """The effect of a method called through its class, so that the receiver is argument 0.

    Args:
        effect: The effect of the method on an instance.

    Returns:
        The effect with all positions moved by one, or None where it can't be said that way.
    """
    if effect.keeps or effect.returns_self or effect.splits or _speaks_of_self(effect):
        return None
    return replace(
        effect,
        like=None if effect.like is None else _moved(effect.like),
        mutates=tuple(_moved(argument) for argument in effect.mutates),
        view=False,
        shares=tuple(_moved(argument) for argument in effect.shares) + ((0,) if effect.view else ()),
        calls=tuple(_moved(argument) for argument in effect.calls),
        draws_if=tuple((_moved_file(argument), generator) for argument, generator in effect.draws_if),
        draws_from=tuple(_moved(argument) for argument in effect.draws_from),
        evaluates=tuple(map(_moved_file, effect.evaluates)),
        reads=tuple(map(_moved_file, effect.reads)),
        writes=tuple(map(_moved_file, effect.writes)),
        appends=tuple(map(_moved_file, effect.appends)),
        lists=tuple(map(_moved_file, effect.lists)),
        takes=tuple(map(_moved_file, effect.takes)),
        void=tuple((None if place is None else place + 1, name, value) for place, name, value in effect.void),
    )


def _speaks_of_self(effect: Effect) -> bool:
    return any(argument.startswith("self.") for argument, _ in effect.draws_unless)


def _moved(argument: Argument) -> Argument:
    if argument == "self":
        return 0
    return argument + 1 if isinstance(argument, int) else argument


def _moved_file(argument: FileArgument) -> FileArgument:
    place, name = argument
    if name == "self" and place is None:
        return 0, None
    return (None if place is None else place + 1), name


class _Builder:
    """Collects the tokens of one line."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.effect = Effect()
        self.is_unknown = False

    def error(self, problem: str) -> ValueError:
        return ValueError(f"{self.where}: {problem}")

    def add(self, match: re.Match[str]) -> None:
        if match["result"] is not None:
            self._add_result(match["result"])
            return
        name, inside = match["name"], match["inside"]
        if name in ("pure", "unknown"):
            self.is_unknown = self.is_unknown or name == "unknown"
        elif name in _FLAGS:
            flag: dict[str, Any] = {name.replace("-", "_"): True}
            self.effect = replace(self.effect, **flag)
        elif name in _VOLATILE:
            self._append("volatile", name)
        elif name == "mutates" and inside is None:
            self._append("mutates", "self")
        elif inside is None:
            raise self.error(f"unknown token {name!r}")
        else:
            self._add_call(name, inside.strip())
            return
        if inside is not None:
            raise self.error(f"{name!r} takes nothing in brackets")

    def _add_call(self, name: str, inside: str) -> None:
        if not inside:
            raise self.error(f"{name!r} has empty brackets")
        if name in _ARGUMENTS:
            self._append(name.replace("-", "_"), self._argument(inside))
        elif name in _NAMES:
            self._append(name, inside)
        elif name in _FILES:
            self._append(name, self._file(inside))
            if name == "lists":
                self.effect = replace(self.effect, files=True)
        elif name == "draws-unless":
            self._add_draws_unless(inside)
        elif name == "draws-if":
            argument, comma, generator = (part.strip() for part in inside.partition(","))
            if not comma or not generator:
                raise self.error("draws-if needs an argument and a generator")
            self._append("draws_if", (self._file(argument), generator))
        elif name == "suffix":
            self.effect = replace(self.effect, suffix=inside)
        elif name == "void":
            self._add_void(inside)
        else:
            raise self.error(f"unknown token {name!r}")

    def _add_draws_unless(self, inside: str) -> None:
        argument, comma, generator = (part.strip() for part in inside.partition(","))
        if not (comma and argument and generator):
            raise self.error("draws-unless needs an argument and a generator")
        self._append("draws_unless", (argument, generator))
        # A generator object given for the argument is advanced by the call.
        if not argument.startswith("self."):
            self._append("mutates", argument)

    def _add_void(self, inside: str) -> None:
        argument, equals, literal = (part.strip() for part in inside.partition("="))
        place, name = self._file(argument)
        if not equals or not name:
            raise self.error("void needs name=literal")
        self._append("void", (place, name, literal))

    def _add_result(self, text: str) -> None:
        effect = self.effect
        if effect.result or effect.returns_self or effect.like is not None or effect.splits or effect.results:
            raise self.error("two results")
        if text == "self":
            self.effect = replace(effect, returns_self=True)
        elif text == "splits":
            self.effect = replace(effect, splits=True, result="list")
        elif text.startswith("like("):
            argument, _, otherwise = text[len("like(") : -1].partition("|")
            other = self._type(otherwise.strip()) if otherwise else None
            self.effect = replace(effect, like=self._argument(argument), otherwise=other)
        elif text.startswith("("):
            items = tuple(item.strip() for item in text[1:-1].split(","))
            self.effect = replace(effect, result="tuple", results=tuple(self._item(item) for item in items))
        else:
            self.effect = replace(effect, result=self._type(text))

    def _item(self, text: str) -> str | None:
        return None if text == "?" else self._type(text)

    def _type(self, text: str) -> str:
        if not _TYPE.fullmatch(text):
            raise self.error(f"{text!r} is not a type")
        return text

    def _argument(self, text: str) -> Argument:
        text = text.strip()
        if text.isdigit():
            return int(text)
        if text != "*" and not text.isidentifier():
            raise self.error(f"{text!r} is not an argument")
        return text

    def _file(self, text: str) -> FileArgument:
        place, bar, name = (part.strip() for part in text.partition("|"))
        if not bar:
            return (int(place), None) if place.isdigit() else (None, place)
        if not (place.isdigit() and name):
            raise self.error(f"{text!r} is not position|name")
        return int(place), name

    def _append(self, field: str, value: object) -> None:
        values = getattr(self.effect, field)
        if value not in values:
            changed: dict[str, Any] = {field: (*values, value)}
            self.effect = replace(self.effect, **changed)
