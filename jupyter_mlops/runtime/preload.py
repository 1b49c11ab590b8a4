"""Modules that are imported once, before forking, and come to light when the user's code imports them.

A forked kernel must show what a fresh one shows. So what an import leaves behind (modules, filters of warnings,
functions to call at exit, environment variables) is noted, put away, and put in force where the kernel's own code says
``import``. Imports whose effects are not of these kinds are refused.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import importlib.machinery
import importlib.util
import locale
import logging
import os
import random
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, cast

_LEAST_ENTROPY = 1 << 80

__all__ = ["Preloaded", "StreamProxy", "UnsafeImportError"]


class UnsafeImportError(Exception):
    """An import does what can't be put away."""


@dataclass
class Stage:
    """What one import left behind.

    Args:
        modules: By name, in the order of loading.
        filters: Filters of warnings it has put in front.
        exits: Functions that it wants called at exit, with their arguments.
        environ: Environment variables that it has set.
    """

    modules: dict[str, ModuleType] = field(default_factory=dict)
    filters: list[Any] = field(default_factory=list)
    exits: list[tuple[Any, Any, Any]] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)


class StreamProxy:
    """Stands for ``sys.stdout`` while modules are imported, in case one keeps it.

    Args:
        target: The stream that it stands for at first.
    """

    encoding = "UTF-8"  # a kernel's

    def __init__(self, target: Any) -> None:
        self.target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)


class Preloaded:
    """Imports modules and hides them.

    Its ``environ`` is what the process was started with.

    A finder of the import system: it is asked first, and knows nothing but what it hides.
    """

    def __init__(self) -> None:
        self.environ = dict(os.environ)
        self.streams = (StreamProxy(sys.stdout), StreamProxy(sys.stderr))
        self._stages: list[Stage] = []
        self._hidden: dict[str, int] = {}
        self._generators: list[Any] = []
        self._lock = threading.RLock()

    @property
    def tops(self) -> list[str]:
        """Top-level names of the hidden modules."""
        return sorted({name.partition(".")[0] for name in self._hidden})

    @property
    def names(self) -> list[str]:
        """Names of the hidden modules."""
        return list(self._hidden)

    def find(self, name: str) -> ModuleType | None:
        """Return a hidden module without bringing it to light."""
        number = self._hidden.get(name)
        return None if number is None else self._stages[number].modules.get(name)

    def load(self, statements: Sequence[str]) -> None:
        """Execute import statements one after another; those of modules that are not installed are left out.

        Raises:
            UnsafeImportError: One fails, shows something, or changes what can't be put away.
        """
        with _as_in_kernel():
            self._load(statements)
        self._generators = _generators()

    def _load(self, statements: Sequence[str]) -> None:
        for statement in statements:
            if _is_installed(statement.split()[1]):
                self._stages.append(self._execute(statement))

    def hide(self) -> None:
        """Take the imported modules out of sight."""
        for number, stage in enumerate(self._stages):
            for name in stage.modules:
                self._hidden[name] = number
                sys.modules.pop(name, None)
        sys.meta_path.insert(0, self)

    def seed(self) -> None:
        """Give this process randomness of its own, as a new one has."""
        random.seed()
        numpy = self.find("numpy.random") or sys.modules.get("numpy.random")
        if numpy is not None:
            numpy.seed()
        for generator in self._generators:
            bits = _bits(generator)
            bits.state = type(bits)().state
        process: Any = sys.modules.get("multiprocessing.process")
        if process is not None:
            process.current_process().authkey = os.urandom(32)

    def _execute(self, statement: str) -> Stage:
        before, filters, environ = set(sys.modules), list(warnings.filters), dict(os.environ)
        state, stage = _state(), Stage()
        with self._observed(statement, stage):
            exec(compile(statement, "<import>", "exec"), {"__name__": "__main__"})
        if (changed := [what for what, value in _state().items() if state[what] != value]) != []:
            raise UnsafeImportError(f"`{statement}` changes {' and '.join(changed)}")
        stage.modules = {item: module for item, module in sys.modules.items() if item not in before and _hides(item)}
        now = list(warnings.filters)
        added = now[: len(now) - len(filters)]
        if now[len(added) :] != filters:
            raise UnsafeImportError(f"`{statement}` removes filters of warnings")
        stage.filters = added
        warnings.filters[:] = filters  # type: ignore[index]
        _filters_changed()
        if any(os.environ.get(item) != value for item, value in environ.items()):
            raise UnsafeImportError(f"`{statement}` changes environment variables")
        stage.environ = {item: value for item, value in os.environ.items() if item not in environ}
        for item in stage.environ:
            del os.environ[item]
        return stage

    @contextmanager
    def _observed(self, statement: str, stage: Stage) -> Iterator[None]:
        shown: list[str] = []

        def register(function: Any, *args: Any, **kwargs: Any) -> Any:
            stage.exits.append((function, args, kwargs))
            return function

        streams, show, real = (sys.stdout, sys.stderr), warnings.showwarning, atexit.register
        sys.stdout, sys.stderr = self.streams
        warnings.showwarning = lambda message, *args, **kwargs: shown.append(str(message))
        atexit.register = register  # type: ignore[assignment]
        try:
            yield
        except Exception as error:
            raise UnsafeImportError(f"`{statement}` fails ({type(error).__name__}: {error})") from None
        finally:
            sys.stdout, sys.stderr = streams
            warnings.showwarning, atexit.register = show, real
        if shown:
            raise UnsafeImportError(f"`{statement}` warns: {shown[0]}")

    # the finder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Find a hidden module; it stays hidden until it is loaded."""
        module = self.find(name)
        if module is None:
            return None
        original = getattr(module, "__spec__", None)
        if original is None:
            self.reveal(name)
            return None
        spec = importlib.machinery.ModuleSpec(name, cast(Any, _Loader(self, module)), origin=original.origin)
        spec.submodule_search_locations = original.submodule_search_locations
        spec.has_location = original.has_location
        return spec

    def reveal(self, name: str) -> None:
        """Bring a module to light, with all that was imported before and with it."""
        with self._lock:
            last = self._hidden.get(name, -1)
            for number in range(last + 1):
                stage, self._stages[number] = self._stages[number], Stage()
                for item, module in stage.modules.items():
                    self._hidden.pop(item, None)
                    sys.modules.setdefault(item, module)
                _put_in_force(stage)
            _repair(sys.modules)
            if not self._hidden and self in sys.meta_path:
                sys.meta_path.remove(self)


