"""What code may depend on besides its inputs: modules, environment variables, where modules are found. Pure."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

__all__ = ["Scan", "scan"]

_VARIABLE_METHODS = ("get", "pop", "setdefault", "__getitem__")
_CHDIR = "changes the working directory"
_VARIABLES = "uses environment variables whose names are only known at run time"
_PATH = "changes in an unusual way where modules are found"
_IMPORT = "imports modules whose names are only known at run time"

_OBSERVERS = {
    **dict.fromkeys(("getcwd", "getcwdb", "cwd", "abspath", "realpath", "resolve", "absolute", "relpath"), "folder"),
    **dict.fromkeys(("__file__", "getfile", "getsourcefile", "_dh", "__vsc_ipynb_file__"), "folder"),
    **dict.fromkeys(("expanduser", "home"), "home"),
    **dict.fromkeys(("gethostname", "getfqdn", "node", "uname"), "host"),
    **dict.fromkeys(("getuser", "getlogin"), "user"),
    **dict.fromkeys(("cpu_count", "process_cpu_count", "sched_getaffinity"), "processors"),
    **dict.fromkeys(("gettempdir", "gettempdirb"), "temporary"),
}
"""What tells code where it runs, and what of that place it tells."""


@dataclass
class Scan:
    """What was found in one or more sources.

    Args:
        imports: Top-level modules.
        variables: Environment variables that are named.
        roots: Folders put on the module path.
        observes: What it can see of the place where it runs: ``folder``, ``home``, ``host``, and so on.
        refusals: What keeps its results from being reused, half sentences.
    """

    imports: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    roots: list[str] = field(default_factory=list)
    observes: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)

    def add(self, tree: ast.AST) -> None:
        """Look at another piece of code."""
        known: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.imports |= {item.name.partition(".")[0] for item in node.names}
            elif isinstance(node, ast.ImportFrom):
                self.observes |= {_OBSERVERS[item.name] for item in node.names if item.name in _OBSERVERS}
                if node.module and not node.level:
                    self.imports.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Call):
                self._call(node, known)
            elif isinstance(node, ast.Subscript):
                self._variable(node.value, node.slice, known)
            elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
                self._variable(node.comparators[0], node.left, known)
        for node in ast.walk(tree):
            if id(node) not in known:
                self._bare(node)

    def _call(self, node: ast.Call, known: set[int]) -> None:
        name = _name(node.func)
        text = _text(node.args[0]) if node.args else None
        if name in ("import_module", "__import__"):
            self.imports |= {text.partition(".")[0]} if text and not text.startswith(".") else set()
            self.refusals += [] if text else [_IMPORT]
        elif name in ("chdir", "fchdir") or (name == "run_line_magic" and text in ("cd", "pushd", "popd")):
            self.refusals.append(_CHDIR)
        elif name == "run_line_magic" and text == "pwd":
            self.observes.add("folder")
        elif name == "getenv":
            self.variables |= {text} if text else set()
            self.refusals += [] if text else [_VARIABLES]
        elif name == "expandvars":
            self.refusals.append(_VARIABLES)
        elif isinstance(node.func, ast.Attribute):
            receiver = node.func.value
            if name in _VARIABLE_METHODS and node.args:
                self._variable(receiver, node.args[0], known)
            elif name in ("append", "insert") and _is_module_path(receiver):
                folder = _text(node.args[-1]) if node.args else None
                if folder is not None:
                    known.add(id(receiver))
                    self.roots.append(folder)

    def _variable(self, receiver: ast.expr, key: ast.expr, known: set[int]) -> None:
        text = _text(key)
        if text is not None and _name(receiver) == "environ":
            known.add(id(receiver))
            self.variables.add(text)

    def _bare(self, node: ast.AST) -> None:
        if isinstance(node, (ast.Attribute, ast.Name)):
            if (fact := _OBSERVERS.get(_name(node) or "")) and (isinstance(node, ast.Attribute) or fact != "home"):
                self.observes.add(fact)
            if _name(node) == "environ":
                self.refusals.append(_VARIABLES)
            elif _is_module_path(node):
                self.refusals.append(_PATH)


def scan(*trees: ast.AST) -> Scan:
    """Look at some code."""
    found = Scan()
    for tree in trees:
        found.add(tree)
    return found


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_module_path(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "path" and _name(node.value) == "sys"
