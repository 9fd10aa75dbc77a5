"""Texts as token ids and back, as the field does it: names of special tokens in them become those
tokens. In a worker too, for a stranger's tokenizer, which may make a short text millions of ids;
the functions below are its tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iotapretrain.data.tokenizer import Tokenizer, read_tokenizer
from iotapretrain.errors import InputError
from iotapretrain.models.open_files import OpenFile
from iotapretrain.models.verdict import Code, Rejection

LARGEST_VOCABULARY = 2**20
"""More than any tokenizer that is in use has."""
LONGEST_END = 256
IDS_A_BYTE, BYTES_AN_ID, FRAME = 16, 1_024, 64
"""A ligature of 3 bytes is 33 as the letters that it stands for; a token of spaces has 128."""


class OwnSpelling:
    """In this process: for a tokenizer that is believed, or in a process that is not."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.digest, self.vocabulary = tokenizer.digest, tokenizer.vocabulary
        self.end_token, self.end_id = tokenizer.end_token, tokenizer.end_id
        self._backend = tokenizer.backend
        self._backend.encode_special_tokens = False

    def encode(self, texts: Sequence[str], framed: bool) -> list[list[int]]:
        """The ids of each; framed by what the tokenizer puts around a text."""
        return [self._backend.encode(text, add_special_tokens=framed).ids for text in texts]

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        return [self._backend.decode(list(ids), skip_special_tokens=True) for ids in rows]

    def close(self) -> None:
        """Nothing is held that others might need."""


_opened: list[OwnSpelling] = []


def most_ids(text: str) -> int:
    """No honest tokenizer makes more of a text, with what it puts around it."""
    return IDS_A_BYTE * len(text.encode()) + FRAME


def most_bytes(ids: int) -> int:
    """No honest tokenizer makes a longer text of so many ids."""
    return BYTES_AN_ID * ids + FRAME


def describe(files: dict[str, int]) -> dict[str, Any]:
    """How many ids it has, and its end token."""
    spelling = _spelling(files)
    if spelling.vocabulary > LARGEST_VOCABULARY or len(spelling.end_token) > LONGEST_END:
        raise Rejection(
            Code.VOCABULARY,
            f"{spelling.vocabulary:,} ids, an end token of {len(spelling.end_token):,} characters;"
            f" at most {LARGEST_VOCABULARY:,} and {LONGEST_END:,} are read",
            "tokenizer",
        )
    return {
        "vocabulary": spelling.vocabulary,
        "end_token": spelling.end_token,
        "end_id": spelling.end_id,
    }


def encode(files: dict[str, int], texts: list[str], framed: bool) -> list[list[int]]:
    spelling, rows = _spelling(files), []
    for text in texts:
        rows += spelling.encode([text], framed)
        if len(rows[-1]) > most_ids(text):
            raise _bomb(f"{len(rows[-1]):,} ids of a text of {len(text):,} characters")
    return rows


def decode(files: dict[str, int], rows: list[list[int]]) -> list[str]:
    spelling, texts = _spelling(files), []
    for ids in rows:
        texts += spelling.decode([ids])
        if len(texts[-1].encode()) > most_bytes(len(ids)):
            raise _bomb(f"{len(texts[-1]):,} characters of {len(ids):,} ids")
    return texts


def _bomb(what: str) -> Rejection:
    return Rejection(Code.MISBEHAVED, f"it makes {what}", "tokenizer")


def _spelling(files: dict[str, int]) -> OwnSpelling:
    """Read at the first call: the files stay the same ones, the caller watches that."""
    if not _opened:
        whole, *settings = (OpenFile.of(path, descriptor) for path, descriptor in files.items())
        try:
            content = whole.read(0, whole.size).decode()
            config = bytes(settings[0].read(0, settings[0].size)) if settings else b"{}"
            _opened.append(OwnSpelling(read_tokenizer(whole.path, content, config)))
        except (InputError, UnicodeDecodeError) as error:
            raise Rejection(Code.VOCABULARY, str(error)[:500], whole.path) from error
    return _opened[0]
