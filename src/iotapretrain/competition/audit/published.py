"""What a validator has published about a round, and its neighbours."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from iotapretrain.chain.wallets import is_signature
from iotapretrain.competition.records.opinions import Source
from iotapretrain.competition.records.round_record import RoundRecord, SignedRound, is_sealed
from iotapretrain.competition.records.whole_history import WholeHistory
from iotapretrain.errors import InputError
from iotapretrain.rules.sampling import skipped_blocks


@dataclass(frozen=True)
class Published:
    """A round's record, and those before and after it; None where there is none."""

    source: Source
    rounds: WholeHistory
    numbers: tuple[int, ...]
    signed: SignedRound
    before: SignedRound | None
    after: SignedRound | None

    def in_force(self, block: int) -> list[RoundRecord]:
        """The signed rounds whose weights may have been set at a block, newest first.

        A round takes its time after its own block, and several may share one: whoever sets weights
        has those of the newest block, or of the last round before.
        """
        place = bisect_right(
            self.numbers, block, key=lambda each: self.rounds.read(each).record.block
        )
        found: list[SignedRound] = []
        for number in reversed(self.numbers[:place]):
            found.append(self.rounds.read(number))
            if found[-1].record.block != found[0].record.block:
                break
        return [signed.record for signed in found if is_sealed(signed, is_signature)]

    def unrecorded(self, since: int, until: int, cadence: int) -> list[int]:
        """Sync blocks without a record, between the first record and the newest sync block."""
        first = self.rounds.read(self.numbers[0]).record.sync_block
        recorded: set[int] = set()
        for number in reversed(self.numbers):
            record = self.rounds.read(number).record
            if record.block <= since:
                break
            recorded.add(record.sync_block)
        return skipped_blocks(recorded, max(since, first), until, cadence)


def read_published(source: Source, rounds: WholeHistory, number: int | None = None) -> Published:
    """The record of a round, or of the newest, with what stands beside it."""
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
        rounds=rounds,
        numbers=tuple(numbers),
        signed=rounds.read(number),
        before=read(number - 1),
        after=read(number + 1),
    )
