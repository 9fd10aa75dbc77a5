"""Pay follows verified work: from receipts to the chain's weights, in exact fractions.

Specification 10, with what it leaves open decided: a hop that its neighbours do not confirm pays
nobody, a hop told in two ways is none, blocks are the clock, work counts in full until it leaves
the window, a conviction forfeits all of it, and what caps, burns and absent hotkeys leave is
burned. A record is named by its digest in the log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple

from iotapretrain.errors import InputError

CHAIN_UNITS = 2**16 - 1
Digests = tuple[str, str, str, str]
"""Of what a hop received and sent, forward and then backward."""
VerifiedHops = tuple[int, frozenset[str]]
"""How many, and all records that verify them."""
NO_HOPS: VerifiedHops = (0, frozenset())
Status = Literal["paid", "forfeited", "unsettled", "outside_window"]


class WorkPlace(NamedTuple):
    """Where a miner worked: a stage, and one of its epochs."""

    stage: int
    epoch: int
    hotkey: str


@dataclass(frozen=True)
class IssuedRoute:
    """One sample's way, stage by stage."""

    places: tuple[WorkPlace, ...]
    record: str


@dataclass(frozen=True)
class HopClaim:
    """A miner's receipts for one hop, there and back."""

    route: str
    place: WorkPlace
    digests: Digests
    record: str


@dataclass(frozen=True)
class MergeShare:
    """A miner in a merge that closed at `block`, and its shards that were agreed on.

    Where all reduce all, as in a gathered merge, its shards are its hops, so that splitting a
    miner gains nothing. An excused change was left out for no fault of its own; settled is whom
    the beacon did not draw, or an audit passed.
    """

    block: int
    entry: Literal["entered", "excused", "left_out"]
    shards: int
    settled: bool
    record: str

    def __post_init__(self) -> None:
        if self.shards < 0:
            raise InputError(f"pay: {self.shards} shards in {self.record}; give 0 or more")


@dataclass(frozen=True)
class PayRule:
    """What a run pays for: FLOPs by stage, shares of a whole, the window in blocks."""

    flops: tuple[int, ...]
    allocation: Fraction = Fraction(1)
    burn: Fraction = Fraction(0)
    hotkey_cap: Fraction = Fraction(1, 10)
    coldkey_cap: Fraction = Fraction(1, 5)
    merge_work: Fraction = Fraction(1, 20)
    excused: Fraction = Fraction(1, 2)
    window: int = 3_000

    def __post_init__(self) -> None:
        caps = (self.hotkey_cap, self.coldkey_cap, self.merge_work, self.excused)
        shares = (self.allocation, self.burn, *caps)
        if not all(isinstance(each, Fraction) and 0 <= each <= 1 for each in shares):
            raise InputError(f"pay: shares {[*map(str, shares)]}; give fractions from 0 to 1")
        if min(self.flops, default=0) < 1 or self.window < 1:
            raise InputError("pay: no stages, or FLOPs or a window below 1; give 1 or more")

    def units(self, stage: int, hops: int, entry: str) -> Fraction:
        """What hops at a stage are worth; one is worth 1 where all stages cost the same."""
        if not 0 <= stage < len(self.flops):
            raise InputError(f"pay: work at stage {stage} of {len(self.flops)}")
        part = {"entered": Fraction(1), "excused": self.excused}.get(entry, Fraction(0))
        return part * hops * Fraction(len(self.flops) * self.flops[stage], sum(self.flops))


@dataclass(frozen=True)
class Earning:
    """What a miner's epoch comes to: units of its hops and of the merge, and the records behind.

    Units of the merge are a part of all units of the stage's epoch, by shards.
    """

    place: WorkPlace
    hops: int
    units: Fraction
    merge_units: Fraction
    status: Status
    records: tuple[str, ...]


@dataclass(frozen=True)
class PayLine:
    """A hotkey's pay: paid units, their share of the run's, that under the caps, and its weight."""

    hotkey: str
    earnings: tuple[Earning, ...]
    score: Fraction
    share: Fraction
    capped: Fraction
    weight: Fraction


def count_hops(
    rule: PayRule,
    routes: Mapping[str, IssuedRoute],
    claims: Iterable[HopClaim],
    cancelled: Collection[str] = (),
) -> dict[WorkPlace, VerifiedHops]:
    """By place its verified hops.

    A hop counts where it was issued, its miner tells one story of it, and so do its neighbours,
    the same of what went between them.
    """
    filed: dict[tuple[str, WorkPlace], set[HopClaim]] = defaultdict(set)
    for claim in claims:
        filed[claim.route, claim.place].add(claim)
    counts: dict[WorkPlace, int] = defaultdict(int)
    records: dict[WorkPlace, set[str]] = defaultdict(set)
    for name, route in sorted(routes.items()):
        if [place.stage for place in route.places] != [*range(len(rule.flops))]:
            raise InputError(f"pay: route {name} is not one place a stage, in order")
        hops = [filed[name, place] for place in route.places]
        told = [{claim.digests for claim in hop} for hop in hops]
        agreed = [True, *(_agree(*pair) for pair in pairwise(told)), True]
        for stage, place in enumerate(route.places):
            if all((name not in cancelled, len(told[stage]) == 1, *agreed[stage : stage + 2])):
                counts[place] += 1
                near = set[HopClaim]().union(*hops[max(stage - 1, 0) : stage + 2])
                records[place].update({route.record}, (claim.record for claim in near))
    return {place: (counts[place], frozenset(records[place])) for place in counts}


