"""What the stand-in's steps and merges are: pure functions of bytes, as a real stage's.

Gradients point one way, but for noise that follows from a sample's bytes. Code, reduction and outer
step are the real ones (`rules/swarm/`), so that whoever sends something else is found as in a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec
import numpy as np
from blake3 import blake3

from iotapretrain.rules.swarm.merge_codes import CODES, Floats
from iotapretrain.rules.swarm.reduction import (
    Announcement,
    Found,
    MergeOutcome,
    OuterRule,
    received,
    reduced,
)

SIZE = 8
NUMBERS_BYTES = 4 * SIZE
SENT_BYTES = 8
"""A position of four numbers in bfloat16."""
RATE = np.float32(0.01)
DRIFT = np.float32(0.5)
"""What all gradients have in common; their noise is from -1 to below 1."""

Sent = tuple[str, int, str, bytes | None]
"""Of a merge: hotkey, weight, bound digest and bytes."""


class StandInPass(msgspec.Struct, frozen=True, array_like=True):
    """One sample of a step; `fresh` if it was sent on by the weights that the step begins with."""

    route: int
    received: bytes
    returned: bytes
    fresh: bool

    def back(self, stage: int) -> bytes:
        """Rows for the stage before."""
        named = b"%d/%d/%b/%b" % (stage, self.route, self.received, self.returned)
        return blake3(named).digest(SENT_BYTES)


class StepInputs(msgspec.Struct, frozen=True, array_like=True):
    """What a step is a pure function of."""

    stage: int
    link: str
    local: bytes
    passes: list[StandInPass]

    def stepped(self, seed: int) -> tuple[bytes, str]:
        """The weights behind it, and its link."""
        moved, hasher = np.zeros(SIZE, np.float32), blake3(self.link.encode())
        for each in self.passes:
            back = each.back(self.stage)
            moved += _noise(seed, self.stage, back)
            onward = rows_sent(self.stage, self.local, each.route, each.received)
            hasher.update(each.received + each.returned + back + (onward if each.fresh else b""))
        towards = RATE * (moved / np.float32(len(self.passes)) + DRIFT)
        local = (numbers(self.local) - towards).tobytes()
        hasher.update(local)
        return local, hasher.hexdigest()


@dataclass(frozen=True)
class StandInRule:
    """What a run's file says of its stages: where they start, how they merge."""

    stages: int
    seed: int = 0
    code: str = "2bit"
    reducer: str = "mean"
    least: int = 2
    outer: OuterRule = field(default_factory=OuterRule)

    def first_base(self, stage: int) -> bytes:
        """Where a stage starts: its values, and no velocity."""
        return _noise(self.seed, stage, b"first").tobytes() + bytes(NUMBERS_BYTES)


@lru_cache(maxsize=64)
def merged_base(
    rule: StandInRule, base: bytes, sent: tuple[Sent, ...], epoch: int
) -> tuple[bytes | None, dict[str, MergeOutcome]]:
    """What changes come to upon a base, and what became of each.

    Everybody gets the same, so that once is enough here.
    """
    code = CODES[rule.code]
    found: dict[str, Found] = {}
    for hotkey, weight, bound, content in sent:
        raw = bytes.fromhex(bound)
        digests = tuple(raw[at : at + 32] for at in range(0, len(raw), 32))
        there = [] if content is None else [(0, content)]
        found[hotkey] = received(Announcement(hotkey, weight, digests), there, 0, code, SIZE)
    direction, outcomes = reduced(found, rule.reducer, rule.least, {})
    if direction is None:
        return None, outcomes
    values, velocity = numbers(base).reshape(2, SIZE)
    moved = rule.outer.step(values, velocity, direction, epoch)
    return b"".join(each.tobytes() for each in moved), outcomes


def left_out(outcomes: Mapping[str, MergeOutcome]) -> tuple[str, ...]:
    """Whose changes are in no merge."""
    merged = (MergeOutcome.MERGED, MergeOutcome.BOUNDED)
    return tuple(sorted(hotkey for hotkey, each in outcomes.items() if each not in merged))


def rows_sent(stage: int, local: bytes, route: int, received: bytes) -> bytes:
    """What weights make of a sample."""
    return blake3(b"%d/%d/%b/%b" % (stage, route, local, received)).digest(SENT_BYTES)


def _noise(seed: int, stage: int, named: bytes) -> Floats:
    drawn = blake3(b"%d/%d/%b" % (seed, stage, named)).digest(SIZE)
    return np.frombuffer(drawn, np.int8).astype(np.float32) / np.float32(128)


def numbers(content: bytes) -> Floats:
    return np.frombuffer(content, np.float32)
