"""Is it signed by whom it names, for this subnet, and next in the validator's chain of records?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from iotapretrain.chain.wallets import is_signature
from iotapretrain.competition.audit.check import Check, Difference, Name, concluded
from iotapretrain.competition.records.round_record import SignedRound, is_sealed, round_digest


def check_seal(signed: SignedRound, validator: str, network: str, netuid: int) -> Check:
    """Digest and signature are the record's own, and it speaks of this validator and subnet."""
    record = signed.record
    named = (
        ("validator", record.validator, validator),
        ("network", record.network, network),
        ("netuid", str(record.netuid), str(netuid)),
        ("digest", signed.digest, round_digest(record).hex()),
    )
    found = [Difference(Name.SIGNATURE, *each) for each in named if each[1] != each[2]]
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
    pairs: list[tuple[str, str | None, str | None]] = []
    if record.round == 1 or before is not None:
        digest = None if before is None else round_digest(before.record).hex()
        pairs.append((f"round {record.round}", record.previous, digest))
    if after is not None:
        pairs.append((f"round {after.record.round}", after.record.previous, signed.digest))
    found += [
        Difference(Name.CHAIN, f"{item}, digest of the round before", said, is_)
        for item, said, is_ in pairs
        if said != is_
    ]
    return concluded(Name.CHAIN, found, f"no round is missing among {len(numbers)}")


def _gaps(numbers: Sequence[int]) -> Iterator[Difference]:
    for one, next_one in pairwise([0, *numbers]):
        if next_one != one + 1:
            item = f"round {one + 1}" + (f" to {next_one - 1}" if next_one > one + 2 else "")
            yield Difference(Name.CHAIN, item, "published", "missing")