class _Shell:
    """Stands for IPython's shell, of which libraries ask what they run in."""

    kernel = object()
    config: Mapping[str, Any] = {"IPKernelApp": {}}


_Shell.__name__ = _Shell.__qualname__ = "ZMQInteractiveShell"


@contextmanager
def _as_in_kernel() -> Iterator[None]:
    """Have the built-in names that IPython adds; pandas, for one, chooses its options by them."""
    shell = _Shell()
    names = {"__IPYTHON__": True, "get_ipython": lambda: shell}
    vars(builtins).update(names)
    try:
        yield
    finally:
        for name in names:
            vars(builtins).pop(name, None)


class _Loader:
    """Loads a hidden module, which was executed before the fork."""

    def __init__(self, preloaded: Preloaded, module: ModuleType) -> None:
        self._preloaded = preloaded
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        self._preloaded.reveal(spec.name)
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has put the one of this loader there

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spec.loader if self._spec else None, name)


def _put_in_force(stage: Stage) -> None:
    for item in reversed(stage.filters):
        if item in warnings.filters:
            warnings.filters.remove(item)  # type: ignore[attr-defined]
        warnings.filters.insert(0, item)  # type: ignore[attr-defined]
    if stage.filters:
        _filters_changed()
    for name, value in stage.environ.items():
        os.environ.setdefault(name, value)
    for function, args, kwargs in stage.exits:
        atexit.register(function, *args, **kwargs)


