"""What a document is, whatever it came from: text that every machine reads alike, of bounded
length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

DOCUMENT_CHARACTERS = 100_000
"""The longest document, about 25,000 tokens: one row cannot fill a batch, nor a hostile one the
memory.
"""

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Document:
    """One text and what had to be done to it."""

    text: str
    repaired: bool = False
    """Bytes outside the encoding, or lone surrogates, became U+FFFD."""
    cut: bool = False
    """What went beyond `DOCUMENT_CHARACTERS` was left out."""


def document(raw: bytes | str, encoding: str = "utf-8") -> Document:
    """The document that `raw` holds; nothing in it can make this fail.

    An encoding that Python does not know is read as UTF-8, so that a wrong label in a row costs
    that row's characters and not the page.
    """
    if isinstance(raw, bytes):
        try:
            decoded, damaged = raw.decode(encoding), False
        except (UnicodeDecodeError, LookupError):
            decoded, damaged = raw.decode("utf-8", errors="replace"), True
    else:
        decoded, damaged = raw, False
    text, surrogates = _SURROGATE.subn("\ufffd", decoded[:DOCUMENT_CHARACTERS])
    return Document(text, damaged or surrogates > 0, len(decoded) > DOCUMENT_CHARACTERS)


def pieces(text: str, characters: int) -> Iterator[str]:
    """Cut a long text into pieces of at most `characters`: after a blank line, else a line, else
    anywhere.

    The pieces joined give the text back.
    """
    start = 0
    while len(text) - start > characters:
        stop = start + characters
        for mark in ("\n\n", "\n"):
            found = text.rfind(mark, start, stop)
            if found >= 0:
                stop = found + len(mark)
                break
        yield text[start:stop]
        start = stop
    if start < len(text):
        yield text[start:]
