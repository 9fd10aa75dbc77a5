"""A stage of eight numbers with everything that a real one has: work, steps, links, merges, replay.

Gradients point one way, but for noise that follows from a sample's bytes; passes take virtual
seconds. Codes, reduction and outer step are the real ones (`rules/swarm/`), so that whoever sends
something else, or goes on from something else, is found as in a real run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec
import numpy as np
from blake3 import blake3

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.merge_codes import CODES, Floats, MergeCode, compressed
from iotapretrain.rules.swarm.reduction import (
    Announcement,
    Found,
    OuterRule,
    announced_digests,
    received,
    reduced,
)
from iotapretrain.swarm.interfaces import Passed

SIZE = 8
SENT_BYTES = 8
"""A position of four numbers in bfloat16."""
RATE = np.float32(0.01)
DRIFT = 0.5
"""What all gradients have in common; their noise is from -1 to below 1."""
LATEST = 1
"""Steps by which a gradient may be late."""
KEPT_STEPS = 64
_SAMPLE_PARTS = 3
"""A pass forward takes one part of a sample's seconds, one backward two."""

Sent = tuple[str, int, str, bytes | None]
"""Of a merge: hotkey, weight, bound digest and bytes."""


class _Pass(msgspec.Struct, frozen=True, array_like=True):
    """One sample of a step; `fresh` if it was sent on by the weights that the step begins with."""

    route: int
    received: bytes
    returned: bytes
    fresh: bool

    def back(self, stage: int) -> bytes:
        """Rows for the stage before."""
        named = b"%d/%d/%b/%b" % (stage, self.route, self.received, self.returned)
        return blake3(named).digest(SENT_BYTES)


class _Evidence(msgspec.Struct, frozen=True, array_like=True):
    """What a step is a pure function of."""

    stage: int
    link: str
    local: bytes
    passes: list[_Pass]

    def stepped(self, seed: int) -> tuple[bytes, str]:
        """The weights behind it, and its link."""
        moved, hasher = np.zeros(SIZE, np.float32), blake3(self.link.encode())
        for each in self.passes:
            back = each.back(self.stage)
            moved += _noise(seed, self.stage, back)
            onward = rows_sent(self.stage, self.local, each.route, each.received)
            hasher.update(each.received + each.returned + back + (onward if each.fresh else b""))
        towards = RATE * (moved / np.float32(len(self.passes)) + np.float32(DRIFT))
        local = (_numbers(self.local) - towards).tobytes()
        hasher.update(local)
        return local, hasher.hexdigest()


class _Held(msgspec.Struct, array_like=True):
    """All that a stage holds, as it lies on a disk.

    `coded` is what was done when a change was coded, and what the code lost of it.
    """

    stage: int
    base: bytes
    local: bytes
    residual: bytes
    coded: tuple[bytes, bytes] | None
    link: str
    steps: int
    version: int
    forward: dict[int, tuple[int, int, bytes]]
    passes: list[_Pass]
    kept: dict[str, _Evidence]


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
        return _noise(self.seed, stage, b"first").tobytes() + bytes(4 * SIZE)


@lru_cache(maxsize=64)
def merged_base(rule: StandInRule, base: bytes, sent: tuple[Sent, ...], epoch: int) -> bytes | None:
    """What changes come to upon a base; everybody gets the same, so that once is enough here."""
    code = CODES[rule.code]
    found: dict[str, Found] = {}
    for hotkey, weight, bound, content in sent:
        raw = bytes.fromhex(bound)
        digests = tuple(raw[at : at + 32] for at in range(0, len(raw), 32))
        there = [] if content is None else [(0, content)]
        found[hotkey] = received(Announcement(hotkey, weight, digests), there, 0, code, SIZE)
    direction, _ = reduced(found, rule.reducer, rule.least, {})
    if direction is None:
        return None
    values, velocity = _numbers(base).reshape(2, SIZE)
    return b"".join(each.tobytes() for each in rule.outer.step(values, velocity, direction, epoch))


def rows_sent(stage: int, local: bytes, route: int, received: bytes) -> bytes:
    """What weights make of a sample."""
    return blake3(b"%d/%d/%b/%b" % (stage, route, local, received)).digest(SENT_BYTES)


def _noise(seed: int, stage: int, named: bytes) -> Floats:
    drawn = blake3(b"%d/%d/%b" % (seed, stage, named)).digest(SIZE)
    return np.frombuffer(drawn, np.int8).astype(np.float32) / np.float32(128)


def _numbers(content: bytes) -> Floats:
    return np.frombuffer(content, np.float32)


