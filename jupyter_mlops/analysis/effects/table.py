"""Looks up what calls into libraries may do, in the JSON files beside this module.

Each file is read when its library is first asked for, and each line is parsed when it is first used; all caches
belong to the table object. ``index.json`` says which file speaks of which top-level module. A file has sections
``aliases`` (other names, also of whole modules), ``functions``, ``values`` (attributes of modules), ``classes`` and
``patterns`` (globs, tried in order after the names; ``class X`` makes the match a class with the base X). A key may
hold several names, with a common prefix before a colon. The lines are explained in ``spec``. A class has ``bases``
(searched in order), ``flags``, ``methods``, ``static`` (methods of the class itself), ``attributes``, and one line
each for ``init``, ``item`` (``obj[key]``), ``take`` (the same with a list or mask), ``iter``, ``call``, ``enter``
(``with``), ``operators``, ``store`` (``obj[key] = value``) and ``getattr`` (attributes that are not listed).

Flags: ``immutable`` (the object itself; its items may change), ``iterator`` (any use advances it), ``array`` (NumPy
functions keep its type), ``random`` (draws unless ``random_state`` was given), ``callable-pure``, and
``unpicklable: reason``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.analysis.effects.spec import Effect, parse_effect, unbound

__all__ = ["EffectTable"]

_BUILTINS = "builtins"
_INDEX = "index.json"
_CLASS = "class "
_SINGLE = ("init", "item", "take", "iter", "call", "enter", "operators", "getattr", "store")
_GROUPED = ("static", "methods", "attributes")
_KEYS = frozenset({"bases", "flags", *_SINGLE, *_GROUPED})
_SECTIONS = frozenset({"library", "about", "aliases", "functions", "values", "classes", "patterns"})
_MAX_ALIASES = 8


class _Class:
    """One class of the table, its names still unparsed."""

    def __init__(self, raw: Mapping[str, Any], where: str) -> None:
        unknown = set(raw) - _KEYS
        if unknown:
            raise ValueError(f"{where}: unknown keys {sorted(unknown)}")
        self.bases: tuple[str, ...] = tuple(raw.get("bases", ()))
        self.flags: frozenset[str] = frozenset(raw.get("flags", ()))
        self.specs: dict[tuple[str, str], str] = {(key, ""): raw[key] for key in _SINGLE if key in raw}
        for key in _GROUPED:
            for name, spec in _spread(raw.get(key, {}), f"{where} {key}"):
                if (key, name) in self.specs:
                    raise ValueError(f"{where}: {name} is listed twice under {key}")
                self.specs[key, name] = spec


class _Library:
    """One JSON file, indexed by name."""

    def __init__(self, path: Path) -> None:
        self.file = path.name
        raw = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=self._pairs)
        unknown = set(raw) - _SECTIONS
        if unknown:
            raise ValueError(f"{self.file}: unknown sections {sorted(unknown)}")
        self.aliases: dict[str, str] = dict(raw.get("aliases", {}))
        self.functions = self._unique(raw, "functions")
        self.values = self._unique(raw, "values")
        self.classes = {
            name: _Class(data, f"{self.file} {name}") for name, data in self._unique(raw, "classes").items()
        }
        self.patterns = [(_compile_glob(glob), glob, spec) for glob, spec in raw.get("patterns", [])]

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"{self.file}: listed twice: {sorted({name for name in names if names.count(name) > 1})}")
        return found

    def _unique(self, raw: Mapping[str, Any], section: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, data in _spread(raw.get(section, {}), f"{self.file} {section}"):
            if name in found:
                raise ValueError(f"{self.file}: {name} is listed twice under {section}")
            found[name] = data
        return found


class EffectTable:
    """What is promised about functions, classes and values of libraries.

    Everything that is not in the table is None: nothing is promised, the caller has to assume the worst.

    Args:
        folder: Where the JSON files are; by default beside this module.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(__file__).parent
        self._files: dict[str, str] | None = None
        self._libraries: dict[str, _Library | None] = {}
        self._effects: dict[tuple[str, ...], Effect | None] = {}
        self._canonical: dict[str, str] = {}
        self._resolved: dict[str, _Class | None] = {}
        self._flags: dict[str, frozenset[str]] = {}
        self._specs: dict[tuple[str, str, str], tuple[tuple[str, ...], str] | None] = {}

    # names

    def knows(self, library: str) -> bool:
        """Whether the top-level module of this name (pandas, os, builtins) has entries."""
        return library in self._index()

    def libraries(self) -> tuple[str, ...]:
        """The names of all JSON files, without the suffix."""
        return tuple(sorted(set(self._index().values())))

    def canonical(self, qualname: str) -> str:
        """The name under which the table lists something that has several (pandas.core.frame.DataFrame)."""
        if qualname not in self._canonical:
            self._canonical[qualname] = self._find_canonical(qualname)
        return self._canonical[qualname]

    def class_of(self, qualname: str) -> str | None:
        """The canonical name of a class, None if the name is not known to be one."""
        name = self.canonical(qualname)
        return name if self._class(name) is not None else None

    # effects of names

    def function(self, qualname: str) -> Effect | None:
        """The effect of calling a function, or a method through its class (``str.upper``, ``DataFrame.from_dict``)."""
        name = self.canonical(qualname)
        library = self._library_of(name)
        if library is not None and name in library.functions:
            return self._parsed((library.file, "functions", name), library.functions[name])
        owner, _, member = name.rpartition(".")
        if owner and self._class(owner) is not None:
            return self._through_class(owner, member)
        if library is None or name in library.classes:
            return None
        return self._from_patterns(library, name)

    def value(self, qualname: str) -> Effect | None:
        """The effect of reading a module's attribute, neither function nor class (``math.pi``, ``os.environ``)."""
        name = self.canonical(qualname)
        library = self._library_of(name)
        if library is None or name not in library.values:
            return None
        return self._parsed((library.file, "values", name), library.values[name])

    # effects of classes and their instances

    def init(self, cls: str) -> Effect | None:
        """The effect of constructing an instance; nothing is kept unless it says so."""
        if self._spec(cls, "init", "") is None and self._class(self.canonical(cls)) is not None:
            return Effect()
        return self._single(cls, "init")

    def method(self, cls: str, name: str) -> Effect | None:
        """The effect of calling a method of an instance."""
        return self._member(cls, "methods", name) or self._member(cls, "static", name)

    def attribute(self, cls: str, name: str) -> Effect | None:
        """The effect of reading an attribute that is not a method."""
        found = self._spec(cls, "attributes", name)
        if found is not None:
            return self._parsed(*found)
        is_method = self._spec(cls, "methods", name) or self._spec(cls, "static", name)
        return None if is_method else self._single(cls, "getattr")

    def item(self, cls: str) -> Effect | None:
        """The effect of ``obj[key]``."""
        return self._single(cls, "item")

    def take(self, cls: str) -> Effect | None:
        """The effect of ``obj[key]`` where a part of the key is certainly a list, an array or a mask."""
        return self._single(cls, "take") or self._single(cls, "item")

    def iter(self, cls: str) -> Effect | None:
        """The effect of iterating; the result is an item."""
        return self._single(cls, "iter")

    def call(self, cls: str) -> Effect | None:
        """The effect of ``obj(...)``."""
        return self._single(cls, "call")

    def enter(self, cls: str) -> Effect | None:
        """The effect of ``with obj``; the result is what ``as`` binds."""
        return self._single(cls, "enter")

    def operators(self, cls: str) -> Effect | None:
        """The effect of unary, binary and comparison operators.

        A listed class has harmless operators with a fresh result unless its entry speaks. A stated type holds
        only if both operands have it or the other one is a plain scalar.
        """
        if self._spec(cls, "operators", "") is None and self._class(self.canonical(cls)) is not None:
            return Effect()
        return self._single(cls, "operators")

    def store(self, cls: str) -> Effect | None:
        """The effect of ``obj[key] = value`` and ``obj.name = value``, beyond changing the object.

        None means that the object keeps the value.
        """
        return self._single(cls, "store")

    def flags(self, cls: str) -> frozenset[str]:
        """The flags of a class and its bases."""
        if cls not in self._flags:
            self._flags[cls] = frozenset().union(*(entry.flags for entry, _ in self._line(self.canonical(cls))))
        return self._flags[cls]

    def bases(self, cls: str) -> tuple[str, ...]:
        """The class and all its bases that the table lists, nearest first."""
        return tuple(name for _, name in self._line(self.canonical(cls)))

    def declared_bases(self, cls: str) -> tuple[str, ...]:
        """The bases that a class's own entry names."""
        entry = self._class(self.canonical(cls))
        return entry.bases if entry else ()

    def result_like(self, effect: Effect, argument: str | None) -> str | None:
        """The type of a result that is said to be like an argument of this type, None if unknown."""
        if effect.otherwise is None or argument is None:
            return argument
        return argument if "array" in self.flags(argument) else effect.otherwise

    def entries(self, library: str) -> Iterator[tuple[str, str, str]]:
        """All lines of a library's file as (kind, name, spec), classes' members with their class before the dot."""
        data = self._load(library)
        if data is None:
            return
        yield from (("functions", name, spec) for name, spec in data.functions.items())
        yield from (("values", name, spec) for name, spec in data.values.items())
        for cls, entry in data.classes.items():
            yield from ((kind, f"{cls}.{name}" if name else cls, spec) for (kind, name), spec in entry.specs.items())
        yield from (("patterns", glob, spec) for _, glob, spec in data.patterns)

    def classes(self, library: str) -> tuple[str, ...]:
        """All classes that a library's file lists by name."""
        data = self._load(library)
        return tuple(data.classes) if data else ()

    # search

    def _single(self, cls: str, key: str) -> Effect | None:
        return self._member(cls, key, "")

    def _member(self, cls: str, key: str, name: str) -> Effect | None:
        found = self._spec(cls, key, name)
        return None if found is None else self._parsed(*found)

    def _spec(self, cls: str, key: str, name: str) -> tuple[tuple[str, ...], str] | None:
        asked = (cls, key, name)
        if asked not in self._specs:
            self._specs[asked] = self._find_spec(cls, key, name)
        return self._specs[asked]

    def _find_spec(self, cls: str, key: str, name: str) -> tuple[tuple[str, ...], str] | None:
        for entry, owner in self._line(self.canonical(cls)):
            spec = entry.specs.get((key, name))
            if spec is not None:
                return (owner, key, name), spec
        return None

    def _line(self, cls: str, seen: frozenset[str] = frozenset()) -> Iterator[tuple[_Class, str]]:
        entry = None if cls in seen else self._class(cls)
        if entry is None:
            return
        yield entry, cls
        for base in entry.bases:
            yield from self._line(self.canonical(base), seen | {cls})

    def _through_class(self, owner: str, member: str) -> Effect | None:
        static = self._member(owner, "static", member)
        if static is not None:
            return static
        method = self._member(owner, "methods", member)
        return None if method is None else unbound(method)

    def _class(self, name: str) -> _Class | None:
        if name not in self._resolved:
            self._resolved[name] = self._find_class(name)
        return self._resolved[name]

    def _find_class(self, name: str) -> _Class | None:
        library = self._library_of(name)
        if library is None:
            return None
        if name in library.classes:
            return library.classes[name]
        spec = None if name in library.functions or name in library.values else _match(library, name)
        if spec is None or not spec.startswith(_CLASS):
            return None
        return _Class({"bases": [spec[len(_CLASS) :].strip()]}, f"{library.file} {name}")

    def _from_patterns(self, library: _Library, name: str) -> Effect | None:
        spec = _match(library, name)
        if spec is None or spec.startswith(_CLASS):
            return None
        return self._parsed((library.file, "patterns", spec), spec)

    def _parsed(self, key: tuple[str, ...], spec: str) -> Effect | None:
        if key not in self._effects:
            self._effects[key] = parse_effect(spec, " ".join(key))
        return self._effects[key]

    # files

    def _find_canonical(self, qualname: str) -> str:
        name = qualname.removeprefix(f"{_BUILTINS}.")
        for _ in range(_MAX_ALIASES):
            library = self._library_of(name)
            renamed = name if library is None else _rename(library.aliases, name)
            if renamed == name:
                break
            name = renamed
        return name

    def _library_of(self, name: str) -> _Library | None:
        top, dot, _ = name.partition(".")
        stem = self._index().get(top) if dot else None
        if stem is None:
            # Members of built-in classes (str.upper) have a dot too, but no module before it.
            stem = _BUILTINS
        return self._load(stem)

    def _index(self) -> dict[str, str]:
        if self._files is None:
            self._files = json.loads((self._folder / _INDEX).read_text(encoding="utf-8"))
        return self._files

    def _load(self, stem: str) -> _Library | None:
        if stem not in self._libraries:
            path = self._folder / f"{stem}.json"
            self._libraries[stem] = _Library(path) if path.is_file() else None
        return self._libraries[stem]


def _spread(section: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    """The names of a section one by one; "numpy.linalg: inv det" stands for numpy.linalg.inv and numpy.linalg.det."""
    for names, data in section.items():
        prefix, colon, rest = names.rpartition(":")
        listed = rest.split()
        if not listed:
            raise ValueError(f"{where}: an entry without a name")
        for name in listed:
            yield (f"{prefix.strip()}.{name}" if colon else name), data


def _rename(aliases: Mapping[str, str], name: str) -> str:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        if prefix in aliases:
            return ".".join([aliases[prefix], *parts[length:]])
    return name


def _match(library: _Library, name: str) -> str | None:
    return next((spec for pattern, _, spec in library.patterns if pattern.fullmatch(name)), None)


def _compile_glob(glob: str) -> re.Pattern[str]:
    """``*`` stays within one dotted part, ``**`` crosses dots, ``[…]`` is a set of characters."""
    known = {"**": r".*", "*": r"[^.]*"}
    pieces = (
        known.get(piece) or (piece if piece.startswith("[") else re.escape(piece))
        for piece in re.split(r"(\*\*|\*|\[[^\]]*\])", glob)
    )
    return re.compile("".join(pieces))
