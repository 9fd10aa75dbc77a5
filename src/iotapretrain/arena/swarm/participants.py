"""Kinds of participants: a cheat is an honest one with one part that does something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from blake3 import blake3

from iotapretrain.arena.swarm.memory_log import AskedLog
from iotapretrain.arena.swarm.memory_parts import MemoryPeers
from iotapretrain.arena.swarm.stand_in_stage import StandInStage
from iotapretrain.arena.swarm.stand_in_step import SENT_BYTES, SIZE
from iotapretrain.errors import AwayError
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.requests import Request
from iotapretrain.rules.swarm.merge_codes import CODES
from iotapretrain.swarm.interfaces import Handler, Passed

LOST_EVERY = 5


class MakesRowsUp(StandInStage):
    """Sends anything, at once, and has no link that a replay could give."""

    async def forward(self, route: int, received: bytes) -> Passed:
        passed = await super().forward(route, received)
        return replace(passed, sent=bytes(SENT_BYTES))

    async def step(self) -> str | None:
        link = await super().step()
        return None if link is None else self._rename(link, blake3(link.encode()).hexdigest())

    def _rename(self, link: str, other: str) -> str:
        self._held.kept[other] = self._held.kept.pop(link)
        return other

    async def _work(self, parts: int) -> None:
        """None is done."""


class SkipsSteps(StandInStage):
    """Stays where it is, and says that it moved."""

    async def step(self) -> str | None:
        before = self._held.local
        link = await super().step()
        if link is None:
            return None
        evidence = self._held.kept.pop(link)
        self._held.local, self._held.link = before, blake3(before + link.encode()).hexdigest()
        self._held.kept[self._held.link] = evidence
        return self._held.link


class SendsAgainst(StandInStage):
    """Its change points the other way, a thousand times as far."""

    async def change(self, hotkey: str) -> tuple[bytes, str]:
        await super().change(hotkey)
        content = self._code.encode(self.done * np.float32(-1000))
        return content, self.bound(hotkey, content)


class SendsNoNumbers(StandInStage):
    """Its change decodes to no numbers."""

    async def change(self, hotkey: str) -> tuple[bytes, str]:
        await super().change(hotkey)
        content = b"\xff" * CODES[self.rule.code].size(SIZE)
        return content, self.bound(hotkey, content)


class Diverges(StandInStage):
    """Every loss of its is none, as of a model that has come apart."""

    async def forward(self, route: int, received: bytes) -> Passed:
        passed = await super().forward(route, received)
        return passed if passed.loss is None else replace(passed, loss=float("nan"))


class SwallowsFrames(MemoryPeers):
    """Takes every frame and does nothing with it."""

    def serve(self, handler: Handler) -> None:
        del handler
        super().serve(lambda *_: True)


class LosesFrames(MemoryPeers):
    """Every fifth thing it sends stays with it."""

    sent = 0

    async def send(self, node: str, content: bytes) -> bool:
        self.sent += 1
        if self.sent % LOST_EVERY == 0:
            raise AwayError(f"{self.node}: its line is down")
        return await super().send(node, content)


class ForgesReceipts(AskedLog):
    """Says that it sent something else than it did."""

    async def ask(self, request: Request) -> int:
        if isinstance(request, records.ReceiptsFiled):
            forged = (replace(each, sent="00" * 16, back="00" * 16) for each in request.receipts)
            request = replace(request, receipts=tuple(forged))
        return await super().ask(request)


class SaysNothing(AskedLog):
    """Never asks for one kind of record."""

    about: type[Request]

    async def ask(self, request: Request) -> int:
        return 0 if isinstance(request, self.about) else await super().ask(request)


class WithholdsChanges(SaysNothing):
    """Announces a change and never publishes it."""

    about = records.ChangePublished


class GivesNoEvidence(SaysNothing):
    """Is silent about its steps."""

    about = records.EvidenceGiven


class SignsAnother(AskedLog):
    """Signs a base that nobody else has."""

    async def ask(self, request: Request) -> int:
        if isinstance(request, records.BaseSigned):
            request = replace(request, base=blake3(request.base.encode()).hexdigest())
        return await super().ask(request)


@dataclass(frozen=True)
class ParticipantKind:
    """What a miner is made of; `guilty` is who may be convicted."""

    compute: type[StandInStage] = StandInStage
    peers: type[MemoryPeers] = MemoryPeers
    log: type[AskedLog] = AskedLog
    honest: bool = False
    guilty: bool = False


KINDS: Mapping[str, ParticipantKind] = MappingProxyType(
    {
        "honest": ParticipantKind(honest=True),
        "flaky": ParticipantKind(peers=LosesFrames, honest=True),
        "makes rows up": ParticipantKind(compute=MakesRowsUp, guilty=True),
        "skips steps": ParticipantKind(compute=SkipsSteps, guilty=True),
        "sends against": ParticipantKind(compute=SendsAgainst),
        "sends no numbers": ParticipantKind(compute=SendsNoNumbers),
        "diverges": ParticipantKind(compute=Diverges, honest=True),
        "swallows frames": ParticipantKind(peers=SwallowsFrames),
        "forges receipts": ParticipantKind(log=ForgesReceipts),
        "withholds changes": ParticipantKind(log=WithholdsChanges),
        "signs another": ParticipantKind(log=SignsAnother),
        "gives no evidence": ParticipantKind(log=GivesNoEvidence),
    }
)
