"""The orchestrator: it answers participants, looks up when something is due, and writes the log.

It decides nothing by itself: what it writes follows from the rules (`rules/swarm/log/`), the log,
the time and the chain. It never touches a tensor. Killed and started again it goes on where its
log ends; of what it forgot, only who was heard from last matters, and that is asked anew.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.log.due import Moment, Phases, by_stage, due, next_deadline
from iotapretrain.rules.swarm.log.requests import Request, answer
from iotapretrain.rules.swarm.log.swarm_records import ChangePublished, VerdictFiled
from iotapretrain.swarm.interfaces import ChainEyes, RunLog, SwarmBlobs, SwarmClock
from iotapretrain.swarm.waiting import set_within

BREATH = 0.1
"""Seconds between two looks, in which requests gather."""
LONGEST_LOOK_AWAY = 5.0
"""Seconds until it looks at the chain and for silent miners again, if nobody asks anything."""


@dataclass
class Orchestrator:
    """One run's; whoever is the only writer of its log."""

    log: RunLog
    clock: SwarmClock
    blobs: SwarmBlobs
    chain: ChainEyes
    phases: Phases = by_stage
    _heard: dict[str, int] = field(default_factory=dict)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Look up, for ever, whenever there is a reason to."""
        now = self.clock.now()
        for hotkey in self.log.state.members:
            self._heard.setdefault(hotkey, now)
        while True:
            self._look()
            await self.clock.sleep(BREATH)
            await set_within(self._woken, self._rest())
            self._woken.clear()

    def seen(self, hotkey: str) -> None:
        """A participant was heard from."""
        self._heard[hotkey] = self.clock.now()

    async def ask(self, author: str, request: Request) -> int:
        """Write what follows from a request that `author` signed; the newest record's number."""
        speaker = request.validator if isinstance(request, VerdictFiled) else request.hotkey
        if author != speaker:
            raise InputError(f"{author} asks in the name of another; sign with your own key")
        self.seen(author)
        if isinstance(request, ChangePublished) and not await self.blobs.has(request.blob):
            raise InputError(f"{author}: nothing lies under {request.blob}; publish it first")
        made = answer(self.log.state, request, self.clock.now())
        if made:
            self.log.write(made, author)
            self._woken.set()
        return self.log.sequence

    def _look(self) -> None:
        now, state = self.clock.now(), self.log.state
        if not state.run:
            return
        block, block_hash = self.chain.newest()
        latest = now - state.terms.silence
        silent = tuple(
            hotkey
            for hotkey, member in state.members.items()
            if member.present and self._heard.setdefault(hotkey, now) < latest
        )
        made = due(state, Moment(now, block, block_hash, silent), self.phases)
        if made:
            self.log.write(made)

    def _rest(self) -> float:
        """Seconds until it must look, whoever asks."""
        deadline = next_deadline(self.log.state)
        if deadline is None:
            return LONGEST_LOOK_AWAY
        return min(max(deadline - self.clock.now(), 0) / 1000, LONGEST_LOOK_AWAY)
