"""Values for a pipeline's parameters: read as papermill reads them, then held to the declared types.

Text from a command line (``Text``) may become any type, so the declared one decides.
A value that has a type already (from YAML, or from Python) must fit: an int may stand
for a float, nothing else is converted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import nearest
from jupyter_mlops.pipeline.model import Parameter, Pipeline

__all__ = ["Text", "coerce", "gather", "pieces", "resolve", "type_name"]

_TYPE_NAMES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict}
_MOST_SHOWN = 60


class Text(str):
    """A value as typed on a command line, whose type is still open."""

    __slots__ = ()


def gather(
    *,
    base64: Iterable[str] = (),
    files: Iterable[str | Path] = (),
    yaml: Iterable[str] = (),
    text: Iterable[tuple[str, str]] = (),
    raw: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Collect parameters from all the places papermill has for them, later ones winning.

    Args:
        base64: YAML mappings, base64 encoded.
        files: Names of YAML or JSON files.
        yaml: YAML mappings.
        text: Names and values to be converted to the declared type.
        raw: Names and values that are strings, whatever they look like.

    Returns:
        Values by name, ``Text`` where the type is open, for ``resolve``.

    Raises:
        UsageError: For what can't be read or isn't a mapping.
    """
    given = pieces(base64=base64, files=files, yaml=yaml, text=text, raw=raw)
    return {name: value for _, values in given for name, value in values.items()}


def pieces(
    *,
    base64: Iterable[str] = (),
    files: Iterable[str | Path] = (),
    yaml: Iterable[str] = (),
    text: Iterable[tuple[str, str]] = (),
    raw: Iterable[tuple[str, str]] = (),
) -> list[tuple[str, dict[str, Any]]]:
    """Collect parameters as ``gather`` does; return those of each option or file with its name (``-f params.yaml``)."""
    found = [("-b", _mapping(_decode(item), f"Base64 parameters ({number})")) for number, item in enumerate(base64, 1)]
    found += [(f"-f {file}", _mapping(_read(Path(file)), str(file))) for file in files]
    found += [("-y", _mapping(source, f"YAML {_show(source)}")) for source in yaml]
    found += [("-p", {name: Text(value)}) for name, value in text]
    found += [("-r", {name: str(value)}) for name, value in raw]
    return found


def resolve(
    pipeline: Pipeline, values: Mapping[str, Any], *, place: Callable[[Parameter | None], str] | None = None
) -> dict[str, Any]:
    """Check given parameters against the declared ones and convert them.

    Args:
        pipeline: Whose parameters are declared.
        values: What was given, by name.
        place: Says where a parameter is declared, or None: where all are; messages begin with it.

    Returns:
        The given parameters in the order of their declaration; none that weren't given.

    Raises:
        UsageError: Names everything that is wrong at once: unknown names with the nearest
            declared one, values with the wanted type.
    """
    declared = {parameter.name: parameter for parameter in pipeline.parameters}
    problems = [_placed(_unknown(name, declared), place, None) for name in values if name not in declared]
    resolved = {}
    for name, parameter in declared.items():
        if name not in values:
            continue
        try:
            resolved[name] = coerce(parameter, values[name])
        except UsageError as error:
            problems.append(_placed(error, place, parameter))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        hints = dict.fromkeys(problem.hint for problem in problems if problem.hint)
        raise UsageError("\n".join(problem.message for problem in problems), hint="\n".join(hints) or None)
    return resolved


def _placed(
    error: UsageError, place: Callable[[Parameter | None], str] | None, parameter: Parameter | None
) -> UsageError:
    return error if place is None else UsageError(f"{place(parameter)}: {error.message}", hint=error.hint)


def _unknown(name: object, declared: Mapping[str, Parameter]) -> UsageError:
    near = nearest(str(name), declared)
    message = f"There is no parameter {_show(str(name))}" + (f"; did you mean {_show(near)}?" if near else ".")
    if not declared:
        return UsageError(
            message, hint='The notebook declares no parameters; give a cell of assignments the tag "parameters".'
        )
    listed = ", ".join(f"{parameter.name} ({type_name(parameter)})" for parameter in declared.values())
    return UsageError(message, hint=f"Declared are: {listed}.")


def type_name(parameter: Parameter) -> str:
    """The declared type as people write it: ``int``, ``float or None``, ``any``."""
    if parameter.type == "none":
        return "any"
    return f"{parameter.type} or None" if parameter.optional else parameter.type


def coerce(parameter: Parameter, value: Any) -> Any:
    """Convert a value to the parameter's type.

    Args:
        parameter: What is declared.
        value: ``Text`` from a command line, or a value that has its type.

    Returns:
        A value made of None, bool, int, float, str, list and dict only.

    Raises:
        UsageError: Names the parameter, the wanted type and the given value.
    """
    given = _from_text(parameter, str(value)) if isinstance(value, Text) else value
    if given is None and (parameter.optional or parameter.type == "none"):
        return None
    plain = _plain(parameter, given)
    if parameter.type == "none":
        return plain
    if parameter.type == "float" and isinstance(plain, int) and not isinstance(plain, bool):
        try:
            return float(plain)
        except OverflowError:
            raise _mismatch(parameter, value) from None
    if type(plain) is not _TYPE_NAMES[parameter.type]:
        raise _mismatch(parameter, value)
    return plain


