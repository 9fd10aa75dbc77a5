"""A validator: it replays the steps that a beacon drew for it, and says what it got."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from iotapretrain.errors import AwayError, InputError
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.requests import Request
from iotapretrain.rules.swarm.log.swarm_state import StepPlace, SwarmState
from iotapretrain.swarm.interfaces import StageCompute, SwarmBlobs, SwarmClock, SwarmLog

AGAIN = 1.0

_log = logging.getLogger(__name__)


@dataclass
class SwarmValidator:
    """One, of one determinism class."""

    hotkey: str
    machine: str
    clock: SwarmClock
    blobs: SwarmBlobs
    log: SwarmLog
    compute: StageCompute
    sequence: int = 0

    async def run(self) -> None:
        """Audit, for ever."""
        while True:
            try:
                sequence, state = await self.log.behind(self.sequence)
                await self._audit(state)
                self.sequence = max(self.sequence, sequence)
            except AwayError as away:
                _log.info("%s: %s", self.hotkey, away)
                await self.clock.sleep(AGAIN)
            except InputError as refused:  # settled meanwhile
                _log.info("%s: refused: %s", self.hotkey, refused)

    async def _audit(self, state: SwarmState) -> None:
        if state.run and state.validators.get(self.hotkey) != self.machine:
            await self._ask(records.ValidatorJoined(self.hotkey, self.machine, 0))
            return
        for place, challenge in state.challenges.items():
            mine = self.hotkey in challenge.validators
            said = any(verdict[0] == self.hotkey for verdict in challenge.verdicts)
            if mine and not said and challenge.evidence:
                await self._replay(place, challenge.evidence)
                return

    async def _replay(self, place: StepPlace, evidence: str) -> None:
        content = await self.blobs.get(evidence)
        replayed = "" if content is None else await self.compute.replay(content)
        await self._ask(records.VerdictFiled(self.hotkey, *place, evidence, replayed, 0))

    async def _ask(self, request: Request) -> None:
        """And read on from where the log has it."""
        self.sequence = max(self.sequence, await self.log.ask(request) - 1)
