"""The loop of a validator: one small step after the other, each of which a restart can repeat.

    publish what is signed · finish the round that is open · see the newest sync block ·
    set weights if due · look at new models · open the next round

What it knows is the journal; everything else is read again from the chain at the sync block.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.records.round_record import SignedRound, champion_of, seal
from iotapretrain.competition.validator.behaviours import Behaviours
from iotapretrain.competition.validator.build_record import Author, ScoredRound, round_record
from iotapretrain.competition.validator.fingerprints import Prints
from iotapretrain.competition.validator.inspect_models import Inspector
from iotapretrain.competition.validator.journal import Memory, Order
from iotapretrain.competition.validator.on_chain import (
    read_view,
    say_where,
    set_weights_if_due,
)
from iotapretrain.competition.validator.publish_records import RecordPublisher, Shelf
from iotapretrain.competition.validator.score_field import Measurer, Texts
from iotapretrain.competition.validator.settings import Settings, World
from iotapretrain.errors import (
    ChainError,
    HubError,
    InputError,
    IotaError,
    SourceError,
    UnavailableHubError,
    UnreachableError,
)
from iotapretrain.hub.protocol import Commit
from iotapretrain.models.header_checks import Limits
from iotapretrain.net.retry import Outage, pause
from iotapretrain.observe import events
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.validator.decide import Command, Sync
from iotapretrain.rules.competition.validator.inspection_queue import due
from iotapretrain.rules.competition.validator.journal_records import RoundGivenUp, RoundOpened
from iotapretrain.rules.competition.validator.judgement import competition_of, does_not_count, judge
from iotapretrain.rules.competition.validator.misses import missed_by
from iotapretrain.rules.competition.validator.round_queue import opening, turns
from iotapretrain.rules.competition.validator.state import State
from iotapretrain.rules.competition.validator.subnet_view import View
from iotapretrain.rules.sampling import sync_block
from iotapretrain.store.journal import Journal

if TYPE_CHECKING:
    from bittensor import Wallet

PAY_LOOK = 10
"""Blocks between two looks at whether weights are due; after a round at once."""


class Validator:
    """Runs until it has done what it was told, or for ever."""

    def __init__(
        self,
        settings: Settings,
        world: World,
        client: ChainClient,
        wallet: Wallet,
        author: Author,
        journal: Journal,
        memory: Memory,
    ) -> None:
        self._settings, self._world, self._schedule = settings, world, settings.schedule
        self._client, self._wallet, self._author, self._memory = client, wallet, author, memory
        prints = Prints(settings.state / "prints")
        self._inspector = Inspector(world.hub, world.models, world.patience, world.worker, prints)
        self._texts = Texts(world.texts)
        self._measurer = Measurer(
            self._inspector,
            self._texts,
            world.models,
            world.score,
            Behaviours(settings.state / "behaviours"),
            rng=world.rng,
        )
        shelf = Shelf(world.hub, settings.repository, settings.state)
        self._publisher = RecordPublisher(
            shelf, journal, memory, self._published, self._hub_refused
        )
        self._outage = Outage(settings.poll, settings.longest_pause, world.rng)
        self._view: View | None = None
        self._head = 0
        self._paid_at: tuple[int, int] | None = None
        self._to_say = True
        self._idle_until = 0
        self._ahead: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        return self._memory.state

    async def run(self) -> int:
        """Step by step; how many rounds the journal holds at the end."""
        failures = 0
        try:
            while not self._done():
                try:
                    idle = not await self.step()
                    if idle and not self._settings.once:
                        await self._say_idle()
                    failures = 0
                except (IotaError, OSError) as error:
                    if self._settings.once:
                        raise
                    failures += 1
                    await self._rest(str(error), failures)
                    continue
                if idle and self._settings.once:
                    break
                if idle:
                    await asyncio.sleep(self._settings.poll)
            await self._publisher.finish()
            await self._pay()
            if self._to_say:
                await self._say_where()
        finally:
            self._publisher.stop()
            if self._ahead is not None:
                self._ahead.cancel()
        return self.state.rounds

    async def step(self) -> bool:
        """One thing that is to be done now; False if there is none."""
        self._publisher.start()
        if self.state.opened is not None:
            await self._finish(self.state.opened)
            return True
        view = await self._see()
        if (self._head // PAY_LOOK, self.state.rounds) != self._paid_at:
            await self._pay()
        for competition in turns(self.state, view, self._schedule):
            if self._outage.lasts(competition.id):
                continue
            opened = None
            if await self._look(view, competition):
                opened = opening(self.state, view, self._schedule, competition)
            if opened is not None:
                self._execute(opened)
                await self._finish(opened)
                return True
        return False

    def _done(self) -> bool:
        most = self._settings.rounds
        return most is not None and self.state.rounds >= most and self.state.opened is None

    # Seeing

    async def _see(self) -> View:
        """The subnet at the newest sync block, read once."""
        self._head, _ = await self._client.head()
        block = sync_block(self._head, self._schedule.sync_cadence)
        newest = max(self.state.done.values(), default=0)
        if block < newest:
            raise UnreachableError(f"the chain is at {self._head}, behind {newest}, seen before")
        if self._view is None or self._view.block < block:
            view = await read_view(
                self._client, self._settings.netuid, block, self._author.validator
            )
            self._execute(Sync(view))
            self._view = view
            if self._to_say:
                await self._say_where()
        return self._view

    async def _look(self, view: View, competition: Competition) -> bool:
        """Fetch and inspect what is due in a competition; what it learns is kept one by one.

        False if its tokenizer cannot be had: then it has no round, and the others go on.
        """
        candidates = due(self.state, view, self._schedule, competition.models)
        try:
            tokenizer = await self._texts.tokenizer(competition)
        except (SourceError, InputError) as error:
            self._wait(f"competition {competition.id}", str(error), self._settings.poll)
            return False
        limits = Limits(competition.constraints, tokenizer.vocabulary)
        async for seen in self._inspector.look(candidates, limits, self.state, view.block):
            self._execute(seen.record)
            self.say(events.ModelFetched, **seen.told())
        return True

    # Rounds

    async def _finish(self, opened: RoundOpened) -> None:
        """Score, decide and sign the open round, or give it up for now."""
        competition = competition_of(self._schedule, opened)
        if competition is None:
            await self._give_up(opened, "its competition is not in the schedule any more")
            return
        about = {"round": opened.round, "competition": opened.competition, "block": opened.block}
        self.say(events.RoundStarted, **about, models=len(opened.field))
        self._look_ahead(opened)
        try:
            measured = await self._measurer.measure(opened, competition, self.state.salt)
        except UnavailableHubError as error:
            self._hold(opened, str(error))
            return
        except (IotaError, OSError) as error:
            await self._give_up(opened, str(error))
            return
        self._outage.end(opened.competition)
        attempts = measured.attempts
        reason = does_not_count(self.state, opened, attempts)
        if reason is None:
            self._close(opened, competition, measured)
        else:
            await self._give_up(opened, measured.no_text or reason, missed_by(attempts))

    def _close(self, opened: RoundOpened, competition: Competition, measured: ScoredRound) -> None:
        """Decide, sign, and write down: from here on the round counts."""
        began = self._world.clock()
        state, field = self.state, measured.played(competition)
        closed, places = judge(state, opened, self._schedule, competition, field, measured.attempts)
        record = round_record(
            self._author, competition, opened, measured, closed, places, state.previous
        )
        signed = seal(record, self._wallet.hotkey.sign)
        self._execute(replace(closed, digest=signed.digest), signed)
        self._publisher.start()
        best = champion_of(record)
        self.say(
            events.RoundFinished,
            round=opened.round,
            competition=opened.competition,
            block=opened.block,
            digest=signed.digest,
            models=len(opened.field),
            champion_uid=None if best is None else best.uid,
            champion_hotkey=record.champion,
            champion_loss=None if best is None else best.score,
            pages_scored=measured.pages[0],
            pages_of_full_round=measured.pages[1],
            seconds={**measured.seconds, "decide": self._world.clock() - began},
        )

    async def _give_up(
        self, opened: RoundOpened, reason: str, missed: tuple[str, ...] = ()
    ) -> None:
        """The round does not count; the next competition comes first, then it is tried again."""
        self._execute(RoundGivenUp(opened.round, reason, missed))
        self._wait(f"competition {opened.competition}", reason, self._settings.poll)
        await asyncio.sleep(self._settings.poll)

    def _hold(self, opened: RoundOpened, reason: str) -> None:
        """The hub is away for everybody: nobody missed a round, and no try of it is spent.

        Meanwhile competitions go on whose models are all here.
        """
        seconds = self._outage.begin(opened.competition)
        self._execute(RoundGivenUp(opened.round, reason, held=True))
        self._wait(f"the hub, for competition {opened.competition}", reason, seconds)

    # While a round computes

    def _look_ahead(self, opened: RoundOpened) -> None:
        """Bring here what comes next, unless that is under way already."""
        if self._view is not None and (self._ahead is None or self._ahead.done()):
            self._ahead = asyncio.create_task(self._prepare(self._view, opened.competition))

    async def _prepare(self, view: View, present: int) -> None:
        """The text of whoever is next, and models that pass their delay at the next sync block.

        Nothing is decided or written down here, and whatever fails is tried again in its turn.
        """
        state, soon = self.state, replace(view, block=view.block + self._schedule.sync_cadence)
        following = [each for each in turns(state, view, self._schedule) if each.id != present]
        try:
            for competition in following[:1]:
                await self._texts.text(competition, view.seed_hash)
            for competition in self._schedule.running(soon.block):
                for candidate in due(state, soon, self._schedule, competition.models):
                    most = competition.constraints.max_bytes
                    await self._inspector.fetch(candidate, most, state)
        except (IotaError, OSError):
            return

    # The chain

    async def _pay(self) -> None:
        """Weights, if they are due; the chain's refusal is told, and rounds go on."""
        try:
            paid = await set_weights_if_due(
                self._client,
                self._wallet,
                self._settings.netuid,
                self.state.weights,
                self._settings.weights_every,
            )
        except ChainError as error:
            self._wait("setting weights", str(error), self._settings.poll)
            return
        self._paid_at = (self._head // PAY_LOOK, self.state.rounds)
        if paid is not None:
            block, weights = paid
            self._to_say = True
            by_uid = {str(uid): weight for uid, weight in weights.items()}
            self.say(events.WeightsSet, block=block, weights=by_uid)

    async def _say_where(self) -> None:
        """Where our records are, and which is the newest, once all of them are published.

        Said at the start, and anew after each setting of weights; what cannot be written now, then
        at the next sync block.
        """
        settings, state = self._settings, self.state
        digest = None if state.unpublished else state.previous
        every, where = settings.weights_every, settings.repository
        try:
            said = await say_where(
                self._client, self._wallet, settings.netuid, where, digest, every
            )
        except ChainError as error:
            self._wait("saying on the chain where our records are", str(error), 0.0)
        else:
            self._to_say = not said or bool(state.unpublished)

    # Telling

    async def _say_idle(self) -> None:
        """Once a sync block: what is waited for, and until when."""
        block = sync_block(self._head, self._schedule.sync_cadence) + self._schedule.sync_cadence
        if block > self._idle_until:
            self._idle_until = block
            self._world.idle(f"next judgement at block {block}{await self._client.how_far(block)}")

    def _execute(self, command: Command, signed: SignedRound | None = None) -> None:
        self._memory.execute(Order(command, signed))

    async def _rest(self, reason: str, failures: int) -> None:
        most = self._settings.longest_pause
        seconds = pause(failures, self._settings.poll, most, self._world.rng)
        self._wait("something that is down", reason, seconds)
        await asyncio.sleep(seconds)

    def _wait(self, what: str, reason: str, seconds: float) -> None:
        self.say(events.Waiting, what=what, reason=reason, seconds=seconds)

    def _published(self, signed: SignedRound, commit: Commit) -> None:
        self.say(
            events.RecordPublished,
            round=signed.record.round,
            digest=signed.digest,
            repository=str(commit.repository),
            commit=commit.id,
        )
        self._world.published(signed)

    def _hub_refused(self, error: HubError, seconds: float) -> None:
        self._wait("publishing a record", str(error), seconds)

    def say(self, kind: Callable[..., events.AnyEvent], **fields: Any) -> None:
        source = f"validator:{self._author.validator}"
        self._world.sink.emit(kind(time=self._world.clock(), source=source, **fields))
