"""Keeps secrets out of what is recorded: one object for a run knows them, and all text that is kept passes it.

What a kernel computes with, and artifacts, are never touched.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from jupyter_mlops.engine.redaction import TOKEN_STARTS, is_worth_hiding, may_hold_token, without_tokens
from jupyter_mlops.runtime.secret_names import REDACTED, is_secret
from jupyter_mlops.store.configuration import SecretSettings

__all__ = ["LONGEST", "Redactor", "make_redactor"]

_MOST = 200
"""Values that are looked for."""

LONGEST = 16_000
"""Characters of a value that is looked for, and of an end that waits for the rest of a token."""

_SHORTEST_PIECE = 6
"""Characters of the beginning of a value that may not stand where a text is cut off."""

_LARGEST_FILE = 8_000_000
"""Bytes of a file that are looked through."""

_OPEN_TOKEN = re.compile(r"(?:AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|\bsk-|\bhf_|AIza|eyJ)[\w.-]*\Z")
_OPEN_ADDRESS = re.compile(r"://[^\s/]*\Z")
_OPEN_BEARER = re.compile(r"\b(?i:bearer|basic)\s+\S*\Z")
_OPEN_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END).)*(?:-----END[A-Z -]*)?\Z", re.DOTALL)
"""Ends of a text that could go on as a secret of a known form."""

_PICTURES = re.compile(r"(?:image/(?!svg)|video/|audio/|application/(?:pdf|octet-stream))")
_CUT = re.compile(r"(…|\.{3})")
_FINGERPRINT = re.compile(r"\[redacted [0-9a-f]{8}\]")


@dataclass(frozen=True)
class Redactor:
    """Replaces secrets.

    Args:
        values: Texts that are secrets.
        settings: What the project says about secrets.
        key: What fingerprints of secrets are made with.
    """

    values: tuple[str, ...] = ()
    settings: SecretSettings = field(default_factory=SecretSettings)
    key: bytes = b""

    @property
    def active(self) -> bool:
        """Whether anything is replaced."""
        return self.settings.redact

    @cached_property
    def _forms(self) -> tuple[str, ...]:
        """The values as they stand in code, JSON, HTML and addresses, the longest first."""
        found = {form for value in self.values[:_MOST] for form in _forms_of(value) if len(form) <= LONGEST}
        return tuple(sorted(found, key=lambda form: (-len(form), form)))

    def is_secret(self, name: str) -> bool:
        """Tell whether what has this name is a secret."""
        return self.active and _is_secret(name, self.settings)

    def text(self, text: str, *, code: bool = False) -> str:
        """Return a text without secrets.

        Args:
            code: Whether it is code.
        """
        if not self.active or not text:
            return text
        for form in self._forms:
            if form in text:
                text = text.replace(form, REDACTED)
        return without_tokens(text, code=code)

    def tree(self, value: Any, *, code: bool = False) -> Any:
        """Return a JSON value without secrets in its texts; itself if it can't hold any."""
        if not self.active:
            return value
        # Most hold none: all texts are looked at together before each is taken by itself.
        whole = "\0".join(_texts_in(value))
        if not may_hold_token(whole) and not any(form in whole for form in self._forms):
            return value
        return self._tree(value, code)

    def _tree(self, value: Any, code: bool) -> Any:
        if isinstance(value, str):
            return self.text(value, code=code)
        if isinstance(value, Mapping):
            return {self._tree(key, False): self._tree(item, code) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._tree(item, code) for item in value]
        return value

    def code(self, value: Any) -> Any:
        """Return code, or a JSON value of pieces of code, without secrets."""
        return self.tree(value, code=True)

    def cut(self, text: str) -> str:
        """Return a shortened text without secrets, nor pieces of one beside the ``…`` or ``...`` where it was cut."""
        text = self.text(text)
        pieces = _CUT.split(text)
        if not self.active or len(pieces) == 1:
            return text
        for place in range(0, len(pieces) - 1, 2):
            pieces[place] = self.without_piece(pieces[place])
            pieces[place + 2] = self._without_end(pieces[place + 2])
        return "".join(pieces)

    def without_piece(self, text: str) -> str:
        """Return a text whose end is not the beginning of a secret."""
        start = self._begun(text)
        return text if len(text) - start < _SHORTEST_PIECE else text[:start] + REDACTED

    def _without_end(self, text: str) -> str:
        """Return a text whose beginning is not the end of a secret."""
        for form in self._forms:
            for length in range(min(len(form) - 1, len(text)), _SHORTEST_PIECE - 1, -1):
                if text.startswith(form[-length:]):
                    return REDACTED + text[length:]
        return text

    def data(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a cell shows, by MIME type; pictures are left as they are."""
        return {kind: value if _PICTURES.match(kind) else self.tree(value) for kind, value in data.items()}

    def parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of parameters as they are recorded: of secrets a fingerprint, which tells one from another.

        It is made with a key that stays in the store, so that it can't be used to try out what the secret is.
        """
        return {name: self._named(name, value) for name, value in values.items()}

    def declared(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of parameters that a step may know besides its own."""
        return {name: _unmarked(value) for name, value in self.parameters(values).items()}

    def parts(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parts of a cache key as they are recorded."""
        if not self.active:
            return dict(parts)
        kept = {name: self.code(value) for name, value in parts.items() if name != "parameters"}
        if kept.get("code") != parts.get("code"):  # that a secret in it has changed is still to be told
            kept["code"].append({"secrets": self._mark(parts["code"])})
        return {**kept, "parameters": self.parameters(parts.get("parameters", {}))}

    def notebook(self, notebook: Any, *, outputs: bool = True) -> None:
        """Take secrets out of a notebook in place.

        Args:
            outputs: Whether they may be in its outputs.
        """
        if not self.active:
            return
        metadata = notebook["metadata"]
        given = (
            metadata.get("papermill", {}).get("parameters") if isinstance(metadata.get("papermill"), Mapping) else {}
        )
        notebook["metadata"] = self.tree(metadata)
        if isinstance(given, Mapping) and given:
            kept = notebook["metadata"]  # may be the one that others read
            notebook["metadata"] = {**kept, "papermill": {**kept["papermill"], "parameters": self.parameters(given)}}
        for cell in notebook["cells"]:
            cell["source"] = self.tree(cell.get("source", ""), code=cell["cell_type"] == "code")
            cell["metadata"] = self.tree(cell.get("metadata", {}))
            for output in cell.get("outputs", ()) if outputs else ():
                self.output(output)

    def output(self, output: Any) -> None:
        """Take secrets out of an output of a cell, or a kernel's message about one, in place."""
        for name in ("text", "evalue", "ename", "traceback", "metadata"):
            if name in output:
                output[name] = self._joined(output[name])
        if isinstance(output.get("data"), Mapping):
            output["data"] = self.data(output["data"])

    def _joined(self, value: Any) -> Any:
        """Files of notebooks hold a text as its lines."""
        if isinstance(value, list) and all(isinstance(item, str) and item.endswith("\n") for item in value[:-1]):
            whole = "".join(map(str, value))
            return value if (found := self.text(whole)) == whole else found.splitlines(True)
        return self.tree(value)

    def file(self, path: Path) -> None:
        """Take secrets out of a file of text that others may have open to append; one that can't be read stays."""
        if not self.active:
            return
        try:
            with path.open("r+b") as file:
                # Not to its end: a program that prints without one may still be writing.
                content = file.read(_LARGEST_FILE).decode("utf-8", "surrogateescape")
                found = self.text(content)
                if found == content:
                    return
                file.seek(0)
                file.write(found.encode("utf-8", "surrogateescape"))
                file.truncate()
        except OSError:
            return

    def open_end(self, text: str) -> int:
        """Return where in a text a secret may begin that goes on in what follows; its length if there is none."""
        if not self.active:
            return len(text)
        start = min(self._begun(text), _begun_by_form(text))
        while start < len(text):  # what is complete so far and reaches into the end is part of the end
            whole = [place for form in self._forms if (place := text.find(form, max(0, start - len(form) + 1))) != -1]
            if min(whole, default=start) >= start:
                break
            start = min(whole)
        return start

    def _begun(self, text: str) -> int:
        """Where a text ends with the beginning of a value or token, or its length."""
        start = len(text)
        if not self.active or not text:
            return start
        if not text[-1].isspace() and (match := _OPEN_TOKEN.search(text, _last_word(text))) is not None:
            start = match.start()
        for form in self._forms:
            start = min(start, _begun_by(form, text))
        for form in TOKEN_STARTS:
            if len(form) > 3 and text.endswith(form[:-1]):
                start = min(start, len(text) - len(form) + 1)
        return start

    def _named(self, name: str, value: Any) -> Any:
        if value is None or isinstance(value, bool) or value in ("", REDACTED):
            return value
        if self.is_secret(name):
            return self._mark(value)
        if isinstance(value, Mapping):
            return {str(key): self._named(str(key), item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._named("", item) for item in value]
        return self.tree(value)

    def _mark(self, value: Any) -> str:
        if isinstance(value, str) and _FINGERPRINT.fullmatch(value):
            return value
        text = json.dumps(value, sort_keys=True, default=str).encode("ascii")
        return f"[redacted {hashlib.blake2b(text, digest_size=4, key=self.key).hexdigest()}]"


def make_redactor(
    parameters: Iterable[Mapping[str, Any]],
    variables: Iterable[Mapping[str, str]],
    settings: SecretSettings,
    *,
    references: Iterable[str] = (),
    key: bytes = b"",
    process: bool = True,
) -> Redactor:
    """Gather the secrets that a run may get to see.

    Args:
        parameters: Values by name: those given, the notebook's own.
        variables: Variables of environments besides that of this process.
        settings: What the project says.
        references: Variables that settings of steps say a secret arrives in.
        key: What fingerprints are made with.
        process: Whether this process's own variables count.
    """
    if not settings.redact:
        return Redactor((), settings, key)
    named = replace(settings, names=(*settings.names, *references))
    found: dict[str, None] = {}
    for values in (*parameters, *variables, *([os.environ] if process else [])):
        for name, value in values.items():
            _gather(name, value, named, found)
    return Redactor(tuple(found), settings, key)


def _gather(name: str, value: Any, settings: SecretSettings, found: dict[str, None], *, inside: bool = False) -> None:
    inside = inside or _is_secret(name, settings)
    if isinstance(value, str) and inside and is_worth_hiding(value):
        found[value] = None
        found[value.strip()] = None
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _gather(str(key), item, settings, found, inside=inside)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _gather("", item, settings, found, inside=inside)


def _is_secret(name: str, settings: SecretSettings) -> bool:
    return name not in settings.ignore and (name in settings.names or is_secret(name))


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (key for key in value if isinstance(key, str))
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts_in(item)


def _forms_of(value: str) -> set[str]:
    """A secret as it is written in code, JSON, HTML and addresses."""
    return {
        value,
        repr(value)[1:-1],
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        value.encode("unicode_escape").decode("ascii"),
        value.encode("unicode_escape").decode("ascii").replace('"', '\\"'),
        html.escape(value),
        html.escape(value, quote=False),
        quote(value.encode("utf-8", "surrogatepass"), safe=""),
        quote_plus(value.encode("utf-8", "surrogatepass")),
    }


def _begun_by(form: str, text: str) -> int:
    """Where a text ends with the beginning of another, or its length."""
    if text[-1] not in form[:-1]:
        return len(text)
    place = text.find(form[0], max(0, len(text) - len(form) + 1))
    while place != -1:
        if form.startswith(text[place:]):
            return place
        place = text.find(form[0], place + 1)
    return len(text)


def _begun_by_form(text: str) -> int:
    """Where a text ends with the beginning of an address, a key or what follows ``Bearer``, or its length."""
    base, start = max(0, len(text) - LONGEST), len(text)
    if start and not text[-1].isspace() and (match := _OPEN_ADDRESS.search(text, _last_word(text))) is not None:
        start = match.start()
    for word in ("earer", "EARER", "asic", "ASIC"):
        place = text.rfind(word, base)
        if place > 0 and (match := _OPEN_BEARER.match(text, place - 1)) is not None:
            start = min(start, match.start())
    place = text.rfind("-----BEGIN ", base)
    if place != -1 and _OPEN_KEY.match(text, place) is not None:
        start = min(start, place)
    return start


def _last_word(text: str) -> int:
    base = max(0, len(text) - LONGEST)
    return max(base, *(text.rfind(space, base) + 1 for space in " \n\t\r"))


def _unmarked(value: Any) -> Any:
    """Without fingerprints: those are for the record alone."""
    if isinstance(value, Mapping):
        return {key: _unmarked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return REDACTED if isinstance(value, str) and _FINGERPRINT.fullmatch(value) else value
