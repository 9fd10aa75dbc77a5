"""A document, whatever it came from: text that every machine reads alike, of bounded length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from blake3 import blake3

DOCUMENT_CHARACTERS = 100_000
"""About 25,000 tokens: one row can fill neither a batch nor, if it is hostile, the memory."""

LONGEST_CHARACTER = 4
"""Bytes of UTF-8."""

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
    decoded, damaged = decode(raw, encoding) if isinstance(raw, bytes) else (raw, False)
    text, surrogates = _SURROGATE.subn("\ufffd", decoded[:DOCUMENT_CHARACTERS])
    return Document(text, damaged or surrogates > 0, len(decoded) > DOCUMENT_CHARACTERS)


def decode(raw: bytes, encoding: str = "utf-8") -> tuple[str, bool]:
    """The text of bytes, and whether some of them were outside the encoding."""
    try:
        return raw.decode(encoding), False
    except (ValueError, LookupError):
        return raw.decode("utf-8", errors="replace"), True


def piece_end(content: bytes, longest: int) -> int:
    """Where the first piece of at most `longest` bytes ends: all, or after a blank line, else after
    a line, else between two characters.
    """
    if len(content) <= longest:
        return len(content)
    for mark in (b"\n\n", b"\n"):
        found = content.rfind(mark, 0, longest)
        if found >= 0:
            return found + len(mark)
    end = longest
    while end > longest - LONGEST_CHARACTER and content[end] & 0xC0 == 0x80:  # inside a character
        end -= 1
    return end


def pieces(text: str, longest: int) -> Iterator[str]:
    """A text in pieces of at most `longest` bytes of UTF-8; joined they give it back."""
    content = text.encode()
    while content:
        end = piece_end(content, longest)
        yield content[:end].decode()
        content = content[end:]


def digest_of(*parts: bytes | str) -> str:
    """Hex BLAKE3 of the parts, each after its length in 8 bytes, little-endian; texts as UTF-8."""
    hasher = blake3()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        hasher.update(len(content).to_bytes(8, "little"))
        hasher.update(content)
    return hasher.hexdigest()