def _repair(modules: dict[str, ModuleType]) -> None:
    """Do what an import does only where there is an IPython."""
    pyplot = modules.get("matplotlib.pyplot")
    kinds = getattr(pyplot, "_ReplDisplayHook", None)
    if pyplot is not None and kinds is not None and getattr(pyplot, "_REPL_DISPLAYHOOK", None) is kinds.PLAIN:
        pyplot._REPL_DISPLAYHOOK = kinds.NONE  # type: ignore[attr-defined]
        pyplot.install_repl_displayhook()


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _hides(name: str) -> bool:
    """Whether a module is no part of the standard library, which kernels load for reasons of their own."""
    top = name.partition(".")[0]
    if top.startswith("__"):
        return False  # other names of the main module
    standard = getattr(sys, "stdlib_module_names", None)
    if standard is not None:
        return top not in standard
    file = getattr(sys.modules.get(top), "__file__", None)
    return file is not None and "site-packages" in Path(file).parts


def _filters_changed() -> None:
    getattr(warnings, "_filters_mutated", lambda: None)()


def _state() -> dict[str, Any]:
    """What an import has no business to change."""
    root = logging.getLogger()
    return {
        "the module path": list(sys.path),
        "how modules are found": [*sys.meta_path, *sys.path_hooks],
        "what is done with errors": [sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook],
        "signal handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "the working directory": Path.cwd(),
        "the locale": locale.setlocale(locale.LC_ALL),
        "Python's limits": [sys.getrecursionlimit(), sys.getswitchinterval(), gc.get_threshold(), gc.isenabled()],
        "logging": [root.level, list(root.handlers), logging.raiseExceptions, logging.Logger.manager.disable],
        "built-in names": sorted(vars(builtins)),
        "open files": sorted(_open_files()),
        "running threads": threading.active_count(),
    }


def _open_files() -> list[int]:
    found = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (a Path would open one more)
        try:
            os.fstat(int(name))
        except OSError:
            continue  # the one that was open to list them
        found.append(int(name))
    return found


def _generators() -> list[Any]:
    """Find NumPy's generators that were seeded by the system, which forks would share; all but the global one.

    Raises:
        UnsafeImportError: There is one of which that can't be told.
    """
    numpy = sys.modules.get("numpy.random")
    kinds: tuple[type, ...] = () if numpy is None else (numpy.RandomState, numpy.Generator)
    if _keeps_generator(things := _living(kinds)):
        gc.collect()  # perhaps none that lives
        if _keeps_generator(things := _living(kinds)):
            raise UnsafeImportError("an imported module keeps a random generator")
    if numpy is None:
        return []
    shared = numpy.mtrand._rand
    return [item for item in things if isinstance(item, kinds) and item is not shared and _by_system(item)]


def _living(kinds: tuple[type, ...]) -> list[Any]:
    """Find random generators of Python's and of these kinds, and who draws names of temporary files."""
    names: type = getattr(tempfile, "_RandomNameSequence")  # noqa: B009 (type checkers don't know it)
    wanted = (random.Random, names, *kinds)
    return [item for item in gc.get_objects() if isinstance(item, wanted)]


def _keeps_generator(things: Sequence[Any]) -> bool:
    names: type = getattr(tempfile, "_RandomNameSequence")  # noqa: B009
    # Names of temporary files: it makes a generator of its own in each process.
    known = {id(getattr(item, "_rng", None)) for item in things if isinstance(item, names)}
    known.add(id(getattr(random, "_inst", None)))
    plain = (item for item in things if isinstance(item, random.Random) and not isinstance(item, random.SystemRandom))
    return any(id(item) not in known for item in plain)


def _by_system(generator: Any) -> bool:
    sequence = getattr(_bits(generator), "seed_seq", None)
    entropy = getattr(sequence, "entropy", None)
    return isinstance(entropy, int) and entropy >= _LEAST_ENTROPY  # nobody writes such a number into a program


def _bits(generator: Any) -> Any:
    return getattr(generator, "_bit_generator", None) or generator.bit_generator
