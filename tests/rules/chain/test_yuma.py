"""One epoch: the same as a plain reading of the specification, and the invariants it promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.plain import yuma as plain
from bench.yuma import drawn, same, taken
from iotapretrain.errors import InputError
from iotapretrain.rules.chain.fixed_point import real
from iotapretrain.rules.chain.yuma import EpochOutcome, epoch
from tests.rules.subnets import subnets

COLUMNS = (
    "stake_weight",
    "active",
    "consensus",
    "incentive",
    "dividends",
    "validator_trust",
    "validator_permit",
    "emission",
    "server_emission",
    "validator_emission",
)


def run(subnet: plain.Subnet) -> EpochOutcome:
    return epoch(*taken(subnet))


def outputs(outcome: EpochOutcome) -> dict[str, Any]:
    columns = {name: getattr(outcome, name).tolist() for name in COLUMNS}
    return {**columns, "bonds": outcome.bonds.to_pairs()}


def agreeing(**changes: Any) -> plain.Subnet:
    """Section 18: four validators of stakes 1 to 4 with the same row."""
    row = [(4, 16383), (5, 32767), (6, 49149), (7, 65535)]
    return plain.Subnet(
        **{
            "block": 2,
            "stake": [1, 2, 3, 4, 0, 0, 0, 0],
            "permit": [True] * 4 + [False] * 4,
            "last_update": [2, 2, 2, 2, 1, 1, 1, 1],
            "registered": [1] * 8,
            "weights": [row] * 4 + [[]] * 4,
            "bonds": [[]] * 8,
            "emission": 10**9,
            "tempo": 1,
            "activity_cutoff": 13,
            "max_allowed_validators": 8,
            **changes,
        }
    )


@settings(max_examples=250)
@given(subnets())
def test_every_output_is_that_of_the_plain_reading(subnet: plain.Subnet) -> None:
    outcome, theirs = run(subnet), plain.epoch(subnet)
    assert same(outcome, theirs)
    trace, size = outcome.trace, len(subnet.stake)
    assert trace.stake.tolist() == theirs["stake"]
    assert trace.active_stake.tolist() == theirs["active_stake"]
    assert trace.rank.tolist() == theirs["rank"]
    for ours, name in (
        (trace.weights, "weights"),
        (trace.clipped_weights, "clipped_weights"),
        (trace.bonds, "ema_bonds"),
    ):
        whole = np.zeros((size, size), np.int64)
        whole[trace.rows] = ours
        assert whole.tolist() == [[value or 0 for value in row] for row in theirs[name]]


@pytest.mark.parametrize(
    ("yuma3", "liquid", "penalty"), [(False, False, 65535), (True, False, 0), (True, True, 32767)]
)
def test_a_large_subnet_is_read_alike(yuma3: bool, liquid: bool, penalty: int) -> None:
    subnet = replace(drawn(160), yuma3=yuma3, liquid_alpha=liquid, bonds_penalty_u16=penalty)
    assert same(run(subnet), plain.epoch(subnet))


@given(subnets())
def test_emission_is_conserved_to_the_rao(subnet: plain.Subnet) -> None:
    outcome = run(subnet)
    paid = outcome.server_emission.astype(object) + outcome.validator_emission.astype(object)
    for given_out in (paid, outcome.emission.astype(object)):
        assert 0 <= sum(given_out) <= subnet.emission
    rounded = 2 * len(subnet.stake) * (1 + subnet.emission // 2**31)
    if any(plain.normalised_stake(subnet)):
        assert sum(paid) >= subnet.emission - rounded


@given(subnets(), st.randoms(use_true_random=False))
def test_a_permutation_of_uids_permutes_the_results(subnet: plain.Subnet, rng: Any) -> None:
    size = len(subnet.stake)
    subnet = replace(subnet, max_allowed_validators=size + 1)
    new_uid = list(range(size))
    rng.shuffle(new_uid)

    def moved(values: list[Any]) -> list[Any]:
        result = list(values)
        for uid, value in enumerate(values):
            result[new_uid[uid]] = value
        return result

    def rows(listed: list[list[tuple[int, int]]]) -> list[list[tuple[int, int]]]:
        return moved([sorted((new_uid[j], value) for j, value in row) for row in listed])

    owner = subnet.owner_uid
    other = replace(
        subnet,
        **{
            name: moved(getattr(subnet, name))
            for name in ("stake", "permit", "last_update", "registered", "commit_block")
        },
        weights=rows(subnet.weights),
        bonds=rows(subnet.bonds),
        owner_uid=None if owner is None else new_uid[owner],
    )
    before, after = outputs(run(subnet)), outputs(run(other))
    assert after.pop("bonds") == rows(before.pop("bonds"))
    assert after == {name: moved(values) for name, values in before.items()}


@given(subnets(), st.data())
def test_scaling_a_row_of_weights_changes_nothing(
    subnet: plain.Subnet, data: st.DataObject
) -> None:
    uid = data.draw(st.integers(0, len(subnet.stake) - 1))
    factor = data.draw(st.integers(2, 9))
    small = [(j, value // 9) for j, value in subnet.weights[uid]]
    weights = [*subnet.weights]
    weights[uid] = small
    scaled = [*subnet.weights]
    scaled[uid] = [(j, value * factor) for j, value in small]
    assert outputs(run(replace(subnet, weights=weights))) == outputs(
        run(replace(subnet, weights=scaled))
    )


@given(subnets(), st.integers(1, 3))
def test_newcomers_without_stake_change_nothing_for_others(subnet: plain.Subnet, more: int) -> None:
    size = len(subnet.stake)
    joined = replace(
        subnet,
        stake=subnet.stake + [0] * more,
        permit=subnet.permit + [False] * more,
        last_update=subnet.last_update + [subnet.block] * more,
        registered=subnet.registered + [subnet.block] * more,
        commit_block=subnet.commit_block + [None] * more,
        weights=subnet.weights + [[]] * more,
        bonds=subnet.bonds + [[]] * more,
    )
    before, after = outputs(run(subnet)), outputs(run(joined))
    assert {name: values[:size] for name, values in after.items()} == before
    assert not any(after["emission"][size:])


@given(subnets())
def test_a_minority_cannot_lift_a_miner(subnet: plain.Subnet) -> None:
    """What less than kappa of the active stake supports earns nothing."""
    trace = run(subnet).trace
    assume(trace.active_stake.any() and subnet.kappa_u16 > 0)
    support = (trace.weights > 0) * trace.active_stake[trace.rows, None]
    unsupported = support.sum(axis=0) + len(subnet.stake) < subnet.kappa_u16 * 2**32 // 65535
    holders = trace.active_stake.sum() - support.sum(axis=0)
    assert not trace.incentive[unsupported & (holders > 0)].any()


def test_the_worked_example() -> None:
    outcome = run(agreeing())
    trace = outcome.trace
    assert trace.rows.tolist() == [0, 1, 2, 3]
    close = {"abs": 6e-11, "rel": 0}
    assert real(trace.stake[:4]) == pytest.approx(
        [0.0999999999, 0.2, 0.2999999998, 0.3999999999], **close
    )
    assert real(trace.weights[0, 4:]) == pytest.approx(
        [0.0999975584, 0.2000012207, 0.2999926754, 0.400008545], **close
    )
    assert real(trace.validator_trust[:4]) == pytest.approx([0.9999999995] * 4, **close)
    assert outcome.validator_trust[:4].tolist() == [65534] * 4
    assert real(trace.incentive[4:]) == pytest.approx(
        [0.0999975582, 0.2000012207, 0.2999926752, 0.4000085455], **close
    )
    assert outcome.incentive.tolist() == [0, 0, 0, 0, 6553, 13107, 19660, 26214]
    assert real(trace.bonds[:, 4]) == pytest.approx(
        [0.0999999982, 0.199999999, 0.2999999996, 0.4000000027], **close
    )
    assert real(trace.dividends[:4]) == pytest.approx(
        [0.0999999978, 0.1999999983, 0.3000000012, 0.4000000022], **close
    )
    validators = [49999998, 99999999, 150000000, 200000001]
    miners = [49998779, 100000610, 149996337, 200004272]
    assert outcome.emission.tolist() == validators + miners
    bonds = outcome.bonds.to_pairs()
    assert [dict(row)[4] for row in bonds[:4]] == [16383, 32767, 49151, 65535]

    weights = [[(0, 65535)], *agreeing().weights[1:]]
    later = run(agreeing(block=3, weights=weights, bonds=bonds))
    assert [dict(row)[4] for row in later.bonds.to_pairs()[:4]] == [14582, 32767, 49151, 65535]


def test_without_any_stake_nothing_is_handed_out() -> None:
    outcome = run(agreeing(stake=[0] * 8))
    assert not outcome.emission.any()
    assert not outcome.server_emission.any()
    assert not outcome.validator_permit.any()


def test_without_weights_emission_follows_active_stake() -> None:
    outcome = run(agreeing(weights=[[]] * 8, last_update=[0, 20, 20, 20, 1, 1, 1, 1], block=20))
    assert outcome.emission.tolist() == outcome.validator_emission.tolist()
    assert outcome.emission[0] == 0
    assert outcome.emission[3] == pytest.approx(10**9 * 4 / 9, rel=1e-8)


def test_when_nobody_is_active_emission_follows_all_stake() -> None:
    outcome = run(agreeing(block=100))
    assert not outcome.active.any()
    assert outcome.emission[0] == pytest.approx(10**8, rel=1e-8)
    assert outcome.server_emission.sum() == 0


def test_of_equal_stakes_the_higher_uid_gets_the_permit() -> None:
    outcome = run(agreeing(stake=[5, 5, 5, 5, 1, 0, 0, 0], max_allowed_validators=2))
    assert np.flatnonzero(outcome.validator_permit).tolist() == [2, 3]


def test_the_owner_gets_a_permit_in_addition() -> None:
    outcome = run(agreeing(max_allowed_validators=2, owner_uid=7))
    assert np.flatnonzero(outcome.validator_permit).tolist() == [2, 3, 7]


def test_who_loses_the_permit_loses_the_bonds() -> None:
    outcome = run(agreeing(max_allowed_validators=2))
    assert [bool(row) for row in outcome.bonds.to_pairs()] == [False] * 2 + [True] * 2 + [False] * 4


def test_stake_below_a_tick_is_no_stake() -> None:
    outcome = run(agreeing(stake=[1, 0, 0, 2**40, 0, 0, 0, 0]))
    assert outcome.trace.stake[0] == 0
    assert not outcome.validator_permit[0]


def test_only_the_owner_keeps_its_weight_on_itself() -> None:
    weights = [[(0, 1), (4, 1)], [(1, 1), (4, 1)], *[[]] * 6]
    trace = run(agreeing(weights=weights, owner_uid=0)).trace
    assert trace.weights[0, 0] > 0
    assert trace.weights[1, 1] == 0


def test_weights_set_in_the_block_of_a_registration_are_outdated() -> None:
    registered = [1, 1, 1, 1, 2, 1, 1, 1]
    assert run(agreeing(registered=registered)).trace.weights[:, 4].sum() == 0


def test_a_commit_from_before_a_registration_masks_the_newcomer() -> None:
    registered = [0, 0, 0, 0, 1, 0, 0, 0]
    commits = [0, 1, None, None, None, None, None, None]
    subnet = agreeing(registered=registered, commit_block=commits, commit_reveal=True)
    assert (run(subnet).trace.weights[:, 4] > 0).tolist() == [False, True, True, True]
    subnet.commit_reveal = False
    assert (run(subnet).trace.weights[:, 4] > 0).all()


def test_inactive_validators_keep_classic_dividends_from_old_bonds() -> None:
    bonds = run(agreeing()).bonds.to_pairs()
    late = agreeing(block=20, last_update=[2, 20, 20, 20, 1, 1, 1, 1], bonds=bonds, last_step=2)
    assert run(late).trace.dividends[0] > 0
    late.yuma3 = True
    assert run(late).trace.dividends[0] == 0


def test_a_missing_last_update_is_no_update() -> None:
    outcome = run(agreeing(last_update=[2, 2, 2]))
    assert outcome.active.tolist() == [True] * 3 + [False] * 5
    longer = run(agreeing(last_update=[2, 2, 2, 2, 1, 1, 1, 1, 9, 9]))
    assert outputs(longer) == outputs(run(agreeing()))


def test_an_empty_subnet_has_an_empty_epoch() -> None:
    columns = ("stake", "permit", "last_update", "registered", "weights", "bonds")
    nothing: dict[str, Any] = {name: [] for name in columns}
    for yuma3 in (False, True):
        outcome = run(agreeing(**nothing, yuma3=yuma3, liquid_alpha=yuma3))
        assert outcome.emission.tolist() == []
        assert outcome.bonds.to_pairs() == []


def test_an_owner_who_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="owner_uid: 8 is not one of the 8 neurons"):
        run(agreeing(owner_uid=8))
