"""The champion's loss over time, from a validator's public records: the paper's figure 2."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from iotapretrain.competition.records.opinions import Source, is_of, model_record
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.competition.records.whole_history import WholeHistory
from iotapretrain.rules.sampling import skipped_blocks


@dataclass(frozen=True)
class Reign:
    """A round's champion: who, its loss on that round's pages, and whether the crown was new."""

    round: int
    block: int
    uid: int
    hotkey: str
    commitment: str
    loss: float
    models: int
    crowned: bool
    skipped: int = 0
    """Sync blocks without a record of the competition, since the record before."""
    twice: bool = False
    """An earlier repository of the validator has another record of this round."""


def rounds_of(
    rounds: WholeHistory, source: Source, network: str, netuid: int, competition: int, newest: int
) -> Iterator[RoundRecord]:
    """A validator's signed records of a competition among its newest so many, oldest first."""
    for number in rounds.numbers()[-newest:]:
        signed = rounds.read(number)
        if signed.record.competition == competition and is_of(signed, source, network, netuid):
            yield signed.record


def unrecorded(records: Iterable[RoundRecord], head: int, cadence: int) -> list[int]:
    """Sync blocks without a record, from the earliest of these up to the newest block."""
    recorded = {record.sync_block for record in records}
    return skipped_blocks(recorded, min(recorded), head, cadence) if recorded else []


def reigns(
    records: Iterable[RoundRecord], skipped: Sequence[int] = (), twice: Collection[int] = ()
) -> list[Reign]:
    """Round by round; a round without result, or whose champion has no score, leaves a gap."""
    found: list[Reign] = []
    told = list(records)
    recorded = sorted({record.sync_block for record in told})
    for record in told:
        champion = model_record(record, record.champion)
        if champion is not None and champion.score is not None:
            same = found and (found[-1].hotkey, found[-1].commitment) == (
                champion.hotkey,
                champion.commitment,
            )
            found.append(
                Reign(
                    round=record.round,
                    block=record.block,
                    uid=champion.uid,
                    hotkey=champion.hotkey,
                    commitment=champion.commitment,
                    loss=champion.score,
                    models=len(record.models),
                    crowned=not same,
                    skipped=_between(recorded, record.sync_block, skipped),
                    twice=record.round in twice,
                )
            )
    return found


def _between(recorded: Sequence[int], block: int, skipped: Sequence[int]) -> int:
    """How many were skipped since the sync block before that has a record."""
    place = bisect_left(recorded, block)
    before = recorded[place - 1] if place else block
    return bisect_left(skipped, block) - bisect_left(skipped, before)
