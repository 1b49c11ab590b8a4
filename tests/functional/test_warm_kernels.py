"""A forked kernel shows what a fresh one shows: small notebooks run both ways, compared cell by cell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.engine.result import RunResult
from jupyter_mlops.engine.warm.pool import KernelPool

Run = Callable[..., tuple[RunResult, list[Any]]]

HEAVY = "{'pandas', 'numpy', 'matplotlib', 'scipy', 'sklearn', 'joblib', 'pyarrow', 'dateutil', 'PIL', 'threadpoolctl'}"

FIGURES = (
    f"import sys\nprint(sorted(name for name in sys.modules if name.partition('.')[0] in {HEAVY}))",
    "import matplotlib\nprint('matplotlib.pyplot' in sys.modules, 'pandas' in sys.modules)",
    "import matplotlib.pyplot as plt\nprint(plt.get_backend(), plt.isinteractive(), plt.get_fignums())",
    "print({name: value for name, value in plt.rcParams.items()})",
    "fig, ax = plt.subplots(figsize=(2, 1))\nax.plot([1, 2, 1])\nax",
    "plt.hist([1, 2, 2])",
    "import matplotlib.figure\nmatplotlib.figure.Figure(figsize=(1, 1))",
)

FRAMES = (
    "import sys, warnings\nprint(warnings.filters)",
    f"print(sorted(name for name in sys.modules if name.partition('.')[0] in {HEAVY}))",
    "import numpy as np\nprint(warnings.filters)",
    "print('pandas' in sys.modules, sorted(name for name in sys.modules if name.startswith('numpy.')))",
    "import pandas as pd\nprint(warnings.filters, pd.__spec__.name, type(pd.__loader__).__name__)",
    f"print(sorted(name for name in sys.modules if name.partition('.')[0] in {HEAVY}))",
    "names = ['display.max_rows', 'display.width', 'display.notebook_repr_html', 'mode.copy_on_write']\n"
    "print([pd.get_option(name) for name in names if name in dir(pd.options) or True])",
    "frame = pd.DataFrame({'a': [1, 2], 'b': ['x', None]})\nframe",
    "print(frame)\nframe.describe()",
    "np.array([1]) / 0",
    "warnings.warn('once', DeprecationWarning)\nwarnings.warn('twice')",
    "import importlib\nprint(importlib.reload(pd.io.clipboards).__name__, np.geterr(), np.get_printoptions())",
    "from sklearn.linear_model import LogisticRegression\nmodel = LogisticRegression().fit([[0], [1]], [0, 1])\nmodel",
    "model.coef_, model.predict_proba([[2]])",
    "from joblib import Parallel, delayed\nprint(Parallel(n_jobs=2)(delayed(abs)(-n) for n in range(4)))",
    "import threadpoolctl\nprint([(p['user_api'], p['num_threads']) for p in threadpoolctl.threadpool_info()])",
    "(np.ones((300, 300)) @ np.ones((300, 300))).sum()",
)

PROCESS = (
    "import os, sys\nprint([item for item in sys.argv if not item.endswith('.json')], len(sys.argv), sys.executable)",
    "print([item for item in sys.orig_argv if not item.endswith('.json')], sys.flags, sys.path)",
    "print(__name__, '__file__' in globals(), sorted(n for n in globals() if not n.startswith('_')))",
    "print(type(get_ipython()), type(get_ipython().kernel), get_ipython().execution_count)",
    "print(sys.modules['__main__'].__dict__ is globals())",
    "print(os.getcwd(), os.getpid() == os.getpgid(0), os.getpid() == os.getsid(0), os.umask(0o22), os.nice(0))",
    "print(sorted((n, v) for n, v in os.environ.items() if n not in ('JUPYTER_MLOPS_STEP', 'JPY_SESSION_NAME')))",
    "import signal\nprint([(number, str(signal.getsignal(number)).split(' at ')[0]) for number in range(1, 32)])\n"
    "print(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.set_wakeup_fd(-1) >= 0)",
    "import threading\nprint(sorted(re.sub(r'0x\\w+', '', thread.name) for thread in threading.enumerate())"
    " if (re := __import__('re')) else 0, threading.active_count())",
    "print(threading.current_thread() is threading.main_thread(), threading.Thread().name)",
    "import logging\nprint(logging.getLogger().handlers, logging.getLogger().level)\nlogging.warning('careful')",
    "logging.basicConfig(level='INFO', force=True)\nlogging.info('spoken')",
    "print(hash('text'), id(None) == id(None), sys.getrecursionlimit(), __import__('gc').get_threshold())",
    "import random, resource\nrandom.seed(3)\nprint(random.random(), resource.getrlimit(resource.RLIMIT_NOFILE))",
    "import locale, time\nprint(locale.setlocale(locale.LC_ALL), time.tzname, sys.stdout.encoding)",
    "print(sys.excepthook.__qualname__, sys.displayhook.__class__, sys.stdout.__class__, sys.__stdout__.fileno())",
    "print([getattr(f, '__qualname__', type(f)) for f in sys.meta_path if type(f).__name__ != 'Preloaded'])",
    "import subprocess\nprint(subprocess.run(['cat'], input='in', capture_output=True, text=True))",
    "import multiprocessing as mp\nprint(mp.get_start_method(), mp.current_process().name, mp.parent_process())",
    "with mp.get_context('fork').Pool(2) as pool:\n    print(pool.map(abs, [-1, -2]))",
    "with mp.get_context('spawn').Pool(1) as pool:\n    print(pool.map(abs, [-1, -2]))",
    "from concurrent.futures import ThreadPoolExecutor\nprint(list(ThreadPoolExecutor(2).map(abs, [-3, 4])))",
    "import asyncio\nawait asyncio.sleep(0)\nprint(type(asyncio.get_running_loop()).__name__)",
    "%%bash\necho from bash $0\nread line || echo nothing to read\necho wrong >&2",
    "!echo from the shell",
    "result = %timeit -q -o -n1 -r1 pass\ntype(result)",
    "os.system('echo printed by a process')\ntime.sleep(0.5)",
    "print(os.read(0, 1) if os.isatty(0) else os.readlink('/proc/self/fd/0'))",
    "_, Out, In[-1], get_ipython().history_manager.hist_file",
    "import atexit, pathlib\natexit.register(lambda: pathlib.Path('at-exit').write_text('done')) is None",
    "import inspect\ndef double(x):\n    return 2 * x\nprint(inspect.getsource(double))",
    "import pickle\nclass Thing:\n    pass\npickle.dumps(Thing())",
    "import tempfile, uuid\nprint(tempfile.gettempdir(), uuid.uuid4() == uuid.uuid4())",
)

ASKS = ("print('before')", "input('Name? ')")
EXITS = ("import sys\nprint('before')", "sys.exit(0)")
EXITS_BADLY = ("import sys\nprint('before')", "sys.exit(3)")
RAISES = ("import pandas as pd\ndef inner(frame):\n    return frame['b']", "inner(pd.DataFrame({'a': [1]}))")
LIBRARY_RAISES = ("x = 1", "import json\njson.loads('{')")
ENDS = ("import os, signal\nprint('before', flush=True)", "os.kill(os.getpid(), signal.SIGKILL)")

NOTEBOOKS = {
    "figures": FIGURES,
    "frames": FRAMES,
    "process": PROCESS,
    "asks": ASKS,
    "exits": EXITS,
    "exits-badly": EXITS_BADLY,
    "raises": RAISES,
    "library-raises": LIBRARY_RAISES,
    "ends": ENDS,
}


@pytest.fixture(scope="module")
def pool() -> Iterator[KernelPool]:
    """Keep templates from test to test."""
    with KernelPool() as pool:
        yield pool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("project")
    (made / "pyproject.toml").touch()
    return made


@pytest.fixture
def both(folder: Path, pool: KernelPool, notebook: Callable[..., str]) -> Run:
    """Return a function that runs cells warm or cold, and tells what they showed."""

    def run(name: str, cells: Sequence[str], *, warm: bool, **options: Any) -> tuple[RunResult, list[Any]]:
        path, out = folder / f"{name}.ipynb", folder / f"{name}-{warm}.ipynb"
        path.write_text(notebook(*(("", source) for source in cells)), encoding="utf-8")
        options = {"no_cache": True, "output": out, "kernels": pool if warm else None, "warm": warm} | options
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("PYTEST_CURRENT_TEST", raising=False)  # with it, ipykernel leaves descriptors 1 and 2 alone
            result = mlops.run(path, **options)
        return result, [
            shown(cell)
            for cell in json.loads(out.read_text(encoding="utf-8"))["cells"]
            if cell["id"].startswith("cell-")
        ]

    return run


def shown(cell: Any) -> list[Any]:
    """What a cell showed; how what it printed was cut into messages is chance."""
    found: list[Any] = []
    for output in map(plain, cell["outputs"]):
        text = "".join(output.get("text", ""))
        if found and text and found[-1].get("name") == output.get("name"):
            found[-1]["text"] += text
        else:
            found.append({**output, "text": text} if text else output)
    return found


def plain(output: Any) -> Any:
    """Return an output without what differs from process to process."""
    text = json.dumps({name: value for name, value in output.items() if name != "metadata"}, sort_keys=True)
    text = re.sub(r"ipykernel_\d+", "ipykernel_PID", text)
    text = re.sub(r"(\\u001b\[[0-9;]*m)", "", text)
    text = re.sub(r"pipe:\[\d+\]", "pipe", text)
    return json.loads(re.sub(r"0x[0-9a-f]{6,}", "0xADDRESS", text))


@pytest.mark.parametrize("name", list(NOTEBOOKS))
def test_a_forked_kernel_shows_what_a_fresh_one_shows(name: str, both: Run) -> None:
    cells = NOTEBOOKS[name]
    forked, warm = both(name, cells, warm=True)
    fresh, cold = both(name, cells, warm=False)
    assert [step.kernel for step in forked.steps] == ["warm"]
    assert [step.kernel for step in fresh.steps] == ["cold: it was asked for"]
    for source, one, other in zip(cells, warm, cold, strict=True):
        assert one == other, source
    assert forked.status == fresh.status and forked.exit_code == fresh.exit_code
    failures = [[step.error and (step.error.kind, step.error.ename) for step in r.steps] for r in (forked, fresh)]
    assert failures[0] == failures[1]


def test_a_step_that_takes_too_long(both: Run) -> None:
    cells = ("import time\nprint('before')", "time.sleep(60)")
    forked, warm = both("slow", cells, warm=True, timeout=6)
    fresh, cold = both("slow", cells, warm=False, timeout=6)
    assert warm == cold and "KeyboardInterrupt" in str(warm[1])
    assert [str(step.error and step.error.ename) for r in (forked, fresh) for step in r.steps] == ["StepTimeout"] * 2
    assert [step.kernel for step in forked.steps] == ["warm"]


def test_randomness_is_of_each_kernel_alone(folder: Path, pool: KernelPool, notebook: Callable[..., str]) -> None:
    draw = (
        "import numpy as np, random, uuid, tempfile\nfrom sklearn.utils import check_random_state\n"
        "drawn = [np.random.rand(), random.random(), np.random.default_rng().random()]\n"
        "drawn += [check_random_state(None).rand()]\n"
        "print(*drawn, uuid.uuid4(), next(tempfile._get_candidate_names()))"
    )
    path, out = folder / "random.ipynb", folder / "random-out.ipynb"
    path.write_text(notebook(("step:one", draw), ("step:two", draw)), encoding="utf-8")
    seen: list[str] = []
    for _ in range(2):
        result = mlops.run(path, output=out, no_cache=True, kernels=pool)
        assert {step.kernel for step in result.steps} == {"warm"}, result.steps
        for cell in json.loads(out.read_text(encoding="utf-8"))["cells"]:
            seen += [word for output in cell["outputs"] for word in "".join(output["text"]).split()]
    assert len(seen) == 4 * 6 and len(set(seen)) == len(seen), sorted(seen)


def test_seeds_give_what_they_give_in_a_fresh_kernel(both: Run) -> None:
    cells = (
        "import numpy as np, random\nnp.random.seed(3)\nrandom.seed(3)\nprint(np.random.rand(3), random.random())",
        "from sklearn.ensemble import RandomForestClassifier\n"
        "RandomForestClassifier(5, random_state=1).fit([[0], [1], [2]], [0, 1, 1]).predict_proba([[1]])",
    )
    assert both("seeds", cells, warm=True)[1] == both("seeds", cells, warm=False)[1]


def test_descriptors_of_a_kernel_are_its_own(both: Run) -> None:
    cells = (
        "import os\nfrom collections import Counter\nkinds = Counter()\n"
        "for name in os.listdir('/proc/self/fd'):\n    try:\n"
        "        kinds[os.readlink(f'/proc/self/fd/{name}').split(':')[0]] += 1\n    except OSError:\n        pass\n"
        "print('socket', kinds['socket'], 'memfd', sum('memfd' in kind for kind in kinds))",
        "print('inode', kinds['anon_inode'], 'pipe', kinds['pipe'])",
    )
    forked, fresh = both("files", cells, warm=True)[1], both("files", cells, warm=False)[1]
    (sockets, files), (inodes, pipes) = (numbers(cell) for cell in forked)
    (fresh_sockets, fresh_files), (fresh_inodes, fresh_pipes) = (numbers(cell) for cell in fresh)
    assert sockets <= fresh_sockets + 1, "one more, by which it notices the end of the run"
    assert files == fresh_files == 0 and inodes <= fresh_inodes and pipes <= fresh_pipes


def numbers(cell: list[Any]) -> list[int]:
    return [int(word) for word in "".join(cell[0]["text"]).split() if word.isdigit()]


def test_a_fully_reused_run_starts_no_template(
    folder: Path, notebook: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "again.ipynb"
    path.write_text(notebook(("step:one", "x = 1"), ("step:two", "y = x + 1")), encoding="utf-8")
    assert {step.kernel for step in mlops.run(path).steps} == {"warm"}

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a template is started")

    monkeypatch.setattr(KernelPool, "prepare", refuse)
    assert {step.status for step in mlops.run(path).steps} == {"reused"}


def test_the_reason_for_a_fresh_kernel_is_recorded(
    folder: Path, pool: KernelPool, notebook: Callable[..., str]
) -> None:
    path = folder / "reasons.ipynb"
    cells = ("step:sets", "import os\nos.environ['A'] = '1'"), ("step:reads", "import os\nprint(os.environ['A'])")
    path.write_text(notebook(("step:free", "x = 1"), *cells), encoding="utf-8")
    result = mlops.run(path, no_cache=True, kernels=pool)
    reason = "cold: the step may set environment variables before it imports libraries"
    assert [step.kernel for step in result.steps] == ["warm", reason, reason]
    path.write_text(notebook(("", "import numpy"), ("", "import numpy.nothing")), encoding="utf-8")
    (step,) = mlops.run(path, no_cache=True, kernels=pool).steps
    assert step.kernel and step.kernel.startswith("cold: `import numpy.nothing` fails (ModuleNotFoundError")
    assert step.error is not None and step.error.ename == "ModuleNotFoundError"
