"""Cells and their outputs as HTML that can do no harm.

What a notebook holds is not trusted: text is escaped, HTML keeps only harmless elements and attributes, pictures
become data URIs, and what needs JavaScript or the network is left out with a note.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from bleach.sanitizer import Cleaner

__all__ = ["Output", "Renderer", "plain"]

_LONGEST_TEXT = 20_000
_LONGEST_HTML = 400_000
_LARGEST_PICTURE = 20_000_000
_TOO_LARGE = "This output is too large for a report; it is in the notebook."
_SCRIPT = "This output is interactive: it needs JavaScript and is left out here. It is in the notebook."

_TAGS = """
abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img
a ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr tt u ul var
"""
# None of these can hold an address.
_STYLES = """
background-color border-collapse color font-size font-style font-weight text-align text-decoration vertical-align
white-space
"""
_DROPPED = re.compile(r"<(script|style|title|template|noscript)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_INTERACTIVE = re.compile(r"<(script|input|button|select|canvas|iframe|object|embed|svg)\b", re.IGNORECASE)
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
_DATA_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml)[;,]", re.IGNORECASE)
_LINK = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)
_ANSI = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_])")


@dataclass(frozen=True, slots=True)
class Output:
    """A part of what a cell showed.

    Args:
        kind: ``text``, ``stderr``, ``error``, ``html``, ``picture`` or ``note``.
    """

    kind: str
    html: Markup


def plain(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Return text as a terminal would leave it: no colour codes, the last state of progress bars, not too long."""
    if len(text) > 4 * longest:  # look only at what can be shown
        text = text[: 2 * longest] + text[-2 * longest :]
    text = _ANSI.sub("", text).replace("\r\n", "\n")
    text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n\n… the middle is left out here …\n\n{text[-half:]}"


class Renderer:
    """Turns parts of a notebook into safe HTML."""

    def code(self, source: str) -> Markup:
        """Highlight Python."""
        from pygments import highlight
        from pygments.formatters.html import HtmlFormatter
        from pygments.lexers.python import PythonLexer

        lexer = PythonLexer(stripnl=False, ensurenl=False)
        return Markup(highlight(source, lexer, HtmlFormatter(nowrap=True)))

    def markdown(self, source: str, attachments: Mapping[str, Any] | None = None) -> Markup:
        """Render Markdown, with the pictures attached to the cell."""
        for name, bundle in (attachments or {}).items():
            picture = _data_uri(bundle) if isinstance(bundle, Mapping) else None
            if picture:
                source = source.replace(f"attachment:{name}", picture)
        return self.clean(self._markdown(source))

    def clean(self, html: str) -> Markup:
        """Keep of some HTML what can do no harm and needs nothing from elsewhere."""
        return Markup(self._cleaner.clean(_DROPPED.sub("", html)))

    def outputs(self, outputs: Sequence[Any]) -> tuple[Output, ...]:
        """Render the outputs of a cell, in nbformat 4's form; adjoining pieces of a stream are joined."""
        rendered: list[Output] = []
        pending: list[tuple[str, str]] = []
        for output in outputs:
            if not isinstance(output, Mapping):
                continue
            if output.get("output_type") == "stream":
                pending.append((str(output.get("name")), _text(output.get("text"))))
                continue
            rendered += _streams(pending)
            pending = []
            rendered += self._output(output)
        return (*rendered, *_streams(pending))

    def _output(self, output: Mapping[str, Any]) -> list[Output]:
        kind = output.get("output_type")
        if kind == "error":
            text = _text(output.get("traceback"), "\n") or f"{output.get('ename')}: {output.get('evalue')}"
            return [Output("error", escape(plain(text)))]
        data = output.get("data")
        if kind not in ("display_data", "execute_result") or not isinstance(data, Mapping):
            return []
        return self._display(data)

    def _display(self, data: Mapping[str, Any]) -> list[Output]:
        html, text = _text(data.get("text/html")), _text(data.get("text/plain"))
        if html and not _INTERACTIVE.search(html):
            if len(html) <= _LONGEST_HTML:
                return [Output("html", self.clean(html))]
            return [
                Output("text", escape(plain(text))),
                _note("The table is too large for a report; it is in the notebook."),
            ]
        picture = _data_uri(data)
        if picture:
            if len(picture) > _LARGEST_PICTURE:
                return [_note(_TOO_LARGE)]
            return [Output("picture", Markup('<img alt="{}" src="{}">').format(plain(text, 200), picture))]
        if "text/markdown" in data:
            return [Output("html", self.markdown(_text(data["text/markdown"])))]
        if "text/latex" in data:
            return [Output("text", escape(plain(_text(data["text/latex"]))))]
        if not text and "application/json" in data:
            text = json.dumps(data["application/json"], indent=2, ensure_ascii=False)
        shown = [Output("text", escape(plain(text)))] if text else []
        if _needs_script(data, html):
            shown.append(
                _note("This output is interactive: it needs JavaScript and is left out here. It is in the notebook.")
            )
        return shown

    def _markdown(self, source: str) -> str:
        import mistune

        convert = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "math", "url"])
        return str(convert(source))

    @cached_property
    def _cleaner(self) -> Cleaner:
        from bleach.css_sanitizer import CSSSanitizer
        from bleach.sanitizer import Cleaner

        return Cleaner(
            tags=frozenset(_TAGS.split()),
            attributes=_attribute_allowed,
            protocols={"http", "https", "mailto", "data"},
            css_sanitizer=CSSSanitizer(allowed_css_properties=_STYLES.split()),
            strip=True,
        )