def earnings(
    rule: PayRule,
    hops: Mapping[WorkPlace, VerifiedHops],
    merges: Mapping[WorkPlace, MergeShare],
    convictions: Iterable[tuple[str, int, str]],
    block: int,
) -> list[Earning]:
    """What miners' epochs come to at a block; a conviction is a hotkey, a block and a record."""
    guilty: dict[str, set[str]] = defaultdict(set)
    for hotkey, at, record in convictions:
        if 0 <= block - at <= rule.window:
            guilty[hotkey].add(record)
    units: dict[WorkPlace, Fraction] = {}
    pools: dict[tuple[int, int], Fraction] = defaultdict(Fraction)
    shards: dict[tuple[int, int], int] = defaultdict(int)
    for place, merge in merges.items():
        units[place] = rule.units(place.stage, hops.get(place, NO_HOPS)[0], merge.entry)
        pools[place[:2]] += units[place] * rule.merge_work
        shards[place[:2]] += merge.shards

    def earning(place: WorkPlace, merge: MergeShare) -> Earning:
        merge_units = pools[place[:2]] * merge.shards / (shards[place[:2]] or 1)
        status: Status = "paid" if merge.settled else "unsettled"
        if not 0 <= block - merge.block <= rule.window:
            status = "outside_window"
        if place.hotkey in guilty:
            status = "forfeited"
        count, own = hops.get(place, NO_HOPS)
        records = tuple(sorted({merge.record, *guilty.get(place.hotkey, ()), *own}))
        return Earning(place, count, units[place], merge_units, status, records)

    return [earning(place, merges[place]) for place in sorted(merges)]


def pay_lines(
    rule: PayRule, earned: Iterable[Earning], coldkeys: Mapping[str, str]
) -> list[PayLine]:
    """Each hotkey's pay; `coldkeys` has the hotkeys that the subnet has now, with their owners."""
    own: dict[str, list[Earning]] = defaultdict(list)
    scores: dict[str, Fraction] = defaultdict(Fraction)
    for each in earned:
        own[each.place.hotkey].append(each)
        scores[each.place.hotkey] += (each.units + each.merge_units) * (each.status == "paid")
    total = sum(scores.values()) or 1
    under = {hotkey: min(score / total, rule.hotkey_cap) for hotkey, score in scores.items()}
    owned: dict[str, Fraction] = defaultdict(Fraction)
    for hotkey in coldkeys.keys() & under.keys():
        owned[coldkeys[hotkey]] += under[hotkey]
    lines = []
    for hotkey, score in sorted(scores.items()):
        held = owned[coldkeys[hotkey]] if hotkey in coldkeys else Fraction()
        capped = under[hotkey] * min(held, rule.coldkey_cap) / (held or 1)
        weight = capped * (1 - rule.burn) * rule.allocation
        lines.append(PayLine(hotkey, tuple(own[hotkey]), score, score / total, capped, weight))
    return lines


def chain_shares(
    runs: Iterable[tuple[PayRule, Iterable[PayLine]]], burn_to: str
) -> dict[str, Fraction]:
    """All runs' weights by hotkey; what is left of 1 is burned at the subnet owner's hotkey."""
    shares: dict[str, Fraction] = defaultdict(Fraction)
    allocated = Fraction()
    for rule, lines in runs:
        allocated += rule.allocation
        for line in lines:
            shares[line.hotkey] += line.weight
    if allocated > 1:
        raise InputError(f"pay: runs have {allocated} of the whole; give 1 or less")
    shares[burn_to] += 1 - sum(shares.values())
    return dict(shares)


def apportion(shares: Mapping[str, Fraction], units: int = CHAIN_UNITS) -> dict[str, int]:
    """Whole units by largest remainder, of equal ones the first hotkey's; all of them, always."""
    if sum(shares.values()) != 1 or min(shares.values()) < 0:
        raise InputError("pay: shares below 0 or not of sum 1; give them as `chain_shares` does")
    parts = {hotkey: int(share * units) for hotkey, share in sorted(shares.items())}
    left = sorted(parts, key=lambda hotkey: parts[hotkey] - shares[hotkey] * units)
    for hotkey in left[: units - sum(parts.values())]:
        parts[hotkey] += 1
    return parts


def _agree(earlier: Collection[Digests], later: Collection[Digests]) -> bool:
    """Whether two neighbours tell one story each, and the same of what went between them."""
    between = [{(sent, returned) for _, sent, returned, _ in earlier}]
    between += [{(received, back) for received, _, _, back in later}]
    return len(earlier) == len(later) == 1 and between[0] == between[1]
