"""Is it signed by whom it names, seeded by the chain, and one with all that was ever published?"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from iotapretrain.chain.wallets import is_signature
from iotapretrain.competition.audit.check import Check, Difference, Name, concluded, unequal
from iotapretrain.competition.records.opinions import RecordSource
from iotapretrain.competition.records.round_record import (
    RoundRecord,
    SignedRound,
    is_sealed,
    round_digest,
)
from iotapretrain.competition.records.whole_history import Trail, WholeHistory
from iotapretrain.errors import InputError
from iotapretrain.rules.sampling import skipped_blocks


@dataclass(frozen=True)
class PublishedRecords:
    """A round's record, and those before and after it; None where there is none."""

    source: RecordSource
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


def read_published(
    source: RecordSource, rounds: WholeHistory, number: int | None = None
) -> PublishedRecords:
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
    signed = rounds.read(number)
    before, after = (
        rounds.read(each) if each in numbers else None for each in (number - 1, number + 1)
    )
    return PublishedRecords(source, rounds, tuple(numbers), signed, before, after)


def check_seal(signed: SignedRound, validator: str, network: str, netuid: int) -> Check:
    """Digest and signature are the record's own, and it speaks of this validator and subnet."""
    record = signed.record
    found = unequal(
        Name.SIGNATURE,
        ("validator", record.validator, validator),
        ("network", record.network, network),
        ("netuid", str(record.netuid), str(netuid)),
        ("digest", signed.digest, round_digest(record).hex()),
    )
    if not found and not is_sealed(signed, is_signature):
        found.append(Difference(Name.SIGNATURE, f"round {record.round}", "signed", "not signed"))
    return concluded(Name.SIGNATURE, found, f"signed by {validator}, for this subnet")


def check_links(
    signed: SignedRound,
    before: SignedRound | None,
    after: SignedRound | None,
    numbers: Sequence[int],
) -> Check:
    """Every round is there, and this one stands between its neighbours."""
    found = list(_gaps(numbers))
    record = signed.record
    if record.round == 1 or before is not None:
        digest = None if before is None else round_digest(before.record).hex()
        found += unequal(Name.CHAIN, (_link(record), record.previous, digest))
    if after is not None:
        linked = (_link(after.record), after.record.previous, signed.digest)
        found += unequal(Name.CHAIN, linked)
    return concluded(Name.CHAIN, found, f"no round is missing among {len(numbers)}")


def check_seed(record: RoundRecord, sync_block: int, block_hash: str) -> Check:
    """The sync block is that of the round's block, and its hash that of the chain."""
    found = unequal(
        Name.SEED,
        ("sync block", str(record.sync_block), str(sync_block)),
        ("hash of the sync block", record.seed_hash, block_hash),
    )
    return concluded(Name.SEED, found, f"the hash of block {sync_block} is the chain's")


def check_history(trail: Trail, history: WholeHistory) -> Check:
    """Every repository that its commitments named, and every digest that they anchored."""
    found = [*_gone(trail, history), *_anchors(trail, history)]
    found += [
        Difference(Name.HISTORY, f"round {number} has two records", one, other)
        for number, one, other in history.doubles()
    ]
    anchors = sum(each.anchor is not None for each in trail.said)
    holds = f"{len(trail.repositories)} repositories and {anchors} anchors are one history"
    return concluded(Name.HISTORY, found, holds, trail.cut)


def _link(record: RoundRecord) -> str:
    return f"round {record.round}, digest of the round before"


def _gaps(numbers: Sequence[int]) -> Iterator[Difference]:
    for one, next_one in pairwise([0, *numbers]):
        if next_one != one + 1:
            item = f"round {one + 1}" + (f" to {next_one - 1}" if next_one > one + 2 else "")
            yield Difference(Name.CHAIN, item, "published", "missing")


def _gone(trail: Trail, history: WholeHistory) -> Iterator[Difference]:
    """A repository never used is no loss: whoever set weights, or anchored, had records there."""
    for repository in history.gone:
        named = [each for each in trail.said if each.repository == repository]
        if any(each.paid or each.anchor is not None for each in named):
            item = f"records in {repository}, committed at block {named[-1].block}"
            yield Difference(Name.HISTORY, item, "published", "gone")


def _anchors(trail: Trail, history: WholeHistory) -> Iterator[Difference]:
    for each in trail.said:
        if each.anchor is not None and not history.has(each.anchor):
            item = f"record anchored at block {each.block}"
            yield Difference(Name.HISTORY, item, each.anchor, "in no repository")
