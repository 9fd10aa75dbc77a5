"""Time: many blocks in one step are the same as one after the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.rules.chain.emission import block_emission
from iotapretrain.rules.chain.ledger.advance import EPOCHS_PER_BLOCK, advance
from iotapretrain.rules.chain.ledger.chain_state import ChainState, held
from iotapretrain.rules.chain.ledger.genesis import Genesis, GenesisSubnet, first_state
from iotapretrain.rules.chain.ledger.parameters import NetworkParameters, SubnetParameters
from tests.rules.chain.ledger.people import RAO, beginning, registered


@given(st.integers(1, 60), st.integers(0, 30), st.integers(0, 25))
def test_a_jump_is_as_many_steps(blocks: int, tempo: int, burn_half_life: int) -> None:
    start = registered(beginning(tempo=tempo, burn_half_life=burn_half_life + 1), 1, 3)
    stepped = start
    for block in range(1, blocks + 1):
        stepped = advance(stepped, block)
    assert advance(start, blocks) == stepped


def test_it_stays_where_it_is() -> None:
    state = advance(beginning(), 7)
    assert advance(state, 7) is state
    assert advance(state, 3) is state


def test_epochs_run_every_tempo_and_never_without_one() -> None:
    state = advance(beginning(tempo=10), 35)
    timing = state.subnets[1].timing
    assert (timing.last_step, timing.epoch_index) == (30, 3)
    assert advance(beginning(tempo=0), 60_000).subnets[1].timing.epoch_index == 0


def test_an_epoch_comes_after_50400_blocks_whatever_the_tempo() -> None:
    state = beginning(tempo=65_535)
    assert advance(state, 50_400).subnets[1].timing.epoch_index == 0
    assert advance(state, 50_401).subnets[1].timing.epoch_index == 1


def many_subnets(count: int) -> ChainState:
    parameters = SubnetParameters(tempo=10)
    subnets = tuple(
        GenesisSubnet(number, f"s{number}", "cold", f"hot{number}", parameters=parameters)
        for number in range(1, count + 1)
    )
    return first_state(Genesis(NetworkParameters(), {"cold": RAO}, subnets))


def test_at_most_two_subnets_run_in_a_block() -> None:
    counts = []
    for block in (9, 10, 11, 12, 19, 20, 21, 22):
        subnets = advance(many_subnets(5), block).subnets.values()
        counts.append(sum(subnet.timing.epoch_index for subnet in subnets))
    assert EPOCHS_PER_BLOCK == 2
    assert counts == [0, 2, 4, 5, 5, 7, 9, 10]


def test_the_price_falls_to_its_minimum_and_stops() -> None:
    state = beginning(burn_half_life=10, min_burn=1000)
    assert advance(state, 10).subnets[1].burn == pytest.approx(RAO / 2, rel=1e-6)
    assert advance(state, 100_000).subnets[1].burn == 1000


def test_emission_waits_in_the_pots_until_the_epoch() -> None:
    state = advance(beginning(), 9)
    pots, each = state.subnets[1].pots, block_emission(RAO)
    assert (pots.owner, pots.miners, pots.validators) == (
        9 * each.owner,
        9 * each.miners,
        9 * each.validators,
    )
    assert held(state) == state.issuance
    after = advance(state, 10)
    assert after.subnets[1].waiting == 0
    assert after.subnets[1].stakes["hot0"] == {"cold0": 10 * each.owner}


def test_nobody_registered_means_nobody_paid_and_nothing_kept() -> None:
    before = beginning()
    after = advance(before, 10)
    assert after.issuance - before.issuance == 10 * block_emission(RAO).owner
    assert held(after) == after.issuance


def test_an_epoch_without_owner_cut() -> None:
    state = beginning(owner_cut_enabled=False)
    assert "hot0" not in advance(state, 10).subnets[1].stakes
