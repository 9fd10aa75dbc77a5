"""A miner: it joins, holds the base of its stage, passes samples on, and merges.

It reads the log and does what the state says of it: `_duty` is all that it owes a merge, an audit
or its place in the swarm; `_serve` and `_work` are the samples' way through it. It may be killed at
any moment and goes on with what its disk has.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import msgspec

from iotapretrain.errors import AwayError, InputError
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.requests import Request
from iotapretrain.rules.swarm.log.swarm_state import Member, StageEpoch, StepPlace, SwarmState
from iotapretrain.swarm.interfaces import MinerPlace, StageCompute
from iotapretrain.swarm.sample_desk import SampleDesk
from iotapretrain.swarm.waiting import set_within, together

AGAIN = 1.0
"""Seconds after which somebody who was away is asked again."""
FILE_EVERY = 1.0
FILED_AT_ONCE = 64

_log = logging.getLogger(__name__)


class SavedMiner(msgspec.Struct, frozen=True):
    """What a killed miner goes on with."""

    stage: int
    base: str
    links: list[str]
    announced: int
    computed: bytes


@dataclass
class SwarmMiner:
    """One stage's work on one machine, whichever stage it is given."""

    place: MinerPlace
    compute: StageCompute
    state: SwarmState | None = None
    sequence: int = 0
    stage: int | None = None
    base: str = ""
    announced: int = -1
    """The epoch whose merge has the change that was coded last."""
    leaving: bool = False

    def __post_init__(self) -> None:
        self._changed = asyncio.Event()
        self._device = asyncio.Lock()
        self._bases: dict[str, bytes] = {}
        self.desk = SampleDesk(self.place, self.compute, self._device, self.ask, self.keep)

    async def run(self) -> None:
        """Take part until it has left, or is convicted."""
        self._restore()
        self.place.peers.serve(self.desk.take)
        await together(self._read(), self._live(), self.desk.work(), self._file())

    def leave(self) -> None:
        """Take no more samples; what is done still enters a merge."""
        self.leaving = self.desk.closed = True
        self._changed.set()

    @property
    def me(self) -> Member | None:
        """What the log knows of it."""
        return None if self.state is None else self.state.members.get(self.place.hotkey)

    # --- the log ----------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            try:
                sequence, state = await self.place.log.behind(self.sequence)
            except AwayError as away:
                _log.info("%s: %s", self.place.hotkey, away)
                await self.place.clock.sleep(AGAIN)
                continue
            self._adopt(sequence, state)

    def _adopt(self, sequence: int, state: SwarmState) -> None:
        if sequence > self.sequence:
            self.sequence, self.state = sequence, state
            self.desk.follow(state)
            self._changed.set()

    async def ask(self, request: Request) -> bool:
        """Until it is answered, and seen in the log; a refusal says that the state moved on."""
        while True:
            try:
                sequence = await self.place.log.ask(request)
                while self.sequence < sequence:
                    self._adopt(*await self.place.log.behind(self.sequence))
            except AwayError:
                await self.place.clock.sleep(AGAIN)
            except InputError as refused:
                _log.info("%s: refused: %s", self.place.hotkey, refused)
                return False
            else:
                return True

    async def _file(self) -> None:
        """Receipts, again until they are acknowledged: what is filed is never counted twice."""
        while True:
            await self.place.clock.sleep(FILE_EVERY)
            while batch := self.desk.unfiled(FILED_AT_ONCE):
                await self.ask(records.ReceiptsFiled(self.place.hotkey, batch, 0))
                self.desk.filed(batch)

    # --- what it owes -----------------------------------------------------------------------------

    async def _live(self) -> None:
        while True:
            await set_within(self._changed, AGAIN)
            self._changed.clear()
            if self.state is None:
                continue
            try:
                if await self._duty(self.state):
                    return
            except AwayError as away:
                _log.info("%s: %s", self.place.hotkey, away)
                await self.place.clock.sleep(AGAIN)
                self._changed.set()

    async def _duty(self, state: SwarmState) -> bool:
        """The next thing that the state asks of it; whether it is over."""
        me, hotkey = self.me, self.place.hotkey
        if me is None or not me.present:
            return await self._join(me)
        if me.stage is None:
            return False
        stage = state.stages[me.stage]
        if (self.stage, self.base) != (me.stage, stage.base):
            await self._go_on_from(me, me.stage, stage)
        elif me.holds != self.base:
            await self.ask(records.BaseHeld(hotkey, me.stage, self.base, 0))
        elif self.leaving and stage.phase == "train" and hotkey not in stage.changes and me.done:
            await self._announce(me.stage, stage.epoch)
        elif self.leaving and self._has_no_part(stage):
            return await self.ask(records.MinerLeft(hotkey, "left", 0))
        else:
            await self._merge(me.stage, stage)
        await self._give_evidence(state)
        return False

    def _has_no_part(self, stage: StageEpoch) -> bool:
        """Whether no merge waits for its change or signature."""
        change = stage.changes.get(self.place.hotkey)
        return (change is None or bool(change.blob)) and stage.phase != "agree"

    async def _join(self, me: Member | None) -> bool:
        if self.leaving or (me is not None and me.convicted):
            return True
        place = self.place
        kept = me is not None and self.stage is not None and me.stage == self.stage
        await self.ask(
            records.MinerJoined(place.hotkey, place.node, place.machine, place.speed, kept, 0)
        )
        return False

    async def _go_on_from(self, me: Member, number: int, stage: StageEpoch) -> None:
        """Hold the stage's base: with what was done since the last, if it is the same stage."""
        content = self._bases.get(stage.base) or await self.place.blobs.get(stage.base)
        if content is None:
            raise AwayError(
                f"nobody has base {stage.base} of stage {number}; it is asked for again"
            )
        async with self._device:
            if self.stage == number:
                await self.compute.rebase(content, me.merged == self.announced >= 0)
            else:
                await self.compute.begin(number, content)
                self.desk.begin()
            self.stage, self.base, self.announced = number, stage.base, -1
            self._bases.clear()
            self.keep()
        if me.holds != stage.base:
            await self.ask(records.BaseHeld(self.place.hotkey, number, stage.base, 0))

    async def _merge(self, number: int, stage: StageEpoch) -> None:
        hotkey = self.place.hotkey
        change = stage.changes.get(hotkey)
        if stage.phase == "announce" and change is None and self.me and self.me.done:
            await self._announce(number, stage.epoch)
        elif change is not None and not change.blob and (stage.phase == "publish" or self.leaving):
            await self._publish(number, stage.epoch)
        elif stage.phase == "agree" and hotkey in stage.voters and hotkey not in stage.signed:
            await self._sign(number, stage)

    async def _announce(self, number: int, epoch: int) -> None:
        """Bind itself to what it did until now; what it does from here on is the next merge's."""
        async with self._device:
            await self.desk.step()
            content, bound = await self.compute.change(self.place.hotkey)
            links, self.announced = self.desk.take_links(), epoch
            self.place.disk.keep("change", content)
            self.keep()
        asked = records.ChangeAnnounced(self.place.hotkey, number, epoch, bound, links, 0)
        if not await self.ask(asked):
            self.announced = -1
            self.desk.links[:0] = links

    async def _publish(self, number: int, epoch: int) -> None:
        content = self.place.disk.kept("change")
        if content is None:
            return  # its disk is another one; what it announced comes to nothing
        blob = await self.place.blobs.put(content)
        await self.ask(records.ChangePublished(self.place.hotkey, number, epoch, blob, 0))

    async def _sign(self, number: int, stage: StageEpoch) -> None:
        changes = {}
        for hotkey in stage.entered:
            change = stage.changes[hotkey]
            content = await self.place.blobs.get(change.blob)
            changes[hotkey] = (change.weight, change.digest, content)
        async with self._device:
            merged = await self.compute.merged(changes, stage.merges)
        if merged is None:
            return  # there is nothing to sign: the stage's deadline says so
        base, left_out = merged
        digest = await self.place.blobs.put(base)
        self._bases[digest] = base
        signed = records.BaseSigned(self.place.hotkey, number, stage.epoch, digest, left_out, 0)
        await self.ask(signed)

    async def _give_evidence(self, state: SwarmState) -> None:
        for step, challenge in state.challenges.items():
            if step.hotkey == self.place.hotkey and not challenge.evidence:
                await self._hand_over(step, challenge.link)

    async def _hand_over(self, step: StepPlace, link: str) -> None:
        async with self._device:
            content = await self.compute.evidence(link)
        if content is not None:
            blob = await self.place.blobs.put(content)
            await self.ask(records.EvidenceGiven(*step, blob, 0))

    # --- its disk ---------------------------------------------------------------------------------

    def keep(self) -> None:
        """Put down all that it could not have again."""
        saved = SavedMiner(
            -1 if self.stage is None else self.stage,
            self.base,
            self.desk.links,
            self.announced,
            self.compute.save(),
        )
        self.place.disk.keep("miner", msgspec.msgpack.encode(saved))

    def _restore(self) -> None:
        content = self.place.disk.kept("miner")
        if content is None:
            return
        saved = msgspec.msgpack.decode(content, type=SavedMiner)
        self.compute.load(saved.computed)
        self.stage = None if saved.stage < 0 else saved.stage
        self.base, self.announced = saved.base, saved.announced
        self.desk.links = saved.links
