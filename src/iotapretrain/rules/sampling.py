"""The shared seed, and what every validator draws from it (competition, section 6).

The generator is ours and counter-based: a word of a stream is eight bytes of one SHA-512 over its
address, whatever was drawn before and by whom. `docs/sampling.md` specifies it bit by bit, and
nothing in this file may ever change a drawn value.
"""

from __future__ import annotations

import hashlib
import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from iotapretrain.errors import InputError

SYNC_CADENCE = 150
DOMAIN = b"iotapretrain/sampling/1\0"
WORDS_A_BLOCK = 8
LARGEST = 2**63 - 1
ROUNDS = 20

_BLOCK_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_LOW_HALF = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)

Words = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]


def sync_block(current_block: int, cadence: int = SYNC_CADENCE) -> int:
    """The block whose hash seeds a round: the same for all who ask within one cadence (6.1)."""
    if cadence < 1 or current_block < 0:
        raise InputError(
            f"sync block: block {current_block} at cadence {cadence}; give 0 or more and 1 or more"
        )
    return current_block // cadence * cadence


def skipped_blocks(recorded: Iterable[int], since: int, until: int, cadence: int) -> list[int]:
    """Sync blocks after `since` that a validator left without a record.

    Without the newest at `until`: its round may still be computing.
    """
    known = set(recorded)
    start = sync_block(max(since, 0), cadence) + cadence
    return [each for each in range(start, sync_block(until, cadence), cadence) if each not in known]


def seed_of(block_hash: str | None) -> int:
    """SHA-256 of the block hash as text, as a big-endian integer (6.1).

    Without a hash there is no seed: whoever guesses one scores on text that nobody else scores on.
    """
    if block_hash is None or not _BLOCK_HASH.fullmatch(block_hash):
        raise InputError(
            f"block hash {block_hash!r} is not 0x and 64 hex digits; wait for the chain to answer"
        )
    return int.from_bytes(hashlib.sha256(block_hash.encode()).digest(), "big")


