"""Hidden state of the process that steps share: random generators, options, the environment.

Each state has a capture function, which returns something that can be pickled (None: nothing to hand over),
and a restore function. They take a ``Baseline``: what the process was like before the step touched it.
"""

from __future__ import annotations

import locale
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .context import ENVIRONMENT_VARIABLE
from .errors import LoadError
from .forked import ForkedKernel

__all__ = ["STATES", "Baseline", "State", "UnknownBaselineError", "restore_order"]

_OWN_VARIABLES = ("JUPYTER_MLOPS_", "JPY_")


class UnknownBaselineError(Exception):
    """A state is handed over as a change, and what it was before is not known."""


@dataclass(frozen=True)
class Baseline:
    """The process when the step began.

    Args:
        environment: The environment variables; None if nobody can tell any more.
        directory: The working directory; the same.
    """

    environment: Mapping[str, str] | None
    directory: Path | None

    @classmethod
    def of_this_process(cls, namespace: Mapping[str, Any], *, late: bool = False) -> Baseline:
        """Find out as well as can be.

        On Linux a process started for this step still knows the environment it was started with, and IPython
        remembers in which directory it began.

        Args:
            namespace: The globals of the notebook.
            late: Whether the user's cells have run, so that the present tells nothing.
        """
        environment = _started_with() or (None if late else dict(os.environ))
        directories = namespace.get("_dh")
        if isinstance(directories, list) and directories:
            return cls(environment, Path(directories[0]))
        return cls(environment, None if late else Path.cwd())


def _started_with() -> Mapping[str, str] | None:
    """The environment of this process's start, None for a process forked by others or if it is not known."""
    if ForkedKernel.begun is not None:
        return ForkedKernel.begun
    try:
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    begun = dict(os.fsdecode(entry).split("=", 1) for entry in entries if b"=" in entry)
    step = os.environ.get(ENVIRONMENT_VARIABLE)
    return begun if step and begun.get(ENVIRONMENT_VARIABLE) == step else None


@dataclass(frozen=True)
class State:
    """One kind of hidden state.

    Args:
        order: States with a lower number are restored first; importing a library while values are loaded
            changes warnings filters and options, loading a figure may draw: what must be exact comes last.
    """

    capture: Callable[[Baseline], Any]
    restore: Callable[[Any, Baseline], None]
    order: int = 1


def restore_order(name: str) -> int:
    """Where a state comes among others to be restored."""
    return STATES[name].order if name in STATES else 0


def _capture_random(_: Baseline) -> Any:
    import random

    return random.getstate()


def _restore_random(state: Any, _: Baseline) -> None:
    import random

    random.setstate(state)


def _capture_numpy_random(_: Baseline) -> Any:
    if "numpy" not in sys.modules:
        return None
    import numpy as np

    return np.random.get_state(legacy=False)


def _restore_numpy_random(state: Any, _: Baseline) -> None:
    import numpy as np

    if np.random.get_state(legacy=False)["bit_generator"] != state["bit_generator"]:  # type: ignore[call-overload,unused-ignore]
        numpy_random: Any = np.random
        numpy_random.set_bit_generator(getattr(numpy_random, state["bit_generator"])())
    np.random.set_state(state)


def _capture_torch_random(_: Baseline) -> Any:
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return {"cpu": torch.get_rng_state(), "cuda": devices}


def _restore_torch_random(state: Any, _: Baseline) -> None:
    import torch  # type: ignore[import-not-found,unused-ignore]

    torch.set_rng_state(state["cpu"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])


