"""The champion's loss over time, from a validator's public records: the paper's figure 2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iotapretrain.competition.public_rounds import PublicRounds
from iotapretrain.competition.round_record import RoundRecord
from iotapretrain.competition.standing.opinions import Source, is_of, model_record
from iotapretrain.hub.protocol import Hub


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


def rounds_of(
    hub: Hub, source: Source, network: str, netuid: int, competition: int, newest: int
) -> Iterator[RoundRecord]:
    """A validator's signed records of a competition among its newest so many, oldest first."""
    rounds = PublicRounds(hub, source.repository)
    for number in rounds.numbers()[-newest:]:
        signed = rounds.read(number)
        if signed.record.competition == competition and is_of(signed, source, network, netuid):
            yield signed.record


def reigns(records: Iterator[RoundRecord]) -> list[Reign]:
    """Round by round; a round without result, or whose champion has no score, leaves a gap."""
    found: list[Reign] = []
    for record in records:
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
                )
            )
    return found