def _mismatch(parameter: Parameter, value: Any) -> UsageError:
    kind = "" if isinstance(value, Text) or value is None else f" ({type(value).__name__})"
    shown = _show(str(value)) if isinstance(value, Text) else _show_value(value)
    return UsageError(
        f"The parameter {_show(parameter.name)} must be {type_name(parameter)}, not {shown}{kind}.",
        hint=_advice(parameter, value),
    )


def _advice(parameter: Parameter, value: Any) -> str | None:
    """What to write instead, where that is likely."""
    if parameter.type == "bool":
        return "Write true or false."
    if parameter.type in {"list", "dict"}:
        example = "[1, 2]" if parameter.type == "list" else '{"key": 1}'
        return f"Write it as JSON or YAML, such as '{example}'."
    if isinstance(value, Text):
        return None
    if parameter.type == "str":
        return "Put the value in quotes."
    if isinstance(value, str):
        return "A value in quotes, or given with -r, is a string; leave the quotes out, or use -p."
    return None


def _show(text: str) -> str:
    text = " ".join(text.splitlines())
    return f'"{text}"' if len(text) <= _MOST_SHOWN else f'"{text[:_MOST_SHOWN]}…"'


def _show_value(value: Any) -> str:
    if isinstance(value, str):
        return _show(value)
    shown = repr(value)
    return shown if len(shown) <= _MOST_SHOWN else shown[:_MOST_SHOWN] + "…"


def _from_text(parameter: Parameter, text: str) -> Any:
    """Read text: the declared type decides, papermill's own rules where it leaves several readings."""
    if text == "None" and (parameter.optional or parameter.type == "none"):
        return None
    if parameter.type == "str":
        return text
    if parameter.type == "bool":
        return {"true": True, "false": False}.get(text.lower(), text)
    if parameter.type in {"list", "dict"}:
        return _load_yaml(text, f"The parameter {_show(parameter.name)}")
    return _papermill_value(text)


def _papermill_value(text: str) -> Any:
    """``True``, ``False`` and ``None``, then an int, then a float, else the text."""
    constants = {"True": True, "False": False, "None": None}
    if text in constants:
        return constants[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _plain(parameter: Parameter, value: Any) -> Any:
    """Rebuild a value from built-in types; NumPy's numbers and tuples are welcome."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(parameter, item) for item in value]
    if isinstance(value, Mapping):
        return {_plain_key(parameter, key): _plain(parameter, item) for key, item in value.items()}
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise UsageError(
        f"The parameter {_show(parameter.name)} can't hold {_show_value(value)} ({type(value).__name__}).",
        hint="Parameters are made of numbers, strings, true, false, null, lists and mappings.",
    )


def _plain_key(parameter: Parameter, key: Any) -> Any:
    if isinstance(key, (str, int, float)) and not (isinstance(key, float) and math.isnan(key)):
        return key
    raise UsageError(
        f"The parameter {_show(parameter.name)} has a key that is no string or number: {_show_value(key)}."
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"The parameters file {path} is not UTF-8 text.") from None
    except OSError as error:
        raise UsageError(f"The parameters file {path} can't be read: {error.strerror or error}.") from None


def _decode(text: str) -> str:
    import base64
    import binascii

    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise UsageError(f"The parameters {_show(text)} are not base64 encoded UTF-8 text.") from None


def _mapping(source: str, where: str) -> dict[str, Any]:
    """Read YAML whose outermost level is a mapping with names as keys, or nothing."""
    data = _load_yaml(source, where)
    if data is None:
        return {}
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise UsageError(f"{where}: parameters must be a mapping of names to values.", hint="Such as 'n_trees: 300'.")
    return data


def _load_yaml(source: str, where: str) -> Any:
    import yaml

    try:
        return yaml.load(source, Loader=_loader())  # a subclass of SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None and "\n" in source.strip() else ""
        reason = getattr(error, "problem", None) or "not valid YAML"
        raise UsageError(f"{where}{place}: {reason}.") from None


def _loader() -> Any:
    """A safe YAML loader like papermill's: dates stay strings.

    Beyond that, ``1e-3`` is a number, and a repeated key is an error.
    """
    import re

    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                if key.value in seen and isinstance(key.value, str):
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} stands there twice", key.start_mark
                    )
                if isinstance(key.value, str):
                    seen.add(key.value)
            return super().construct_mapping(node, deep)

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    exponent = re.compile(r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", exponent, list("-+0123456789"))
    return Loader
