"""Texts as token ids and back, as the field does it.

Unlike pages of a competition, the texts of a benchmark are nobody's attack. So the names of special
tokens in them, such as `<unk>`, become those tokens, as everywhere in the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from iotapretrain.data.tokenizer import Tokenizer


class Spelling(Protocol):
    """A tokenizer that tells texts apart as its model learned them."""

    @property
    def digest(self) -> str:
        """Equal digests mean equal tokenizers."""
        ...

    @property
    def vocabulary(self) -> int:
        """How many ids there are."""
        ...

    @property
    def end_id(self) -> int:
        """The id of the end token."""
        ...

    def encode(self, texts: Sequence[str], framed: bool) -> list[list[int]]:
        """The ids of each; framed by what the tokenizer puts around a text."""
        ...

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """The text of each row of ids."""
        ...

    def close(self) -> None:
        """Give back what it holds, until it is used again."""
        ...


class OwnSpelling:
    """In this process: for a tokenizer that is believed, or in a process that is not."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.digest, self.vocabulary = tokenizer.digest, tokenizer.vocabulary
        self.end_token, self.end_id = tokenizer.end_token, tokenizer.end_id
        self._backend = tokenizer.backend
        self._backend.encode_special_tokens = False

    def encode(self, texts: Sequence[str], framed: bool) -> list[list[int]]:
        """See `Spelling`."""
        return [self._backend.encode(text, add_special_tokens=framed).ids for text in texts]

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """See `Spelling`."""
        return [self._backend.decode(list(ids), skip_special_tokens=True) for ids in rows]

    def close(self) -> None:
        """See `Spelling`."""
