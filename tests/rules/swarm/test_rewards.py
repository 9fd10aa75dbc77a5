"""Pay: against a second implementation in whole numbers, and against everybody who wants more."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.rewards import (
    CHAIN_UNITS,
    HopClaim,
    PayLine,
    PayRule,
    WorkPlace,
    apportion,
    chain_shares,
    count_hops,
    pay_lines,
)
from tests.rules.swarm.paid_runs import (
    BLOCK,
    OWNER,
    Digests,
    Run,
    honest,
    hotkeys,
    lies,
    runs,
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
