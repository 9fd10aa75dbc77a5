"""Scoring the field of an open round: its models and its text brought here, and held meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache
from random import Random

from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Judged, Terms
from iotapretrain.competition.evaluation.round_pages import read_text
from iotapretrain.competition.records.committed import commit_of
from iotapretrain.competition.validator.behaviours import Behaviours
from iotapretrain.competition.validator.build_record import (
    ScoredRound,
    absent,
    copied,
    published,
)
from iotapretrain.competition.validator.inspect_models import NOT_HERE, Absence, Inspector
from iotapretrain.data import page_cache
from iotapretrain.data.outcome import RoundText
from iotapretrain.data.tokenizer import Tokenizer, load_tokenizer
from iotapretrain.errors import MissingModelError, UnavailableHubError
from iotapretrain.hub.fetched_model import Model, model_hash
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.protocol import Commit
from iotapretrain.net.retry import Clock
from iotapretrain.net.threads import Hand
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.commitment import Commitment
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.validator.journal_records import Entry, Reason, RoundOpened
from iotapretrain.rules.sampling import seed_of

TEXTS_KEPT = 4
"""Texts in memory: of this round, the next, and the last ones of each."""
CHANGED = Reason("corrupt", "the hub now shows other bytes at this commit than it did before")

Score = Callable[[Sequence[Contender], RoundText, Terms], Evaluated]
"""`competition.evaluation.evaluate` with its pool, its cache of losses and its race."""


class Texts:
    """The text of rounds, by competition and seed, made once and ahead of time: whoever asks second
    waits for the first. One that is not complete is made anew for who asks next.
    """

    def __init__(self, cache: page_cache.PageCache) -> None:
        self._cache = cache
        self._hand = Hand("text")
        self._texts: dict[tuple[int, str], asyncio.Task[RoundText]] = {}
        self._tokenizer = lru_cache(load_tokenizer)

    async def tokenizer(self, competition: Competition) -> Tokenizer:
        """The tokenizer that a competition's models are scored with."""
        return await self._hand.do(lambda: self._tokenizer(competition.constraints.tokenizer))

    async def text(self, competition: Competition, seed_hash: str) -> RoundText:
        """The text of a round; errors are raised to everybody who waits."""
        key = (competition.id, seed_hash)
        if key not in self._texts:
            self._texts[key] = asyncio.create_task(self._made(competition, seed_hash))
            for old in [*self._texts][:-TEXTS_KEPT]:
                del self._texts[old]
        task = self._texts[key]
        try:
            text = await asyncio.shield(task)
        except BaseException:
            if task.done():
                self._texts.pop(key, None)
            raise
        if text.missing:
            self._texts.pop(key, None)
        return text

    async def _made(self, competition: Competition, seed_hash: str) -> RoundText:
        tokenizer = await self.tokenizer(competition)
        return await self._hand.do(
            lambda: read_text(competition, seed_hash, tokenizer, self._cache)
        )


class Measurer:
    def __init__(
        self,
        inspector: Inspector,
        texts: Texts,
        cache: ModelCache,
        score: Score,
        behaviours: Behaviours,
        clock: Clock = time.monotonic,
        rng: Random | None = None,
    ) -> None:
        self._inspector, self._texts, self._cache, self._score = inspector, texts, cache, score
        self._behaviours, self._clock = behaviours, clock
        self._scoring, self._rng = Hand("score"), rng or Random()

    async def measure(
        self, opened: RoundOpened, competition: Competition, salt: int
    ) -> ScoredRound:
        """Results for the whole field; without any text, nothing could be scored here.

        The salt is secret; it draws the text on which copies are told by what they do.
        """
        began = self._clock()
        text = await self._texts.text(competition, opened.seed_hash)
        tokenizer = await self._texts.tokenizer(competition)
        written = self._clock()
        max_bytes = competition.constraints.max_bytes
        found = [await self._inspector.bring(_commit(each), max_bytes) for each in opened.field]
        await self._check_hub(opened, found)
        fetched = self._clock()
        seed = seed_of(f"0x{opened.seed_hash}")
        terms = Terms(competition, tokenizer.vocabulary, seed, opened.block, tokenizer.end_id)
        measured = await self._scoring.do(lambda: self._measured(opened, found, text, terms, salt))
        seconds = {
            "text": written - began,
            "fetch": fetched - written,
            "score": self._clock() - fetched,
        }
        return replace(measured, seconds=seconds)

    async def _check_hub(self, opened: RoundOpened, found: Sequence[Model | Absence]) -> None:
        """UnavailableHubError if a model is not here and the hub is silent about all others too.

        One that only its own model's bytes do not come from is no such hub.
        """
        silent: list[Absence] = []
        others: list[Commit] = []
        for entry, each in zip(opened.field, found, strict=True):
            if isinstance(each, Absence) and each.hub_down:
                silent.append(each)
            else:
                others.append(_commit(entry))
        self._rng.shuffle(others)  # nobody chooses of whom the hub is asked
        if silent and await self._inspector.is_away(others):
            raise UnavailableHubError(f"the hub does not answer for any model: {silent[0].detail}")

    def _measured(
        self,
        opened: RoundOpened,
        found: Sequence[Model | Absence],
        text: RoundText,
        terms: Terms,
        salt: int,
    ) -> ScoredRound:
        if not text.batches:
            why = Absence(Outcome.INFRASTRUCTURE, ())
            nothing = tuple(absent(entry, why) for entry in opened.field)
            return ScoredRound(text, nothing, None)
        with ExitStack() as held:
            contenders: dict[str, Contender] = {}
            results: dict[str, Judged] = {}
            for entry, model in zip(opened.field, found, strict=True):
                kept = model if isinstance(model, Absence) else self._held(held, model, entry)
                if isinstance(kept, Absence):
                    results[entry.hotkey] = absent(entry, kept)
                else:
                    contenders[entry.hotkey] = Contender(**vars(entry), folder=kept.folder)
            evaluated, copies = self._told_apart([*contenders.values()], text, terms, salt)
        results |= copies
        if evaluated is not None:
            results |= {each.record.hotkey: published(each) for each in evaluated.models}
        return ScoredRound(text, tuple(results[entry.hotkey] for entry in opened.field), evaluated)

    def _told_apart(
        self, contenders: Sequence[Contender], text: RoundText, terms: Terms, salt: int
    ) -> tuple[Evaluated | None, dict[str, Judged]]:
        """The field without copies in disguise, scored as if they had not been there: they must
        not race others out. What was scored already is in the cache.
        """
        if not contenders:
            return None, {}
        told = replace(terms, behaviour=self._behaviours.rows(text, terms, salt))
        copies: dict[str, Judged] = {}
        while left := [each for each in contenders if each.hotkey not in copies]:
            evaluated = self._score(left, text, told)
            found = self._behaviours.copies(evaluated, told)
            if not found:
                return evaluated, copies
            for each in evaluated.models:
                if (finding := found.get(each.record.hotkey)) is not None:
                    copies[each.record.hotkey] = copied(each, finding)
        return None, copies

    def _held(self, held: ExitStack, model: Model, entry: Entry) -> Model | Absence:
        """The model, which nobody evicts now; it may have gone, or been fetched anew, since."""
        try:
            kept = held.enter_context(self._cache.hold(model.commit))
        except MissingModelError as error:
            return Absence(Outcome.INFRASTRUCTURE, (NOT_HERE,), str(error))
        return kept if model_hash(kept) == entry.digest else Absence(Outcome.BAD_HASH, (CHANGED,))


def _commit(entry: Entry) -> Commit:
    return commit_of(Commitment.parse(entry.text))
