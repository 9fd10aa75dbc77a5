"""Documents of tokens to sequences of one length (competition, 6.4), in time linear in tokens.

Documents are one flat array and `offsets`: document i is tokens[offsets[i] : offsets[i + 1]].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from iotapretrain.errors import InputError

Tokens = npt.NDArray[np.integer]
Offsets = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Padded:
    """Unpacked sequences; `counted` is false for padding, which must not be scored."""

    sequences: Tokens
    counted: Mask


def flatten(documents: Sequence[Sequence[int]]) -> tuple[Tokens, Offsets]:
    """Lists of tokens as a flat array and offsets."""
    offsets = np.array([0, *accumulate(len(document) for document in documents)], dtype=np.int64)
    flat = [token for document in documents for token in document]
    return np.array(flat, dtype=np.int64), offsets


def pack(tokens: Tokens, offsets: Offsets, sequence_length: int, end_token: int) -> Tokens:
    """Cut one stream, with an end token after every document, into [sequence, position].

    Sequences run across documents; what does not fill the last one is dropped.
    """
    _check(tokens, offsets, sequence_length, end_token)
    stream = np.insert(tokens, offsets[1:], end_token)
    return _cut(stream, sequence_length)


def pad(tokens: Tokens, offsets: Offsets, sequence_length: int, end_token: int) -> Padded:
    """Pad every document with end tokens to whole sequences.

    Its first end token is its own and counts. A document that fills its sequences gets none.
    """
    _check(tokens, offsets, sequence_length, end_token)
    lengths = np.diff(offsets)
    room = -(-lengths // sequence_length) * sequence_length
    real = _runs(lengths, room)
    padded = np.full(len(real), end_token, dtype=tokens.dtype)
    padded[real] = tokens
    counted = _runs(np.minimum(lengths + 1, room), room)
    return Padded(_cut(padded, sequence_length), _cut(counted, sequence_length))


def batches(sequences: Tokens, batch_size: int) -> Tokens:
    """[batch, sequence, position]; sequences that do not fill the last batch are dropped."""
    if batch_size < 1:
        raise InputError(f"batches of {batch_size} sequences; give 1 or more")
    whole = len(sequences) // batch_size
    shape = (whole, batch_size, sequences.shape[1])
    return sequences[: whole * batch_size].reshape(shape)


def _runs(true: Offsets, room: Offsets) -> Mask:
    """For each document `true` times true, then false until its room is full."""
    counts = np.stack([true, room - true], axis=1).ravel()
    return np.repeat(np.tile([True, False], len(room)), counts)


def _cut(stream: npt.NDArray[Scalar], sequence_length: int) -> npt.NDArray[Scalar]:
    whole = len(stream) // sequence_length
    return stream[: whole * sequence_length].reshape(whole, sequence_length)


def _check(tokens: Tokens, offsets: Offsets, sequence_length: int, end_token: int) -> None:
    if sequence_length < 1:
        raise InputError(f"sequences of {sequence_length} tokens; give 1 or more")
    if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != len(tokens):
        raise InputError(f"offsets must run from 0 to {len(tokens)}, the number of tokens")
    if (np.diff(offsets) < 0).any():
        raise InputError("offsets go backwards; give documents in order")
    limits = np.iinfo(tokens.dtype)
    if not limits.min <= end_token <= limits.max:
        raise InputError(f"end token {end_token} does not fit tokens of type {tokens.dtype}")
