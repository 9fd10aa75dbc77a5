"""What a validator has published about a round, and its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

from iotapretrain.competition.public_rounds import PublicRounds
from iotapretrain.competition.round_record import RoundRecord, SignedRound
from iotapretrain.competition.standing.opinions import Source
from iotapretrain.errors import InputError
from iotapretrain.hub.protocol import Hub

NEWEST = 3
"""Newest rounds, among which those are that the chain's weights may come from."""


@dataclass(frozen=True)
class Published:
    """A round's record, those before and after it, and the newest; None where there is none."""

    source: Source
    numbers: tuple[int, ...]
    signed: SignedRound
    before: SignedRound | None
    after: SignedRound | None
    newest_first: tuple[RoundRecord, ...]

    @property
    def is_newest(self) -> bool:
        """Only then can it be what the chain's weights are compared with."""
        return self.signed.record.round == self.numbers[-1]


def read_published(hub: Hub, source: Source, number: int | None) -> Published:
    """The record of a round, or of the newest, with what stands beside it."""
    rounds = PublicRounds(hub, source.repository)
    numbers = rounds.numbers()
    if not numbers:
        raise InputError(f"{source.repository}: holds no record of a round yet")
    if number is None:
        number = numbers[-1]
    if number not in numbers:
        raise InputError(
            f"round {number}: {source.repository} has no record of it;"
            f" there are {numbers[0]} to {numbers[-1]}"
        )

    def read(wanted: int) -> SignedRound | None:
        return rounds.read(wanted) if wanted in numbers else None

    return Published(
        source=source,
        numbers=tuple(numbers),
        signed=rounds.read(number),
        before=read(number - 1),
        after=read(number + 1),
        newest_first=tuple(rounds.read(each).record for each in numbers[: -NEWEST - 1 : -1]),
    )
