"""The text of rounds, made once and ahead of time: whoever asks second waits for the first."""

from __future__ import annotations

import asyncio
from functools import lru_cache

from iotapretrain.competition.evaluation.round_pages import read_text
from iotapretrain.data.outcome import RoundText
from iotapretrain.data.page_cache import Cache
from iotapretrain.data.tokenizer import Tokenizer, load_tokenizer
from iotapretrain.net.threads import Hand
from iotapretrain.rules.competition.schedule import Competition

KEPT = 4
"""Texts in memory: of this round, the next, and the last ones of each."""


class Texts:
    """Texts by competition and seed. One that is not complete is made anew for who asks next."""

    def __init__(self, cache: Cache) -> None:
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
            for old in [*self._texts][:-KEPT]:
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
