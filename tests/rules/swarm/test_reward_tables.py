"""Pay in tables: what one sample is worth, why, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.rewards import (
    NO_HOPS,
    HopClaim,
    IssuedRoute,
    MergeShare,
    PayRule,
    WorkPlace,
    chain_shares,
    count_hops,
    earnings,
    pay_lines,
)
from tests.rules.swarm.paid_runs import (
    BLOCK,
    HOTKEYS,
    OWNER,
    Run,
    honest,
    hotkeys,
    runs,
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
