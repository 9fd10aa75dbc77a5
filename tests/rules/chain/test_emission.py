"""No unit comes out of the pots that did not go in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plain import yuma as plain
from bench.yuma import taken
from iotapretrain.rules.chain.emission import Pots, block_emission, payout
from iotapretrain.rules.chain.fixed_point import ONE
from iotapretrain.rules.chain.yuma import epoch
from tests.rules.subnets import subnets

amounts = st.integers(0, 2**62)


@given(amounts, st.integers(0, 65535), st.integers(0, ONE), st.booleans())
def test_a_block_never_gives_more_than_it_has(out: int, cut: int, root: int, enabled: bool) -> None:
    pots = block_emission(out, cut, root, enabled)
    assert min(pots.owner, pots.miners, pots.validators, pots.root) >= 0
    assert out - 4 <= pots.owner + pots.epoch_emission <= out
    assert pots.owner == 0 or enabled


def test_the_usual_split() -> None:
    pots = block_emission(10**9)
    assert pots.owner == pytest.approx(0.18 * 10**9, rel=1e-4)
    assert pots.miners == pots.validators == pytest.approx(0.41 * 10**9, rel=1e-4)


def test_what_is_set_aside_for_root_comes_from_the_validators() -> None:
    pots = block_emission(10**9, root_proportion=ONE // 4)
    assert pots.root == pytest.approx(pots.miners / 4, abs=1)
    assert pots.validators == pytest.approx(pots.miners * 3 / 4, abs=1)


@given(subnets(), amounts, st.lists(st.integers(0, 2**60), min_size=3, max_size=3), st.data())
def test_a_payout_accounts_for_every_unit(
    subnet: plain.Subnet, owner: int, parts: list[int], data: st.DataObject
) -> None:
    pots = Pots(owner, *parts)
    subnet.emission = pots.epoch_emission
    outcome = epoch(*taken(subnet))
    uids = st.integers(0, len(subnet.stake) - 1)
    owners = data.draw(st.sets(uids))
    paid = payout(pots, outcome, owners)
    assert paid.left >= 0
    total = paid.owner + sum(paid.neurons.tolist()) + paid.withheld + paid.left
    assert total == owner + pots.epoch_emission
    for uid in owners:
        assert paid.neurons[uid] == outcome.validator_emission[uid]
    assert paid.withheld == sum(outcome.server_emission[list(owners)].tolist())


def test_pots_fill_up() -> None:
    pots = Pots(1, 2, 3, 4) + Pots(10, 20, 30, 40)
    assert pots == Pots(11, 22, 33, 44)
    assert pots.epoch_emission == 99
