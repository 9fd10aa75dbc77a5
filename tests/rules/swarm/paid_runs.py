"""Runs to be paid: drawn, and one by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from hypothesis import strategies as st

from iotapretrain.rules.swarm.rewards import (
    Earning,
    HopClaim,
    IssuedRoute,
    MergeShare,
    PayLine,
    PayRule,
    WorkPlace,
    apportion,
    chain_shares,
    count_hops,
    earnings,
    pay_lines,
)

BLOCK = 10_000
OWNER = "owner"
HOTKEYS = ("h0", "h1", "h2", "h3", "h4", "h5")
Digests = tuple[str, str, str, str]


@dataclass(frozen=True)
class Run:
    """All that pay is made from."""

    rule: PayRule
    routes: dict[str, IssuedRoute]
    claims: tuple[HopClaim, ...]
    cancelled: tuple[str, ...]
    merges: dict[WorkPlace, MergeShare]
    convictions: tuple[tuple[str, int, str], ...]
    coldkeys: dict[str, str]

    def earned(self) -> list[Earning]:
        hops = count_hops(self.rule, self.routes, self.claims, self.cancelled)
        return earnings(self.rule, hops, self.merges, self.convictions, BLOCK)

    def lines(self) -> list[PayLine]:
        return pay_lines(self.rule, self.earned(), self.coldkeys)

    def chain(self) -> dict[str, int]:
        return apportion(chain_shares([(self.rule, self.lines())], OWNER))


def honest(name: str, route: IssuedRoute) -> Iterator[HopClaim]:
    """What miners file who all do what they are asked."""
    last = len(route.places) - 1
    for stage, place in enumerate(route.places):
        received = f"{name}:f{stage}" if stage else "tokens"
        returned = f"{name}:b{stage + 1}" if stage < last else "loss"
        digests = (received, f"{name}:f{stage + 1}", returned, f"{name}:b{stage}")
        yield HopClaim(name, place, digests, f"filed-{name}-{stage}")


# --- drawing runs --------------------------------------------------------------------------------


def parts(*texts: str) -> st.SearchStrategy[Fraction]:
    return st.sampled_from([Fraction(each) for each in texts])


caps = parts("1", "1/3", "2/5", "1/7", "1/12", "0")
rules = st.builds(
    PayRule,
    flops=st.tuples(*[st.sampled_from([5, 7, 11])] * 3),
    allocation=parts("1", "2/5", "1/3", "0"),
    burn=parts("0", "1/7", "9/10", "1"),
    hotkey_cap=caps,
    coldkey_cap=caps,
    merge_work=parts("1/20", "0", "2/3", "1"),
    excused=parts("1/2", "0", "3/7", "1"),
    window=st.sampled_from([3_000, 100, 1]),
)
stages = st.integers(0, 2)
epochs = st.integers(0, 1)
hotkeys = st.sampled_from(HOTKEYS)
places = st.builds(WorkPlace, stages, epochs, hotkeys)
routes = st.tuples(
    *[st.builds(WorkPlace, st.just(stage), epochs, hotkeys) for stage in range(3)]
).flatmap(lambda way: st.builds(IssuedRoute, st.just(way), st.sampled_from(["r1", "r2", "r3"])))
digests = st.sampled_from(["tokens", "a:f1", "a:f2", "a:b1", "b:f1", "b:b2", "loss", "x"])
lies = st.builds(
    HopClaim,
    st.sampled_from("abcdef"),
    places,
    st.tuples(digests, digests, digests, digests),
    st.sampled_from(["lie-1", "lie-2"]),
)
merges = st.builds(
    MergeShare,
    block=st.sampled_from([BLOCK, BLOCK - 1, BLOCK - 100, BLOCK - 3_000, BLOCK - 3_001, BLOCK + 1]),
    entry=st.sampled_from(["entered", "entered", "excused", "left_out"]),
    shards=st.integers(0, 6),
    settled=st.sampled_from([True, True, False]),
    record=st.sampled_from(["m1", "m2"]),
)
convicted = st.tuples(
    hotkeys, st.sampled_from([BLOCK - 3_001, BLOCK - 3_000, BLOCK - 1, BLOCK + 1]), st.just("c")
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    issued = dict(zip("abcdef", draw(st.lists(routes, min_size=1, max_size=6)), strict=False))
    told = [claim for name, route in issued.items() for claim in honest(name, route)]
    numbers = st.sets(st.integers(0, 17), max_size=3)
    dropped, doubled = draw(numbers), draw(numbers)
    kept = [claim for number, claim in enumerate(told) if number not in dropped]
    again = [replace(each, record="again") for n, each in enumerate(told) if n in doubled]
    worked = {place for route in issued.values() for place in route.places}
    return Run(
        draw(rules),
        issued,
        (*kept, *again, *draw(st.lists(lies, max_size=3))),
        tuple(draw(st.sets(st.sampled_from("abcdef"), max_size=1))),
        {place: draw(merges) for place in sorted(worked | draw(st.sets(places, max_size=2)))},
        tuple(draw(st.lists(convicted, max_size=1))),
        draw(st.dictionaries(st.sampled_from(HOTKEYS[:5]), st.sampled_from("ABC"), min_size=4)),
    )