def _attribute_allowed(tag: str, name: str, value: str) -> bool:
    if name == "href":
        return tag == "a" and _LINK.match(value) is not None
    if name == "src":
        return tag == "img" and _DATA_PICTURE.match(value) is not None
    if name == "class":
        return value == "dataframe"
    if name in ("alt", "width", "height"):
        return tag == "img"
    if name in ("colspan", "rowspan", "scope", "align", "span"):
        return tag in ("td", "th", "col", "colgroup")
    return name in ("style", "title") or (tag, name) in (("ol", "start"), ("details", "open"))


def _streams(pieces: Sequence[tuple[str, str]]) -> list[Output]:
    joined: list[tuple[str, list[str]]] = []
    for name, text in pieces:
        if joined and joined[-1][0] == name:
            joined[-1][1].append(text)
        else:
            joined.append((name, [text]))
    texts = [("stderr" if name == "stderr" else "text", plain("".join(parts))) for name, parts in joined]
    return [Output(kind, escape(text.rstrip("\n"))) for kind, text in texts if text.strip()]


def _data_uri(data: Mapping[str, Any]) -> str | None:
    """The first picture of a bundle, or None."""
    for mime in _PICTURES:
        content = _text(data.get(mime))
        if not content:
            continue
        if mime == "image/svg+xml":
            # As the source of an image, a drawing runs no scripts and loads nothing.
            return f"data:{mime};base64,{base64.b64encode(content.encode('utf-8', 'replace')).decode()}"
        compact = "".join(content.split())
        try:
            base64.b64decode(compact, validate=True)
        except (binascii.Error, ValueError):
            continue
        return f"data:{mime};base64,{compact}"
    return None


def _needs_script(data: Mapping[str, Any], html: str) -> bool:
    if "application/javascript" in data or re.search(r"<(script|iframe|canvas)\b", html, re.IGNORECASE):
        return True
    return any(str(mime).startswith("application/vnd.") for mime in data)


def _note(text: str) -> Output:
    return Output("note", escape(text))


def _text(value: Any, between: str = "") -> str:
    """nbformat writes long texts as lists of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return between.join(item for item in value if isinstance(item, str))
    return ""
