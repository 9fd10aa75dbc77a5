"""A merge in shards, for large stages: pairs of holders reduce a shard each, and must agree.

The log has named the contributions that count, all public, before a block hash draws the holders:
so nobody can leave one out. Each shard has a line of all members: its pair, then who comes next
when one is lost or two digests differ. A result is the shard's direction in bf16; all members take
the outer step themselves, so no momentum is handed over. Where contributions and results of the
stage take W each, a member moves 4 W - 2 W / N. Pairs are those of the circle method's rounds; an
odd number's rounds make loads that differ by 2, so there they are edges of Walecki's cycles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from iotapretrain.errors import InputError
from iotapretrain.rules.sampling import Stream, seed_of, shuffled
from iotapretrain.rules.swarm.merge_codes import BF16, Floats, MergeCode
from iotapretrain.rules.swarm.reduction import PIECE, Announcement

HOLDERS = 2


@dataclass(frozen=True)
class Shard:
    """Parameters `first` to `end` - 1, and the members in the order in which they are asked."""

    first: int
    end: int
    line: tuple[str, ...]

    def bytes_in(self, code: MergeCode) -> range:
        """Where in a contribution its bytes lie."""
        return range(code.size(self.first), code.size(self.end))

    def announced(self, whole: Announcement) -> Announcement:
        """What a member announced of it."""
        return replace(whole, digests=whole.digests[self.first // PIECE : -(-self.end // PIECE)])


@dataclass(frozen=True)
class Settlement:
    """The digest that two agree on, who was asked, and who said something else.

    Two may lie together: a validator computes the shard before anybody is convicted.
    """

    digest: bytes | None
    asked: tuple[str, ...]
    differing: frozenset[str] = frozenset()
    hopeless: bool = False
    """Nobody is left to be asked: the stage stays at its last base."""


def pairs(members: int) -> Iterator[tuple[int, int]]:
    """Every pair once; after any number of them, loads differ by at most 1."""
    last = members - 1
    if members % 2 == 0:
        for turn in range(last):
            yield last, turn
            yield from (((turn + i) % last, (turn - i) % last) for i in range(1, members // 2))
        return
    for turn in range(members // 2):
        zigzag = ((turn + (i + 1) // 2 * (-1) ** (i + 1)) % last for i in range(last))
        edges = [*pairwise([last, *zigzag, last])]
        yield from edges[::2] + edges[1::2]


def draw_shards(
    beacon: str, run: str, epoch: int, stage: int, hotkeys: Collection[str], parameters: int
) -> tuple[Shard, ...]:
    """Shards of whole blocks, and their lines; `beacon` is the hash of a later block."""
    members = sorted(set(hotkeys))
    if len(members) < HOLDERS or parameters < 1:
        raise InputError(f"a butterfly of {len(members)} members and {parameters} parameters")

    def order(*labels: int) -> list[str]:
        stream = Stream.of(seed_of(beacon), "butterfly", run, epoch, stage, *labels)
        return [members[place] for place in shuffled(stream, len(members))]

    blocks, drawn = -(-parameters // PIECE), order()
    count = min(len(members) * (len(members) - 1) // 2, blocks)
    ends = [min(blocks * i // count * PIECE, parameters) for i in range(count + 1)]
    return tuple(
        Shard(first, end, tuple(dict.fromkeys([drawn[one], drawn[other], *order(first)])))
        for (first, end), (one, other) in zip(pairwise(ends), pairs(len(members)), strict=False)
    )


def settled(line: Sequence[str], said: Mapping[str, bytes], lost: Collection[str]) -> Settlement:
    """What follows from the digests filed for a shard, and from who is lost.

    The first two that are there are asked, and one more each time that all have answered and no two
    agree. What the lost had filed counts, what others file does not. An agreement holds whatever
    comes later, if a log takes no second digest of a holder and none of one that it called lost.
    """
    there = [each for each in line if each in said or each not in lost]
    for count in range(HOLDERS, len(there) + 1):
        asked = tuple(there[:count])
        votes = Counter(said[each] for each in asked if each in said)
        digest, agreeing = max(votes.items(), key=lambda item: item[1], default=(b"", 0))
        if agreeing >= HOLDERS:
            differing = frozenset(each for each in asked if said.get(each, digest) != digest)
            return Settlement(digest, asked, differing)
        if votes.total() < count:
            return Settlement(None, asked)
    return Settlement(None, tuple(there), hopeless=True)


def assembled(shards: Sequence[Shard], results: Sequence[bytes | None]) -> Floats | None:
    """The direction of the whole stage; None unless every shard has one."""
    parts = [
        BF16.decode(result, shard.end - shard.first)
        for shard, result in zip(shards, results, strict=True)
        if result
    ]
    return np.concatenate(parts) if len(parts) == len(shards) else None


def traffic(shards: Sequence[Shard], hotkey: str, code: MergeCode) -> tuple[int, int]:
    """Bytes that a member sends and fetches where nobody is lost."""
    up, down = shards[-1].bytes_in(code).stop, 0
    for shard in shards:
        result = BF16.size(shard.end - shard.first)
        if hotkey in shard.line[:HOLDERS]:
            up, down = up + result, down + (len(shard.line) - 1) * len(shard.bytes_in(code))
        else:
            down += result
    return up, down
