"""Looking at many models: downloads side by side, inspections one after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

from iotapretrain.competition.validator.inspect_models import (
    Failure,
    Fetcher,
    Inspector,
    looked,
)
from iotapretrain.hub.fetched_model import Model
from iotapretrain.hub.protocol import Commit
from iotapretrain.models.header_checks import Limits
from iotapretrain.net.retry import Clock
from iotapretrain.net.threads import Hand, Hands
from iotapretrain.observe.events import ModelFetched
from iotapretrain.rules.competition.validator.journal_records import Looked
from iotapretrain.rules.competition.validator.state import State
from iotapretrain.rules.competition.validator.subnet_view import Candidate

DOWNLOADS = 4
"""Models that are fetched at once."""
HUB_IS_DOWN = 3
"""Models in a row for which the hub did not answer; asking it for more now is in vain."""


@dataclass(frozen=True)
class Seen:
    """What a look brought, and its cost; `detail` is for the operator alone."""

    candidate: Candidate
    record: Looked
    size_bytes: int | None
    seconds: float
    detail: str = ""

    def event(self, now: float, source: str) -> ModelFetched:
        """The same for the log."""
        commitment = self.candidate.commitment
        reasons = [f"{reason.code}: {reason.sentence}" for reason in self.record.reasons]
        return ModelFetched(
            time=now,
            source=source,
            hotkey=self.candidate.hotkey,
            uid=self.candidate.uid,
            competition=commitment.competition_id,
            repository=commitment.repo_id,
            commit=commitment.commit,
            outcome=str(self.record.outcome),
            reasons=reasons + ([self.detail] if self.detail else []),
            size_bytes=self.size_bytes,
            seconds=self.seconds,
        )


class Looker:
    """Fetches and inspects. The inspector's worker belongs to one thread."""

    def __init__(
        self, fetcher: Fetcher, inspector: Inspector, clock: Clock = time.monotonic
    ) -> None:
        self._fetcher, self._inspector, self._clock = fetcher, inspector, clock
        self._downloads = Hands("fetch", DOWNLOADS)
        self._inspecting = Hand("inspect")

    async def look(
        self, candidates: Sequence[Candidate], limits: Limits, state: State, at: int
    ) -> AsyncIterator[Seen]:
        """A `Seen` for each, as they are done; those that a silent hub would cost us are not."""
        silent = 0

        def found(candidate: Candidate) -> Model | Failure | None:
            if silent >= HUB_IS_DOWN:
                return None
            return self._fetcher.look(candidate, limits.constraints.max_bytes, state)

        async def one(candidate: Candidate) -> Seen | None:
            nonlocal silent
            began = self._clock()
            model = await self._downloads.do(lambda: found(candidate))
            silent = silent + 1 if isinstance(model, Failure) and model.hub_down else 0
            if model is None:
                return None
            if isinstance(model, Failure):
                record = looked(candidate, at, model.outcome, model.reasons)
                return Seen(candidate, record, None, self._clock() - began, model.detail)
            record = await self._inspecting.do(
                lambda: self._inspector.inspect(candidate, model, limits, state.salt, at)
            )
            return Seen(candidate, record, model.total_bytes, self._clock() - began)

        for done in asyncio.as_completed([one(candidate) for candidate in candidates]):
            seen = await done
            if seen is not None:
                yield seen

    async def fetch(self, candidate: Candidate, max_bytes: int, state: State) -> None:
        """Bring a model here ahead of time; what comes of it is asked when it is looked at."""
        await self._downloads.do(lambda: self._fetcher.look(candidate, max_bytes, state))

    async def bring(self, commit: Commit, max_bytes: int) -> Model | Failure:
        """The model of somebody who was looked at before; mostly it is still here."""
        return await self._downloads.do(lambda: self._fetcher.bring(commit, max_bytes))

    async def is_away(self, commits: Sequence[Commit]) -> bool:
        """Whether the hub is silent about these too, of which it is asked for a few."""
        for commit in commits[:HUB_IS_DOWN]:
            if await self._downloads.do(partial(self._fetcher.answers, commit)):
                return False
        return True
