"""What the steps of a pipeline need: distributions, the project's modules, files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from jupyter_mlops.engine.codeform import code_cells
from jupyter_mlops.engine.codescan import scan
from jupyter_mlops.engine.filehashes import FileHashes, UnknownContentError
from jupyter_mlops.engine.interpreter import Interpreter
from jupyter_mlops.engine.modules import Modules, find_modules
from jupyter_mlops.images.files import FileFinder
from jupyter_mlops.images.model import Needs, Problem, StepNeeds
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.settings import merge
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.steps.notebook import step_notebook

__all__ = ["OURS", "RUNTIME", "distribution_name", "find_needs"]

OURS = "jupyter-mlops"
RUNTIME = ("ipykernel", "cloudpickle", "blake3")
"""Distributions that running a step needs, whatever its code imports: to run cells, pickle, and know digests."""

_BY_ATTRIBUTE = {
    **dict.fromkeys(("read_parquet", "to_parquet", "read_feather", "to_feather", "read_orc", "to_orc"), ("pyarrow",)),
    **dict.fromkeys(("read_excel", "to_excel", "ExcelFile", "ExcelWriter"), ("openpyxl", "xlrd", "xlsxwriter")),
    **dict.fromkeys(("read_hdf", "to_hdf", "HDFStore"), ("tables",)),
    **dict.fromkeys(("read_html", "read_xml", "to_xml"), ("lxml", "html5lib", "beautifulsoup4")),
    **dict.fromkeys(("read_sql", "read_sql_query", "read_sql_table", "to_sql", "create_engine"), ("sqlalchemy",)),
    **dict.fromkeys(("to_markdown",), ("tabulate",)),
    **dict.fromkeys(("style",), ("jinja2",)),
    **dict.fromkeys(("to_xarray",), ("xarray",)),
}
_BY_SCHEME = {
    "s3://": ("s3fs", "fsspec"),
    "gs://": ("gcsfs", "fsspec"),
    "abfs://": ("adlfs", "fsspec"),
    "postgresql://": ("psycopg2", "psycopg2-binary", "psycopg"),
    "mysql+": ("pymysql", "mysqlclient"),
}
"""Distributions that libraries import only when such a thing is done; taken along if they are installed here."""

_USED_WHERE_PRESENT = {
    "pandas": ("pyarrow", "numexpr", "bottleneck"),
    "xarray": ("bottleneck", "numbagg", "flox"),
}
"""Distributions that others use without being asked wherever they are installed, with other values or types as a
result: pandas keeps texts in memory of pyarrow, sums with bottleneck. Without them an image computes something else."""

_OPTIONAL = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")


def find_needs(
    pipeline: Pipeline,
    notebook: Notebook,
    interpreter: Interpreter,
    *,
    root: Path,
    cwd: Path,
    include: tuple[tuple[Path, str], ...] = (),
) -> Needs:
    """Find out what the steps need.

    Args:
        interpreter: The kernel's environment.
        root: The project's root, which is what an image holds a part of.
        cwd: The steps' working directory.
        include: Further files: patterns, each with the folder that it counts from.
    """
    hashes, files = FileHashes(None), FileFinder(root, cwd)
    trees = {step.slug: _trees(pipeline, step, notebook) for step in pipeline.steps}
    roots = list(dict.fromkeys(place for found in trees.values() for place in scan(*found).roots))
    steps: dict[str, StepNeeds] = {}
    problems: list[Problem] = []
    for step in pipeline.steps:
        own = scan(*trees[step.slug])
        names = own.imports | set(step.imports)
        try:
            modules = find_modules(names, cwd, roots, interpreter, hashes)
        except UnknownContentError as error:
            problems.append(Problem("error", f"Step {step.name!r}: {error}.", step=step.slug))
            continue
        files.take_modules(modules, _installed_modules(modules, interpreter), roots, interpreter)
        sources = [*trees[step.slug], *modules.trees]
        steps[step.slug] = _step_needs(names | modules.scan.imports, modules, sources, interpreter)
        problems += files.take_files(step, merge(notebook.defaults, step.settings))
    problems += files.include(include)
    requirements = dict.fromkeys(item for step in pipeline.steps for item in step.requirements)
    return Needs(
        steps, files.project, files.elsewhere, files.folder, tuple(requirements), (*problems, *files.problems())
    )


def distribution_name(requirement: str) -> str:
    """Return the normalised name of what a requirement asks for; empty if it names a path or a URL."""
    found = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?=$|[\[<>=!~;@(, ])", requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""


def _trees(pipeline: Pipeline, step: Step, notebook: Notebook) -> list[ast.Module]:
    cells = code_cells(step_notebook(pipeline, step, notebook.raw))
    return [cell.tree for cell in cells if cell.tree is not None]


def _step_needs(names: Iterable[str], modules: Modules, trees: list[ast.Module], interpreter: Interpreter) -> StepNeeds:
    found = {name for name, version in modules.distributions.items() if version is not None}
    quietly = [name for owner in found for name in _USED_WHERE_PRESENT.get(owner, ())]
    extra = [name for name in (*_implied(trees), *quietly) if name in interpreter.distributions]
    found |= interpreter.versions(extra).keys()
    guarded = _guarded(trees)
    absent = {name for name, version in modules.distributions.items() if version is None} - guarded
    direct = {owner for name in names for owner in interpreter.providers(name)} | set(extra)
    return StepNeeds(frozenset(names) - guarded, frozenset(direct), frozenset(found), frozenset(absent))


def _installed_modules(modules: Modules, interpreter: Interpreter) -> Mapping[str, str]:
    """Modules that were installed from a folder or a file of this machine: they can't be had anywhere else."""
    return {
        module: name
        for name in modules.distributions
        if name != OURS and (item := interpreter.distributions.get(name)) is not None and is_local(item.origin)
        for module in item.modules
    }


def is_local(origin: Mapping[str, object]) -> bool:
    """Tell whether a distribution was installed from a place on this machine."""
    return str(origin.get("url", "")).startswith("file:") and "vcs_info" not in origin


def _implied(trees: list[ast.Module]) -> Iterator[str]:
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                yield from _BY_ATTRIBUTE.get(node.attr, ())
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                for scheme, names in _BY_SCHEME.items():
                    if node.value.startswith(scheme):
                        yield from names


def _guarded(trees: list[ast.Module]) -> set[str]:
    """Modules that the code can do without: imported where a failure is caught."""
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Try) and any(_catches_import_errors(handler) for handler in node.handlers):
                found |= scan(*node.body).imports
    return found


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in _OPTIONAL for node in ast.walk(handler.type))