@dataclass(frozen=True)
class Stream:
    """An endless table of 64-bit words, addressed by lane and index; `key` is 32 bytes."""

    key: bytes

    @classmethod
    def of(cls, seed: int, purpose: str, *labels: str | int) -> Stream:
        """The stream of one purpose; streams with other labels have nothing to do with it."""
        if not 0 <= seed < 2**256:
            raise InputError(f"seed {seed}: expected an integer from 0 to 2^256 - 1")
        fields = [str(label).encode() for label in (purpose, *labels)]
        framed = b"".join(len(field).to_bytes(4, "little") + field for field in fields)
        return cls(hashlib.sha256(DOMAIN + seed.to_bytes(32, "big") + framed).digest())

    def word(self, lane: int, index: int) -> int:
        """One word by its address."""
        block, position = divmod(index, WORDS_A_BLOCK)
        return int.from_bytes(self._block(lane, block)[8 * position : 8 * position + 8], "little")

    def words(self, lane: int, count: int) -> Words:
        """The first `count` words of a lane."""
        blocks = range(-(-count // WORDS_A_BLOCK))
        table = b"".join(self._block(lane, block) for block in blocks)
        return np.frombuffer(table, dtype="<u8")[:count].astype(np.uint64)

    def below(self, index: int, bound: int) -> int:
        """Draw `index` as an unbiased integer from 0 to bound - 1."""
        if not 1 <= bound <= LARGEST:
            raise InputError(f"bound {bound}: expected an integer from 1 to 2^63 - 1")
        unfair = 2**64 % bound
        lane = 0
        while (product := self.word(lane, index) * bound) % 2**64 < unfair:
            lane += 1  # this word is one of the few that would favour some results
        return product >> 64

    def all_below(self, bounds: Words) -> Words:
        """`below(index, bound)` for every index at once; bounds from 1 to 2^32."""
        high, low = _times(self.words(0, len(bounds)), bounds)
        unfair = (np.uint64(0) - bounds) % bounds
        for index in np.flatnonzero(low < unfair):
            high[index] = self.below(int(index), int(bounds[index]))
        return high

    def _block(self, lane: int, block: int) -> bytes:
        counter = lane.to_bytes(8, "little") + block.to_bytes(8, "little")
        return hashlib.sha512(self.key + counter).digest()


def shuffled(stream: Stream, n: int) -> Indices:
    """0 … n - 1 in random order: Fisher-Yates from the top; i swaps with draw i, below i + 1."""
    order = list(range(n))
    partners = stream.all_below(np.arange(1, n + 1, dtype=np.uint64)).tolist()
    for i in range(n - 1, 0, -1):
        j = partners[i]
        order[i], order[j] = order[j], order[i]
    return np.array(order, dtype=np.int64)


class Permutation:
    """A random order of 0 … n - 1 of which any place is computed alone: n may be 10^12.

    A Feistel network over pairs (left < a, right < b) with ab >= n, run again on what is not below
    n. Only an even `a` reaches odd permutations, so that without one some orders would never come.
    """

    def __init__(self, stream: Stream, n: int) -> None:
        if not 1 <= n <= LARGEST:
            raise InputError(f"permutation of {n}: expected 1 to 2^63 - 1 things")
        self.n = n
        self._stream = stream
        self._a = (math.isqrt(n - 1) + 2) // 2 * 2
        self._b = -(-n // self._a)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, place: int) -> int:
        """What stands at this place."""
        if not 0 <= place < self.n:
            raise IndexError(f"place {place} of a permutation of {self.n}")
        value = self._encipher(place)
        while value >= self.n:
            value = self._encipher(value)
        return value

    def _encipher(self, value: int) -> int:
        left, right = divmod(value, self._b)
        for lane in range(0, ROUNDS, 2):
            left = (left + self._stream.word(lane, right)) % self._a
            right = (right + self._stream.word(lane + 1, left)) % self._b
        return left * self._b + right


@dataclass(frozen=True)
class Page:
    """A page by address: `rows` rows of one configuration of a dataset, from row `start` on."""

    config: str
    start: int
    rows: int


class Pages:
    """All pages of a dataset in the random order of a stream: none twice, each row equally likely.

    Each configuration is cut into pages of `page_rows` rows; its last may be shorter.
    """

    def __init__(self, stream: Stream, configs: Sequence[tuple[str, int]], page_rows: int) -> None:
        if page_rows < 1 or any(rows < 0 for _, rows in configs):
            raise InputError(
                f"pages of {page_rows} rows from {list(configs)}: give 1 or more, and sizes from 0"
            )
        self._configs, self._page_rows = tuple(configs), page_rows
        self._ends = list(accumulate(-(-rows // page_rows) for _, rows in configs))
        if not self._ends or self._ends[-1] == 0:
            raise InputError(
                "pages of a dataset without rows: give one configuration that has some"
            )
        self._order = Permutation(stream, self._ends[-1])

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, place: int) -> Page:
        """The page at this place of the order."""
        number = self._order[place]
        which = bisect_right(self._ends, number)
        name, rows = self._configs[which]
        first_page = self._ends[which - 1] if which else 0
        start = (number - first_page) * self._page_rows
        return Page(name, start, min(self._page_rows, rows - start))

    def first(self, count: int) -> tuple[Page, ...]:
        """The pages of a round."""
        if not 0 <= count <= len(self):
            raise InputError(
                f"{count} pages of a dataset that has {len(self)}: ask for fewer or smaller ones"
            )
        return tuple(self[place] for place in range(count))


def _times(left: Words, right: Words) -> tuple[Words, Words]:
    """The 128-bit products as high and low words, for factors `right` up to 2^32."""
    upper = (left >> _HALF) * right
    lower = (left & _LOW_HALF) * right
    return (upper + (lower >> _HALF)) >> _HALF, left * right
