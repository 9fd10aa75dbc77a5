"""Pay: against a second implementation in whole numbers, and against everybody who wants more."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.rewards import (
    CHAIN_UNITS,
    NO_HOPS,
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


# --- the second implementation -------------------------------------------------------------------


def plain_hops(run: Run) -> dict[WorkPlace, int]:
    """Looks at every pair of neighbours for itself; no sets of claims, no agreements."""
    found: dict[WorkPlace, int] = {}

    def story(name: str, place: WorkPlace) -> Digests | None:
        told = [each.digests for each in run.claims if (each.route, each.place) == (name, place)]
        return told[0] if told and all(each == told[0] for each in told) else None

    for name, route in run.routes.items():
        stories = [story(name, place) for place in route.places]
        for stage, (mine, place) in enumerate(zip(stories, route.places, strict=True)):
            good = mine is not None and name not in run.cancelled
            if stage > 0:
                before = stories[stage - 1]
                good = good and before is not None
                good = good and (before[1], before[2]) == (mine[0], mine[3])
            if stage < 2:
                after = stories[stage + 1]
                good = good and after is not None
                good = good and (after[0], after[3]) == (mine[1], mine[2])
            found[place] = found.get(place, 0) + good
    return found


def plain_pay(run: Run) -> bytes:
    """Everything over one common denominator, so that no number is ever a fraction."""
    rule, hops = run.rule, plain_hops(run)
    teams = {(place.stage, place.epoch) for place in run.merges}
    delivered = {
        team: sum(each.shards for place, each in run.merges.items() if place[:2] == team) or 1
        for team in teams
    }
    whole = sum(rule.flops) * rule.excused.denominator * rule.merge_work.denominator
    whole *= math.lcm(*delivered.values())

    def units(place: WorkPlace) -> int:
        count = 3 * rule.flops[place.stage] * hops.get(place, 0) * (whole // sum(rule.flops))
        if run.merges[place].entry == "left_out":
            return 0
        if run.merges[place].entry == "entered":
            return count
        return count * rule.excused.numerator // rule.excused.denominator

    guilty = {hotkey for hotkey, at, _ in run.convictions if BLOCK - rule.window <= at <= BLOCK}
    scores = {place.hotkey: 0 for place in run.merges}
    for place, merge in run.merges.items():
        team = [units(other) for other in run.merges if other[:2] == place[:2]]
        bonus = sum(team) * merge.shards * rule.merge_work.numerator
        over = rule.merge_work.denominator * delivered[place[:2]]
        assert bonus % over == 0
        on_time = BLOCK - rule.window <= merge.block <= BLOCK
        if merge.settled and on_time and place.hotkey not in guilty:
            scores[place.hotkey] += units(place) + bonus // over
    total = sum(scores.values()) or 1
    cap, cap_of = rule.hotkey_cap.as_integer_ratio()
    under = {
        hotkey: min(score * cap_of, cap * total) for hotkey, score in scores.items()
    }  # of total x cap_of
    capped: dict[str, tuple[int, int]] = {}
    for hotkey, mine in under.items():
        owner = run.coldkeys.get(hotkey)
        family = sum(each for other, each in under.items() if run.coldkeys.get(other) == owner)
        top, of = rule.coldkey_cap.as_integer_ratio()
        if owner is None or family == 0:
            capped[hotkey] = (0, 1)
        elif family * of > top * total * cap_of:
            capped[hotkey] = (mine * top, family * of)
        else:
            capped[hotkey] = (mine, total * cap_of)
    keep, of = ((1 - rule.burn) * rule.allocation).as_integer_ratio()
    weights = {hotkey: (n * keep, d * of) for hotkey, (n, d) in capped.items()}
    common = math.lcm(*(d for _, d in weights.values()))
    scaled = {hotkey: n * (common // d) for hotkey, (n, d) in weights.items()}
    scaled[OWNER] = common - sum(scaled.values())
    parts = {hotkey: each * CHAIN_UNITS // common for hotkey, each in scaled.items()}
    rest = sorted((-(each * CHAIN_UNITS % common), hotkey) for hotkey, each in scaled.items())
    for _, hotkey in rest[: CHAIN_UNITS - sum(parts.values())]:
        parts[hotkey] += 1

    def text(n: int, d: int) -> str:
        return f"{n // math.gcd(n, d)}/{d // math.gcd(n, d)}"

    table = {
        hotkey: [text(scores[hotkey], whole), text(scores[hotkey], total), *weights_of]
        for hotkey in scores
        for weights_of in [[text(*capped[hotkey]), text(*weights[hotkey])]]
    }
    return json.dumps([table, parts], sort_keys=True).encode()


def paid_bytes(run: Run) -> bytes:
    def text(number: Fraction) -> str:
        return f"{number.numerator}/{number.denominator}"

    table = {
        line.hotkey: [*map(text, (line.score, line.share, line.capped, line.weight))]
        for line in run.lines()
    }
    return json.dumps([table, run.chain()], sort_keys=True).encode()


@given(runs())
def test_a_second_implementation_pays_the_same_byte_for_byte(run: Run) -> None:
    assert paid_bytes(run) == plain_pay(run)


@settings(max_examples=40)
@given(runs())
def test_hops_are_counted_as_by_looking_at_every_pair(run: Run) -> None:
    counted = {
        place: count
        for place, (count, _) in count_hops(run.rule, run.routes, run.claims, run.cancelled).items()
    }
    assert counted == {place: count for place, count in plain_hops(run).items() if count}


# --- to the last unit ----------------------------------------------------------------------------


@given(runs())
def test_weights_and_burn_are_the_whole(run: Run) -> None:
    whole = chain_shares([(run.rule, run.lines())], OWNER)
    assert sum(whole.values()) == 1
    paid = sum(line.weight for line in run.lines())
    assert paid <= run.rule.allocation * (1 - run.rule.burn)
    assert whole[OWNER] == 1 - paid
    chain = apportion(whole)
    assert sum(chain.values()) == CHAIN_UNITS
    assert chain.keys() == whole.keys()


amounts = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 40), min_size=1)


@given(amounts.filter(lambda each: sum(each.values()) > 0), st.integers(0, 10**12))
def test_units_are_within_one_of_exact_and_favour_the_largest_remainders(
    drawn: dict[str, int], units: int
) -> None:
    exact = {name: Fraction(each, sum(drawn.values())) for name, each in drawn.items()}
    parts = apportion(exact, units)
    assert sum(parts.values()) == units
    remainders = {name: exact[name] * units - parts[name] for name in exact}
    assert all(-1 < each < 1 for each in remainders.values())
    raised = [exact[name] * units % 1 for name, each in remainders.items() if each < 0]
    lowered = [each for each in remainders.values() if each >= 0]
    assert not raised or min(raised) >= max(lowered, default=Fraction(0))


def test_equal_remainders_go_by_hotkey() -> None:
    thirds = {hotkey: Fraction(1, 3) for hotkey in ("c", "a", "b")}
    assert apportion(thirds, 2) == {"a": 1, "b": 1, "c": 0}
    assert apportion(thirds, 4) == {"a": 2, "b": 1, "c": 1}


@pytest.mark.parametrize(
    "wrong", [{}, {"a": Fraction(1, 2)}, {"a": Fraction(2), "b": Fraction(-1)}]
)
def test_shares_that_are_no_whole_are_refused(wrong: dict[str, Fraction]) -> None:
    with pytest.raises(InputError, match="sum 1"):
        apportion(wrong)


@settings(max_examples=40)
@given(st.lists(runs(), max_size=3))
def test_runs_share_the_chain(several: list[Run]) -> None:
    paid = [(run.rule, run.lines()) for run in several]
    if sum(run.rule.allocation for run in several) > 1:
        with pytest.raises(InputError, match="of the whole"):
            chain_shares(paid, OWNER)
        return
    whole = chain_shares(paid, OWNER)
    assert sum(whole.values()) == 1
    assert min(whole.values()) >= 0
    for hotkey in whole.keys() - {OWNER}:
        each = [line.weight for _, lines in paid for line in lines if line.hotkey == hotkey]
        assert whole[hotkey] == sum(each)


def test_no_run_and_no_work_burn_all() -> None:
    assert chain_shares([], OWNER) == {OWNER: 1}
    nothing = pay_lines(PayRule((1,)), [], {})
    assert apportion(chain_shares([(PayRule((1,)), nothing)], OWNER)) == {OWNER: CHAIN_UNITS}


# --- nobody gains --------------------------------------------------------------------------------


@settings(max_examples=40)
@given(runs(), st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(run: Run, order: random.Random) -> None:
    def shuffled(items: list) -> list:
        return order.sample(items, len(items))

    other = Run(
        run.rule,
        dict(shuffled([*run.routes.items()])),
        tuple(shuffled([*run.claims])),
        run.cancelled,
        dict(shuffled([*run.merges.items()])),
        tuple(shuffled([*run.convictions])),
        dict(shuffled([*run.coldkeys.items()])),
    )
    assert other.lines() == run.lines()
    assert [*other.chain().items()] == [*run.chain().items()]


@given(runs(), st.lists(lies, min_size=1, max_size=6), hotkeys)
def test_nobody_gains_by_more_claims_than_were_verified(
    run: Run, extra: list[HopClaim], liar: str
) -> None:
    """Whatever one adds in its own name to the truth, or tells instead: it is paid no more."""
    true = {each for name, route in run.routes.items() for each in honest(name, route)}
    others = tuple(each for each in run.claims if each.place.hotkey != liar)
    told = tuple(each for each in true if each.place.hotkey == liar)
    lied = tuple(replace(each, place=each.place._replace(hotkey=liar)) for each in extra)

    def units(claims: tuple[HopClaim, ...]) -> Fraction:
        earned = replace(run, claims=claims).earned()
        return sum((each.units for each in earned if each.place.hotkey == liar), Fraction())

    assert units(others + told + lied) <= units(others + told)
    assert units(others + lied) <= units(others + told)


@settings(max_examples=40)
@given(runs())
def test_no_more_hops_are_paid_than_were_issued(run: Run) -> None:
    issued = [place for name, route in run.routes.items() for place in route.places]
    for each in run.earned():
        assert each.hops <= issued.count(each.place)


@given(runs(), hotkeys, st.integers(2, 5), st.data())
def test_nobody_gains_by_splitting_under_one_coldkey(
    run: Run, hotkey: str, count: int, data: st.DataObject
) -> None:
    """The same verified work under many hotkeys: never above the coldkey's cap nor its true share,
    and not one rao more where the cap of a hotkey did not bind before.
    """
    owner = run.coldkeys.get(hotkey)
    assume(owner is not None)
    names = [f"{hotkey}-{number}" for number in range(count)]
    before, coldkeys = run.earned(), {**run.coldkeys, **dict.fromkeys(names, owner)}
    after = [
        replace(each, place=each.place._replace(hotkey=data.draw(st.sampled_from(names))))
        if each.place.hotkey == hotkey
        else each
        for each in before
    ]

    def owned(lines: list[PayLine]) -> list[PayLine]:
        return [line for line in lines if coldkeys.get(line.hotkey) == owner]

    def rest(lines: list[PayLine]) -> dict[str, Fraction]:
        return {line.hotkey: line.weight for line in lines if coldkeys.get(line.hotkey) != owner}

    whole, split = pay_lines(run.rule, before, coldkeys), pay_lines(run.rule, after, coldkeys)
    gained = sum(line.capped for line in owned(split))
    assert gained <= min(run.rule.coldkey_cap, sum(line.share for line in owned(whole)))
    if all(line.share <= run.rule.hotkey_cap for line in owned(whole)):
        assert gained == sum(line.capped for line in owned(whole))
    assert rest(whole) == rest(split)


@settings(max_examples=40)
@given(runs())
def test_caps_hold(run: Run) -> None:
    keep = run.rule.allocation * (1 - run.rule.burn)
    families: dict[str, Fraction] = {}
    for line in run.lines():
        assert line.weight == line.capped * keep
        assert line.capped <= min(line.share, run.rule.hotkey_cap)
        assert line.hotkey in run.coldkeys or line.weight == 0
        owner = run.coldkeys.get(line.hotkey, "")
        families[owner] = families.get(owner, Fraction()) + line.capped
    assert all(each <= run.rule.coldkey_cap for each in families.values())


@settings(max_examples=40)
@given(runs(), hotkeys)
def test_a_conviction_forfeits_the_window_and_nothing_outside_it(run: Run, hotkey: str) -> None:
    free = replace(run, convictions=())
    for at, guilty in [
        (BLOCK - run.rule.window - 1, False),
        (BLOCK - run.rule.window, True),
        (BLOCK, True),
        (BLOCK + 1, False),
    ]:
        for each in replace(free, convictions=((hotkey, at, "c"),)).lines():
            if guilty and each.hotkey == hotkey:
                assert each.score == 0
                assert all("c" in earned.records for earned in each.earnings)
            else:
                assert each.score == next(
                    line.score for line in free.lines() if line.hotkey == each.hotkey
                )


# --- tables --------------------------------------------------------------------------------------

ROUTE = IssuedRoute((WorkPlace(0, 4, "h0"), WorkPlace(1, 9, "h1"), WorkPlace(2, 2, "h2")), "issued")
ENTERED = MergeShare(BLOCK, "entered", 0, True, "merge")
OPEN = {"hotkey_cap": Fraction(1), "coldkey_cap": Fraction(1), "merge_work": Fraction(0)}
ALL = dict(zip(HOTKEYS, "ABCDEF", strict=True))


def one_sample(**changes: object) -> Run:
    run = Run(
        PayRule((1, 1, 1), **OPEN),
        {"a": ROUTE},
        tuple(honest("a", ROUTE)),
        (),
        dict.fromkeys(ROUTE.places, ENTERED),
        (),
        ALL,
    )
    return replace(run, **changes)


def scores(run: Run) -> list[Fraction]:
    return [line.score for line in run.lines()]


@pytest.mark.parametrize(
    ("flops", "units"),
    [((1, 1, 1), ["1", "1", "1"]), ((2, 1, 1), ["3/2", "3/4", "3/4"]), ((7, 7, 7), [1, 1, 1])],
)
def test_a_hop_is_worth_its_stages_part_of_the_model(flops: tuple, units: list[str]) -> None:
    assert scores(one_sample(rule=PayRule(flops, **OPEN))) == [*map(Fraction, units)]


def tampered(stage: int, part: int) -> tuple[HopClaim, ...]:
    claims = [*honest("a", ROUTE)]
    digests = [*claims[stage].digests]
    digests[part] = "another"
    claims[stage] = replace(claims[stage], digests=tuple(digests))
    return tuple(claims)


@pytest.mark.parametrize(
    ("stage", "part", "paid"),
    [
        (0, 0, [1, 1, 1]),  # its tokens: only a replay tells
        (0, 1, [0, 0, 1]),
        (0, 2, [0, 0, 1]),
        (0, 3, [1, 1, 1]),  # the head's gradient goes nowhere
        (1, 0, [0, 0, 1]),
        (1, 1, [1, 0, 0]),
        (1, 2, [1, 0, 0]),
        (1, 3, [0, 0, 1]),
        (2, 0, [1, 0, 0]),
        (2, 1, [1, 1, 1]),
        (2, 2, [1, 1, 1]),
        (2, 3, [1, 0, 0]),
    ],
)
def test_what_two_neighbours_say_differently_pays_neither(
    stage: int, part: int, paid: list[int]
) -> None:
    assert scores(one_sample(claims=tampered(stage, part))) == paid


@pytest.mark.parametrize("stage", range(3))
def test_a_hop_told_in_two_ways_or_not_at_all_pays_neither_it_nor_its_neighbours(
    stage: int,
) -> None:
    whole = tuple(honest("a", ROUTE))
    paid = [0 if abs(stage - other) <= 1 else 1 for other in range(3)]
    assert scores(one_sample(claims=whole + tampered(stage, 0))) == paid
    without = tuple(each for each in whole if each.place.stage != stage)
    assert scores(one_sample(claims=without)) == paid
    assert scores(one_sample(claims=whole + whole)) == [1, 1, 1]


def test_a_stage_without_neighbours_is_paid_for_one_story_only() -> None:
    place = WorkPlace(0, 0, "h0")
    claim = HopClaim("a", place, ("tokens", "end", "loss", "start"), "filed")
    for claims, paid in [((), 0), ((claim,), 1), ((claim, replace(claim, digests="    ")), 0)]:
        alone = count_hops(PayRule((1,)), {"a": IssuedRoute((place,), "issued")}, claims)
        assert alone.get(place, NO_HOPS)[0] == paid


def test_work_of_another_stage_epoch_miner_or_cancelled_route_is_not_paid() -> None:
    whole = tuple(honest("a", ROUTE))
    for change in ({"stage": 1}, {"epoch": 5}, {"hotkey": "h5"}):
        moved = replace(whole[0], place=whole[0].place._replace(**change))
        assert scores(one_sample(claims=(moved, *whole[1:]))) == [0, 0, 1]
    assert scores(one_sample(cancelled=("a",))) == [0, 0, 0]
    assert scores(one_sample(cancelled=("b",))) == [1, 1, 1]


@pytest.mark.parametrize(
    ("change", "score", "status"),
    [
        ({}, 1, "paid"),
        ({"entry": "excused"}, Fraction(1, 2), "paid"),
        ({"entry": "left_out"}, 0, "paid"),
        ({"settled": False}, 0, "unsettled"),
        ({"block": BLOCK - 3_000}, 1, "paid"),
        ({"block": BLOCK - 3_001}, 0, "outside_window"),
        ({"block": BLOCK + 1}, 0, "outside_window"),
    ],
)
def test_an_epoch_is_paid_as_its_merge_and_its_audit_say(
    change: dict, score: Fraction, status: str
) -> None:
    place = ROUTE.places[0]
    run = one_sample()
    run.merges[place] = replace(ENTERED, **change)
    first = run.lines()[0]
    assert (first.score, first.earnings[0].status) == (score, status)


def test_an_epoch_that_has_not_merged_is_not_paid_yet() -> None:
    run = one_sample(merges={ROUTE.places[0]: ENTERED})
    assert [line.hotkey for line in run.lines()] == ["h0"]


def test_merge_work_is_a_twentieth_of_the_epochs_units_by_shards() -> None:
    first, second = WorkPlace(0, 0, "h0"), WorkPlace(0, 0, "h1")
    hops = {first: (30, frozenset({"r"})), second: (10, frozenset({"r"}))}
    merges = {
        first: replace(ENTERED, shards=1),
        second: replace(ENTERED, shards=3),
        WorkPlace(1, 0, "h2"): replace(ENTERED, shards=5),
    }
    found = earnings(PayRule((1, 1)), hops, merges, (), BLOCK)
    assert [(each.units, each.merge_units) for each in found] == [
        (30, Fraction(1, 2)),
        (10, Fraction(3, 2)),
        (0, 0),
    ]


def test_what_caps_take_is_burned() -> None:
    rule = PayRule((1, 1, 1))
    coldkeys = {"h0": "A", "h1": "A", "h2": "A"}
    assert chain_shares([(rule, one_sample().lines())], OWNER)["h0"] == Fraction(1, 3)
    lines = pay_lines(rule, one_sample().earned(), ALL)
    assert [line.weight for line in lines] == [Fraction(1, 10)] * 3
    lines = pay_lines(rule, one_sample().earned(), coldkeys)
    assert [line.weight for line in lines] == [Fraction(1, 15)] * 3
    assert chain_shares([(rule, lines)], OWNER)[OWNER] == Fraction(4, 5)


def test_pay_of_a_hotkey_that_has_left_the_subnet_is_burned_not_shared_out() -> None:
    without = {hotkey: owner for hotkey, owner in ALL.items() if hotkey != "h1"}
    lines = one_sample(coldkeys=without).lines()
    assert [line.weight for line in lines] == [Fraction(1, 3), 0, Fraction(1, 3)]


def test_an_owner_that_mines_has_both() -> None:
    lines = one_sample().lines()
    rule = PayRule((1, 1, 1), burn=Fraction(1, 4), **OPEN)
    lines = pay_lines(rule, one_sample().earned(), ALL)
    assert chain_shares([(rule, lines)], "h0")["h0"] == Fraction(1, 2)


# --- explained -----------------------------------------------------------------------------------


@settings(max_examples=40)
@given(runs())
def test_the_explanation_makes_each_number_again(run: Run) -> None:
    lines = run.lines()
    total = sum(line.score for line in lines)
    for line in lines:
        paid = [each for each in line.earnings if each.status == "paid"]
        assert line.score == sum(each.units + each.merge_units for each in paid)
        assert line.share * total == line.score
        assert line.weight == line.capped * (1 - run.rule.burn) * run.rule.allocation
    assert {each.place for line in lines for each in line.earnings} == run.merges.keys()


@settings(max_examples=40)
@given(runs(), hotkeys)
def test_the_records_named_are_enough_to_count_the_hops(run: Run, hotkey: str) -> None:
    """A log of nothing but the records that an explanation names gives the same hops."""
    own = [each for each in run.earned() if each.place.hotkey == hotkey]
    named = {record for each in own for record in each.records}
    routes = {name: route for name, route in run.routes.items() if route.record in named}
    claims = tuple(each for each in run.claims if each.record in named)
    again = count_hops(run.rule, routes, claims, run.cancelled)
    for each in own:
        assert again.get(each.place, NO_HOPS)[0] >= each.hops
        assert run.merges[each.place].record in each.records


def test_records_of_an_honest_hop_are_the_route_both_neighbours_and_the_merge() -> None:
    middle = one_sample().earned()[1]
    receipts = {f"filed-a-{stage}" for stage in range(3)}
    assert set(middle.records) == {"issued", "merge", *receipts}
    assert one_sample().earned()[0].records == ("filed-a-0", "filed-a-1", "issued", "merge")


# --- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"allocation": Fraction(3, 2)},
        {"burn": Fraction(-1, 2)},
        {"hotkey_cap": 0.1},
        {"coldkey_cap": float("nan")},
        {"merge_work": 1},
        {"excused": Fraction(2)},
    ],
)
def test_shares_that_are_no_fractions_of_a_whole_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError, match="fractions from 0 to 1"):
        PayRule((1,), **wrong)


@pytest.mark.parametrize("wrong", [{"flops": ()}, {"flops": (1, 0)}, {"window": 0}])
def test_a_run_without_stages_or_window_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError, match="1 or more"):
        PayRule(**{"flops": (1,), **wrong})


def test_shards_below_zero_are_refused() -> None:
    with pytest.raises(InputError, match="0 or more"):
        replace(ENTERED, shards=-1)


@pytest.mark.parametrize(
    "places", [ROUTE.places[:1], ROUTE.places[::-1], (*ROUTE.places, WorkPlace(3, 0, "h3")), ()]
)
def test_a_route_that_leaves_out_those_who_would_confirm_is_refused(places: tuple) -> None:
    with pytest.raises(InputError, match="one place a stage"):
        one_sample(routes={"a": replace(ROUTE, places=places)}).lines()


@pytest.mark.parametrize("stage", [-1, 3])
def test_work_at_no_stage_is_refused(stage: int) -> None:
    with pytest.raises(InputError, match=f"stage {stage} of 3"):
        one_sample(merges={WorkPlace(stage, 0, "h0"): ENTERED}).lines()
