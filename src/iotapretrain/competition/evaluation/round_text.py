"""The text of a round, from the hash that the chain gave its sync block."""

from __future__ import annotations

from iotapretrain.data.outcome import RoundText, round_text
from iotapretrain.data.page_cache import Cache
from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.sampling import seed_of


def read_text(
    competition: Competition, block_hash: str, tokenizer: Tokenizer, cache: Cache
) -> RoundText:
    """Every task's pages as all validators draw them; `block_hash` is hex without 0x."""
    return round_text(
        competition.tasks,
        competition.models,
        seed_of(f"0x{block_hash}"),
        competition.constraints.sequence_length,
        tokenizer,
        cache,
    )
