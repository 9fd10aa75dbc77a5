"""A stage of eight numbers with all that a real one has: work, steps, links, merges, a disk.

Passes take virtual seconds; what they, steps and merges come to is `stand_in_step.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
from blake3 import blake3

from iotapretrain.arena.swarm.stand_in_step import (
    NUMBERS_BYTES,
    SIZE,
    StandInPass,
    StandInRule,
    StepInputs,
    left_out,
    merged_base,
    numbers,
    rows_sent,
)
from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.merge_codes import CODES, Floats, MergeCode, compressed
from iotapretrain.rules.swarm.reduction import announced_digests
from iotapretrain.swarm.interfaces import Passed

LATEST = 1
"""Steps by which a gradient may be late."""
KEPT_STEPS = 64
_SAMPLE_PARTS = 3
"""A pass forward takes one part of a sample's seconds, one backward two."""


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
    passes: list[StandInPass]
    kept: dict[str, StepInputs]


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
    def residual(self) -> bytes:
        """What codes lost of all changes that were merged."""
        return self._held.residual

    @property
    def done(self) -> Floats:
        """What was done since the base."""
        return numbers(self._held.base)[:SIZE] - numbers(self._held.local)

    async def begin(self, stage: int, base: bytes) -> None:
        nothing, first = bytes(NUMBERS_BYTES), blake3(base).hexdigest()
        self._held = _Held(
            stage, base, base[:NUMBERS_BYTES], nothing, None, first, 0, 0, {}, [], {}
        )

    # --- samples ----------------------------------------------------------------------------------

    async def forward(self, route: int, received: bytes) -> Passed:
        held, is_tail = self._held, self._held.stage == self.rule.stages - 1
        await self._work(1)
        if not is_tail:
            held.forward[route] = (held.steps, held.version, received)
            return Passed(rows_sent(held.stage, held.local, route, received))
        back = await self._turn(StandInPass(route, received, b"", True))
        return Passed(back, loss=back[0] / 256)

    async def backward(self, route: int, returned: bytes) -> bytes | None:
        held = self._held
        steps, version, received = held.forward.pop(route, (-2, 0, b""))
        if held.steps - steps > LATEST:
            return None
        return await self._turn(StandInPass(route, received, returned, version == held.version))

    async def _turn(self, done: StandInPass) -> bytes:
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
        evidence = StepInputs(held.stage, held.link, held.local, held.passes)
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
        content, lost = compressed(self._code, self.done, numbers(self._held.residual))
        self._held.coded = self._held.local, lost.tobytes()
        return content, self.bound(hotkey, content)

    def bound(self, hotkey: str, content: bytes) -> str:
        """The digests of a change, bound to who sends it."""
        return b"".join(announced_digests(hotkey, content, self._code)).hex()

    async def merged(
        self, changes: Mapping[str, tuple[int, str, bytes | None]], epoch: int
    ) -> tuple[bytes, tuple[str, ...]] | None:
        sent = tuple((hotkey, *each) for hotkey, each in sorted(changes.items()))
        base, outcomes = merged_base(self.rule, self.base, sent, epoch)
        return None if base is None else (base, left_out(outcomes))

    async def rebase(self, base: bytes, merged: bool) -> None:
        held = self._held
        ahead = numbers(held.base)[:SIZE]
        if merged:
            if held.coded is None:
                raise InputError("stand-in: no change was coded since the last merge")
            local, held.residual = held.coded
            ahead = numbers(local)
        new = numbers(base)[:SIZE] + (numbers(held.local) - ahead)
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
            step = msgspec.msgpack.decode(evidence, type=StepInputs)
        except msgspec.DecodeError:
            return ""
        fit = len(step.local) == NUMBERS_BYTES and step.passes
        return step.stepped(self.rule.seed)[1] if fit else ""

    # --- its disk ---------------------------------------------------------------------------------

    def save(self) -> bytes:
        return msgspec.msgpack.encode(self._held)

    def load(self, saved: bytes) -> None:
        self._held = msgspec.msgpack.decode(saved, type=_Held)
        self._held.forward.clear()  # who sent them on has forgotten them
