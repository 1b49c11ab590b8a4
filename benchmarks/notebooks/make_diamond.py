"""Write the generated notebooks of the benchmarks: a 40-step diamond and a notebook of 1,000 cells.

    python make_diamond.py FOLDER [--steps 40] [--milliseconds 10] [--cells 1000]

The same arguments always give the same bytes. Only the standard library is used.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

__all__ = ["diamond", "long_notebook", "write"]


def diamond(steps: int = 40, milliseconds: int = 10) -> dict[str, Any]:
    """Build a notebook whose first step feeds ``steps - 2`` independent ones that the last step joins.

    Args:
        steps: Number of steps, 3 or more.
        milliseconds: What each step takes by itself; it sleeps, so that processor time is overhead alone.
    """
    if steps < 3:
        raise ValueError(f"a diamond has at least 3 steps, not {steps}")
    pause = f"time.sleep({milliseconds / 1000!r})"
    middle = [f"part_{number:03}" for number in range(1, steps - 1)]
    cells = [
        _markdown("title", f"# A diamond of {steps} steps"),
        _code("imports", "import time", "imports"),
        _code("source", f"{pause}\nsource = 1", "step:source"),
    ]
    cells += [
        _code(name.replace("_", "-"), f"{pause}\n{name} = source + {number}", f"step:{name.replace('_', ' ')}")
        for number, name in enumerate(middle, start=1)
    ]
    cells.append(_code("join", f"{pause}\nparts = [\n    " + ",\n    ".join(middle) + ",\n]", "step:join"))
    cells.append(_code("metrics", "total = sum(parts)", "step:join", "metrics"))
    return _notebook(cells)


def long_notebook(cells: int = 1000) -> dict[str, Any]:
    """Build a notebook of so many cells, ten to a section, as long analyses look: prose, frames, functions, a model.

    Args:
        cells: Number of cells, a multiple of 10.
    """
    if cells < 10 or cells % 10:
        raise ValueError(f"the number of cells must be a multiple of 10, not {cells}")
    found = _opening()
    for number in range(1, cells // 10):
        found += _section(number)
    return _notebook(found)


def write(notebook: dict[str, Any], path: Path) -> None:
    """Write a notebook as JSON, the way Jupyter lays it out."""
    path.write_text(json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _opening() -> list[dict[str, Any]]:
    imports = (
        "import numpy as np\nimport pandas as pd\n"
        "from sklearn.linear_model import Ridge\nfrom sklearn.metrics import r2_score"
    )
    clean = (
        "def clean(frame):\n    kept = frame.dropna().copy()\n"
        "    kept.columns = [str(c) for c in kept.columns]\n    return kept"
    )
    share = (
        "def share(column, total=None):\n    whole = column.sum() if total is None else total\n"
        "    return column / whole"
    )
    start = (
        "generator = np.random.default_rng(seed)\n"
        'base = pd.DataFrame(generator.normal(size=(rows, 4)), columns=["a", "b", "c", "d"])'
    )
    return [
        _markdown("title", "# A long analysis\n\nSections of ten cells; each builds on the one before."),
        _code("imports", imports, "imports"),
        _code("parameters", "rows: int = 200\nseed: int = 5\nalpha: float = 1.0", "parameters"),
        _code("clean", clean, "functions"),
        _code("share", share, "functions"),
        _markdown("base-note", "## The base table"),
        _code("base", start, "step:base"),
        _code("base-more", 'base["e"] = base["a"] * base["b"]\nbase["f"] = share(base["c"].abs())'),
        _code("base-head", "base.head()"),
        _code("base-scores", "table_000 = clean(base)\nhistory = []"),
    ]


def _section(number: int) -> list[dict[str, Any]]:
    n, before = f"{number:03}", f"{number - 1:03}"
    sources = [
        f"table_{n} = table_{before}.copy()\nlimit_{n} = table_{n}['a'].quantile(0.0{number % 9 + 1})",
        f"kept_{n} = table_{n}[table_{n}['a'] > limit_{n}]\nprint(len(kept_{n}))",
        f"summary_{n} = kept_{n}.groupby(kept_{n}['b'] > 0)['c'].agg(['mean', 'std', 'count'])\nsummary_{n}",
        f"for column in ['c', 'd']:\n    table_{n}[column] = table_{n}[column] - table_{n}[column].mean()",
        f"features_{n} = table_{n}[['a', 'b', 'c']]\ntarget_{n} = table_{n}['d'] + {number % 7} * table_{n}['a']",
        f"model_{n} = Ridge(alpha=alpha).fit(features_{n}, target_{n})",
        f"fitted_{n} = model_{n}.predict(features_{n})\nresidual_{n} = target_{n} - fitted_{n}",
        (
            f"def describe_{n}(values):\n    center = np.mean(values)\n"
            f"    return {{'center': center, 'spread': float(np.std(values)), 'section': {number}}}"
        ),
        (
            f"score_{n} = r2_score(target_{n}, fitted_{n})\n"
            f"notes_{n} = describe_{n}(residual_{n}) | {{'score': score_{n}}}"
        ),
    ]
    text = f"## Section {number}\n\nRows above the {number % 9 + 1} % quantile of `a`, then a line through all of them."
    tags = {0: (f"step:section {n}",)}
    return [_markdown(f"section-{n}", text)] + [
        _code(f"section-{n}-{place}", source, *tags.get(place, ())) for place, source in enumerate(sources)
    ]


def _markdown(cell_id: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": source.splitlines(keepends=True)}


def _code(cell_id: str, source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell_id,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def _notebook(cells: list[dict[str, Any]]) -> dict[str, Any]:
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write diamond.ipynb and long.ipynb")
    parser.add_argument("--steps", type=int, default=40, help="steps of the diamond")
    parser.add_argument("--milliseconds", type=int, default=10, help="what a step of the diamond takes by itself")
    parser.add_argument("--cells", type=int, default=1000, help="cells of the long notebook")
    return parser.parse_args()


def main() -> None:
    """Write both notebooks."""
    arguments = _arguments()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    write(diamond(arguments.steps, arguments.milliseconds), arguments.folder / "diamond.ipynb")
    write(long_notebook(arguments.cells), arguments.folder / "long.ipynb")


if __name__ == "__main__":
    main()