def _pandas_options() -> Iterator[tuple[str, Any]]:
    import pandas as pd

    def walk(options: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        for name in dir(options):
            value = getattr(options, name)
            if type(value) is type(pd.options):
                yield from walk(value, f"{prefix}{name}.")
            else:
                yield prefix + name, value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from list(walk(pd.options, ""))


def _capture_pandas(_: Baseline) -> Any:
    return dict(_pandas_options()) if "pandas" in sys.modules else None


def _restore_pandas(state: Any, _: Baseline) -> None:
    import pandas as pd

    now = dict(_pandas_options())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in state.items():
            if name in now and now[name] is not value and now[name] != value:
                pd.set_option(name, value)


def _capture_numpy(_: Baseline) -> Any:
    if "numpy" not in sys.modules:
        return None
    import numpy as np

    return {"print": np.get_printoptions(), "errors": np.geterr(), "callback": np.geterrcall()}


def _restore_numpy(state: Any, _: Baseline) -> None:
    import numpy as np

    np.set_printoptions(**state["print"])
    np.seterr(**state["errors"])
    np.seterrcall(state["callback"])


_KEPT_BY_MATPLOTLIB = ("backend", "backend_fallback", "interactive", "toolbar", "webagg.", "savefig.directory")
_INLINE = ("inline", "module://matplotlib_inline.backend_inline")
"""Names of one backend; ``%matplotlib inline`` chooses the first, and ipywidgets looks at which it is."""
_COLORMAP = "mlops.colormap"
"""The default colormap where it is none of matplotlib's own: importing seaborn, for one, has registered it."""


def _capture_matplotlib(_: Baseline) -> Any:
    if "matplotlib" not in sys.modules:
        return None
    parameters = sys.modules["matplotlib"].rcParams
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = {name: parameters[name] for name in parameters if not name.startswith(_KEPT_BY_MATPLOTLIB)}
    if (backend := _backend(parameters)) in _INLINE:
        state["backend"] = backend
    name = state.get("image.cmap")
    colormaps = getattr(sys.modules["matplotlib"], "colormaps", {})
    if isinstance(name, str) and name in colormaps and name not in getattr(colormaps, "_builtin_cmaps", (name,)):
        state[_COLORMAP] = colormaps[name]
    return state


def _restore_matplotlib(state: Any, _: Baseline) -> None:
    import matplotlib

    if _COLORMAP in state and state["image.cmap"] not in matplotlib.colormaps:
        matplotlib.colormaps.register(state[_COLORMAP], name=state["image.cmap"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = {name: value for name, value in state.items() if name in matplotlib.rcParams}
        if _backend(matplotlib.rcParams) not in _INLINE:
            known.pop("backend", None)
        matplotlib.rcParams.update(known)


def _backend(parameters: Any) -> Any:
    """The backend's name as it was given; asking for it the usual way would choose one."""
    return dict.get(parameters, "backend")


def _capture_sklearn(_: Baseline) -> Any:
    sklearn = sys.modules.get("sklearn")
    return dict(sklearn.get_config()) if sklearn is not None else None


def _restore_sklearn(state: Any, _: Baseline) -> None:
    import sklearn

    known = sklearn.get_config()
    sklearn.set_config(**{name: value for name, value in state.items() if name in known})


def _capture_warnings(_: Baseline) -> Any:
    return list(warnings.filters)


def _restore_warnings(state: Any, _: Baseline) -> None:
    warnings.resetwarnings()  # also tells the interpreter that its cache of filters is stale
    warnings.filters.extend(state)  # type: ignore[attr-defined]


def _capture_environment(baseline: Baseline) -> Any:
    if baseline.environment is None:
        raise UnknownBaselineError("what it was when the step began is not known: the step has no load cell")
    now = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)}
    before = {name: value for name, value in baseline.environment.items() if not name.startswith(_OWN_VARIABLES)}
    return {
        "set": {name: value for name, value in sorted(now.items()) if before.get(name) != value},
        "unset": sorted(before.keys() - now.keys()),
    }


def _restore_environment(state: Any, _: Baseline) -> None:
    os.environ.update(state["set"])
    for name in state["unset"]:
        os.environ.pop(name, None)


def _capture_directory(baseline: Baseline) -> Any:
    if baseline.directory is None:
        raise UnknownBaselineError("what it was when the step began is not known: the step has no load cell")
    try:
        return {"relative": Path(os.path.relpath(Path.cwd(), baseline.directory)).as_posix()}
    except ValueError:  # another drive
        return {"absolute": str(Path.cwd())}


def _restore_directory(state: Any, baseline: Baseline) -> None:
    begun = baseline.directory or Path.cwd()
    place = begun / state["relative"] if "relative" in state else Path(state["absolute"])
    try:
        place.mkdir(parents=True, exist_ok=True)
        os.chdir(place)
    except OSError as error:
        raise LoadError(f"cannot change to the working directory {place}: {error.strerror or error}") from None


def _capture_locale(_: Baseline) -> Any:
    return locale.setlocale(locale.LC_ALL)


def _restore_locale(state: Any, _: Baseline) -> None:
    try:
        locale.setlocale(locale.LC_ALL, state)
    except locale.Error:
        raise LoadError(f"the locale {state!r}, which an earlier step has set, does not exist here") from None


def _capture_decimal(_: Baseline) -> Any:
    import decimal

    return decimal.getcontext().copy()


def _restore_decimal(state: Any, _: Baseline) -> None:
    import decimal

    decimal.setcontext(state)


def _capture_figures(_: Baseline) -> Any:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not pyplot.get_fignums():
        return None
    current = pyplot.gcf().number
    return {"figures": [(number, pyplot.figure(number)) for number in pyplot.get_fignums()], "current": current}


def _restore_figures(state: Any, _: Baseline) -> None:
    from matplotlib import pyplot
    from matplotlib._pylab_helpers import Gcf

    for number, figure in state["figures"]:  # loading has registered them under the next free numbers
        manager = figure.canvas.manager
        if manager is not None and manager.num != number:
            Gcf.figs.pop(manager.num, None)
            manager.num = number
            Gcf.figs[number] = manager
            for attribute in ("_number", "number"):  # the figure's own note of it
                if attribute in vars(figure):
                    vars(figure)[attribute] = number
    pyplot.figure(state["current"])


def _capture_logging(_: Baseline) -> Any:
    import logging

    loggers = {name: item for name, item in logging.root.manager.loggerDict.items() if isinstance(item, logging.Logger)}
    return {
        "root": logging.root.level,
        "levels": {name: item.level for name, item in sorted(loggers.items()) if item.level},
        "disabled": logging.root.manager.disable,
    }


def _restore_logging(state: Any, _: Baseline) -> None:
    import logging

    logging.root.setLevel(state["root"])
    for name, level in state["levels"].items():
        logging.getLogger(name).setLevel(level)
    logging.disable(state["disabled"])


def _capture_path(_: Baseline) -> Any:
    return [entry for entry in sys.path if isinstance(entry, str)]


def _restore_path(state: Any, _: Baseline) -> None:
    """Put entries that are missing here before those that they stood before; entries of this process stay."""
    known = set(sys.path)
    position = 0
    for entry in state:
        if entry in known:
            position = sys.path.index(entry) + 1
        else:
            sys.path.insert(position, entry)
            position += 1


STATES: Mapping[str, State] = {
    "env": State(_capture_environment, _restore_environment, 0),
    "locale": State(_capture_locale, _restore_locale, 0),
    "options:pandas": State(_capture_pandas, _restore_pandas),
    "options:numpy": State(_capture_numpy, _restore_numpy),
    "options:matplotlib": State(_capture_matplotlib, _restore_matplotlib),
    "options:sklearn": State(_capture_sklearn, _restore_sklearn),
    "decimal": State(_capture_decimal, _restore_decimal),
    "logging": State(_capture_logging, _restore_logging),
    "syspath": State(_capture_path, _restore_path, 0),
    "cwd": State(_capture_directory, _restore_directory, 2),
    "figures": State(_capture_figures, _restore_figures, 3),
    "rng:random": State(_capture_random, _restore_random, 4),
    "rng:numpy": State(_capture_numpy_random, _restore_numpy_random, 4),
    "rng:torch": State(_capture_torch_random, _restore_torch_random, 4),
    "warnings": State(_capture_warnings, _restore_warnings, 5),
}
"""By name, as in the pipeline's hidden states."""
