"""Import statements."""

from __future__ import annotations

import ast
import sys

from jupyter_mlops.analysis import hidden, project
from jupyter_mlops.analysis.heap import Scope, Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.model import is_hidden
from jupyter_mlops.analysis.targets import bind_name

__all__ = ["STAR", "bind_imports"]

STAR = "$star:"


def bind_imports(machine: Machine, node: ast.Import | ast.ImportFrom, scope: Scope | None) -> None:
    """Bind what an import statement imports."""
    if scope is None and any(_acts(machine, node, alias) for alias in node.names):
        hidden.sets(machine, "imports")
    if "$syspath" in machine.recorder.names:
        machine.recorder.use("$syspath", "imports after sys.path was changed")
    if isinstance(node, ast.Import):
        for alias in node.names:
            _note(machine, alias.name)
            top = alias.name.partition(".")[0]
            value = Val("module", qual=alias.name if alias.asname else top)
            _bind_module(machine, alias.asname or top, value, scope, f"imports {alias.name}")
        return
    module = ("." * node.level) + (node.module or "")
    if module == "__future__":
        hidden.sets(machine, "future")
    _note(machine, module)
    for alias in node.names:
        if alias.name == "*":
            _bind_star(machine, module, scope)
            continue
        bind_name(
            machine, alias.asname or alias.name, _imported(machine, module, alias.name), scope, f"imports {alias.name}"
        )


def _acts(machine: Machine, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> bool:
    """Tell whether a module is imported for what its import does: nobody uses the name, or its purpose is known."""
    module = alias.name if isinstance(node, ast.Import) else node.module or ""
    if module.startswith("sklearn.experimental"):
        return True
    top = module.partition(".")[0]
    if alias.name == "*" or top in sys.stdlib_module_names or machine.effects.knows(top) or _level(node):
        return False
    bound = alias.asname or alias.name.partition(".")[0]
    return bound not in machine.recorder.last_mention


def _level(node: ast.Import | ast.ImportFrom) -> int:
    """How many dots a relative import has."""
    return node.level if isinstance(node, ast.ImportFrom) else 0


def _bind_unknown(machine: Machine, module: str) -> None:
    """What is imported can't be found out: any variable may have been bound anew."""
    recorder = machine.recorder
    text = f"imports everything from {module}"
    machine.report(
        "MLO022",
        f"What {module} exports can't be found out; its import of everything may bind any name",
        hint="Import the names that you use.",
    )
    recorder.touch(STAR + module, text, reads=False)
    for name, binding in list(recorder.names.items()):
        if not is_hidden(name) and recorder.versions[binding.version].kind == "data" and binding.value.qual is None:
            recorder.bind(name, Val(None, binding.value.objs), text, maybe=True)


def _bind_module(machine: Machine, name: str, value: Val, scope: Scope | None, text: str) -> None:
    """``import a.b`` after ``import a.c`` adds to what ``a`` means."""
    known = machine.recorder.names.get(name)
    if scope is None and known is not None and known.value == value:
        machine.recorder.bind(name, value, text, maybe=True)
    else:
        bind_name(machine, name, value, scope, text)


def _note(machine: Machine, module: str) -> None:
    top = module.partition(".")[0]
    if top and top != "__future__":
        machine.recorder.cell.imports.add(top)
        machine.recorder.statement.imports.add(top)
        _wait_for(machine, top)
        project.imported(machine, top)


def _wait_for(machine: Machine, top: str) -> None:
    """A module may have been written, or its package installed, by a cell above."""
    if top in sys.stdlib_module_names:
        return
    names = [f"{hidden.FILE}{top}.py", f"{hidden.FILE}{top}/__init__.py", "$packages"]
    if not machine.effects.knows(top):
        names.append(hidden.ANY_FILE)
    for name in names:
        machine.recorder.use(name, f"imports {top}")


def _imported(machine: Machine, module: str, name: str) -> Val:
    qual = machine.resolve(f"{module}.{name}")
    if machine.effects.class_of(qual) is not None:
        return Val("type", qual=machine.effects.canonical(qual))
    return Val("module", qual=qual)


def _bind_star(machine: Machine, module: str, scope: Scope | None) -> None:
    names = machine.environment.stars.get(module)
    if names is None:
        _bind_unknown(machine, module)
        return
    for name in names:
        bind_name(machine, name, _imported(machine, module, name), scope, f"imports everything from {module}")