class StandInStage:
    """One stage, in so many seconds a sample; `turned` counts its passes back."""

    def __init__(self, rule: StandInRule, seconds: float) -> None:
        self.rule, self.seconds, self.turned = rule, seconds, 0
        self._held = _Held(-1, b"", b"", b"", None, "", 0, 0, {}, [], {})

    @property
    def base(self) -> bytes:
        """What it goes on from."""
        return self._held.base

    @property
    def done(self) -> Floats:
        """What was done since the base."""
        return _numbers(self._held.base)[:SIZE] - _numbers(self._held.local)

    async def begin(self, stage: int, base: bytes) -> None:
        nothing, first = bytes(4 * SIZE), blake3(base).hexdigest()
        self._held = _Held(stage, base, base[: 4 * SIZE], nothing, None, first, 0, 0, {}, [], {})

    # --- samples ----------------------------------------------------------------------------------

    async def forward(self, route: int, received: bytes) -> Passed:
        held, is_tail = self._held, self._held.stage == self.rule.stages - 1
        await self._work(1)
        if not is_tail:
            held.forward[route] = (held.steps, held.version, received)
            return Passed(rows_sent(held.stage, held.local, route, received))
        back = await self._turn(_Pass(route, received, b"", True))
        return Passed(back, loss=back[0] / 256)

    async def backward(self, route: int, returned: bytes) -> bytes | None:
        held = self._held
        steps, version, received = held.forward.pop(route, (-2, 0, b""))
        if held.steps - steps > LATEST:
            return None
        return await self._turn(_Pass(route, received, returned, version == held.version))

    async def _turn(self, done: _Pass) -> bytes:
        await self._work(2)
        self.turned += 1
        self._held.passes.append(done)
        return done.back(self._held.stage)

    def forget(self, routes: Sequence[int]) -> None:
        for route in routes:
            self._held.forward.pop(route, None)

    async def step(self) -> str | None:
        held = self._held
        if not held.passes:
            return None
        evidence = _Evidence(held.stage, held.link, held.local, held.passes)
        held.local, held.link = evidence.stepped(self.rule.seed)
        held.kept[held.link] = evidence
        for old in list(held.kept)[:-KEPT_STEPS]:
            del held.kept[old]
        held.passes, held.steps, held.version = [], held.steps + 1, held.version + 1
        return held.link

    async def _work(self, parts: int) -> None:
        await asyncio.sleep(self.seconds * parts / _SAMPLE_PARTS)

    # --- merges -----------------------------------------------------------------------------------

    async def change(self, hotkey: str) -> tuple[bytes, str]:
        content, lost = compressed(self._code, self.done, _numbers(self._held.residual))
        self._held.coded = self._held.local, lost.tobytes()
        return content, self.bound(hotkey, content)

    def bound(self, hotkey: str, content: bytes) -> str:
        """The digests of a change, bound to who sends it."""
        return b"".join(announced_digests(hotkey, content, self._code)).hex()

    async def merged(
        self, changes: Mapping[str, tuple[int, str, bytes | None]], epoch: int
    ) -> bytes | None:
        sent = tuple((hotkey, *each) for hotkey, each in sorted(changes.items()))
        return merged_base(self.rule, self.base, sent, epoch)

    async def rebase(self, base: bytes, merged: bool) -> None:
        held = self._held
        ahead = _numbers(held.base)[:SIZE]
        if merged:
            if held.coded is None:
                raise InputError("stand-in: no change was coded since the last merge")
            local, held.residual = held.coded
            ahead = _numbers(local)
        new = _numbers(base)[:SIZE] + (_numbers(held.local) - ahead)
        held.base, held.local, held.coded = base, new.tobytes(), None
        held.passes = [msgspec.structs.replace(each, fresh=False) for each in held.passes]
        held.version += 1

    @property
    def _code(self) -> MergeCode:
        return CODES[self.rule.code]

    # --- audits -----------------------------------------------------------------------------------

    async def evidence(self, link: str) -> bytes | None:
        step = self._held.kept.get(link)
        return None if step is None else msgspec.msgpack.encode(step)

    async def replay(self, evidence: bytes) -> str:
        await self._work(_SAMPLE_PARTS)
        try:
            step = msgspec.msgpack.decode(evidence, type=_Evidence)
        except msgspec.DecodeError:
            return ""
        fit = len(step.local) == 4 * SIZE and step.passes
        return step.stepped(self.rule.seed)[1] if fit else ""

    # --- its disk ---------------------------------------------------------------------------------

    def save(self) -> bytes:
        return msgspec.msgpack.encode(self._held)

    def load(self, saved: bytes) -> None:
        self._held = msgspec.msgpack.decode(saved, type=_Held)
        self._held.forward.clear()  # who sent them on has forgotten them
