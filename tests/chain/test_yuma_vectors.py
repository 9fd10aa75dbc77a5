"""Other implementations' epochs, lived through on a chain: registered, staked, weighed, read back.

The vectors' blocks are counted in single epochs; here every epoch is a tempo long. That changes no
result as long as nobody becomes inactive or is replaced, so only such vectors are taken.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bittensor as bt
import pytest
from bittensor import calls

from iotapretrain.rules.chain.ledger.genesis import Genesis
from iotapretrain.rules.chain.ledger.parameters import NetworkParameters, SubnetParameters
from tests.chain.worlds import RAO, World, embedded, genesis, hotkey, keys

VECTORS = Path(__file__).parents[1] / "conformance" / "vectors" / "yuma" / "epoch"
NAMES = (
    "bonds_ema_part1",
    "ref_liquid_clip_presence",
    "ref_liquid_dropped_edge",
    "ref_liquid_ignored_by_classic",
    "ref_liquid_no_consensus",
    "yuma3_kappa_moves_first",
    "yuma3_kappa_moves_last",
    "yuma3_liquid_alpha_disabled",
    "yuma3_one_epoch_switch",
)
COLUMNS = ("incentive", "dividends", "consensus", "validator_trust")
FLAGS = ("active", "validator_permit")


def begun(vector: dict[str, Any]) -> Genesis:
    """A subnet with the vector's settings, on which nobody earns anything."""
    stated = vector["params"]
    parameters = SubnetParameters(
        tempo=20,
        activity_cutoff_factor=1_000_000,
        max_validators=stated["max_allowed_validators"],
        kappa=stated["kappa_u16"],
        bonds_penalty=stated["bonds_penalty_u16"],
        bonds_moving_avg=stated["bonds_moving_average_ppm"],
        yuma3_enabled=stated["yuma3"],
        liquid_alpha_enabled=stated["liquid_alpha"],
        alpha_low=stated["alpha_low_u16"],
        alpha_high=stated["alpha_high_u16"],
        alpha_sigmoid_steepness=stated["alpha_sigmoid_steepness"],
        weights_rate_limit=0,
        min_burn=1,
        max_burn=1,
    )
    network = NetworkParameters(emission_per_block=0, minimum_stake=1)
    return genesis(parameters, network, stakes={}, people=vector["n"] + 1)


def name(uid: int) -> str:
    return f"miner-{uid + 1}"


async def settle(world: World, stakes: list[int]) -> None:
    """Everybody registers, and stakes on himself."""
    for uid, amount in enumerate(stakes):
        joining = calls.SubtensorModule.burned_register(netuid=1, hotkey=hotkey(name(uid)))
        (await world.client.submit_call(joining, keys(name(uid)))).raise_for_failure()
        if amount:
            staking = calls.SubtensorModule.add_stake(
                hotkey=hotkey(name(uid)), netuid=1, amount_staked=amount
            )
            (await world.client.submit_call(staking, keys(name(uid)))).raise_for_failure()


async def act(world: World, action: dict[str, Any]) -> None:
    """One action of a vector; blocks pass by themselves here."""
    if "block" in action:
        return
    row = action["set_weights"]
    call = calls.SubtensorModule.set_mechanism_weights(
        netuid=1, mecid=0, dests=row["dests"], weights=row["values"], version_key=0
    )
    for uid in row["uids"]:
        (await world.client.submit_call(call, keys(name(uid)), signer="hotkey")).raise_for_failure()


def dense(rows: list[list[tuple[int, int]]]) -> list[list[int]]:
    return [[dict(row).get(uid, 0) for uid in range(len(rows))] for row in rows]


@pytest.mark.parametrize("vector_name", NAMES)
async def test_epochs_on_a_chain_are_those_of_the_vectors(tmp_path: Path, vector_name: str) -> None:
    vector = json.loads((VECTORS / f"{vector_name}.json").read_text())
    async with embedded(tmp_path / "net", begun(vector)) as world:
        await settle(world, vector["initial"]["stake"])
        for step in vector["steps"]:
            for action in step["actions"]:
                await act(world, action)
            await world.to_epoch()
            expected = step["reference"]
            neurons = await world.client.neurons.all(1, lite=False)
            for column in (*COLUMNS, *FLAGS):
                found = [neuron.raw[column] for neuron in neurons]
                assert found == expected[column], (step["label"], column)
            bonds = [neuron.raw["bonds"] for neuron in neurons]
            assert dense(bonds) == dense(expected["bonds"]), step["label"]
            stake = await world.client.query(bt.storage.SubtensorModule.StakeWeight, [1])
            assert stake == expected["stake_weight"], step["label"]


async def test_what_an_epoch_pays_is_what_yuma_shares_out(tmp_path: Path) -> None:
    """The amounts: with one rao more or less per neuron for what flooring leaves."""
    vector = json.loads((VECTORS / "bonds_ema_part1.json").read_text())
    base = begun(vector)
    paying = Genesis(
        NetworkParameters(emission_per_block=RAO, minimum_stake=1), base.balances, base.subnets
    )
    stakes = [amount * 100 * RAO for amount in vector["initial"]["stake"]]
    async with embedded(tmp_path / "net", paying) as world:
        await settle(world, stakes)
        await world.to_epoch()
        for action in vector["steps"][1]["actions"]:
            await act(world, action)
        before = {n.uid: n.total_stake.rao for n in await world.client.neurons.all(1)}
        await world.to_epoch()
        step = vector["steps"][1]["reference"]
        for neuron in await world.client.neurons.all(1):
            earned = neuron.total_stake.rao - before[neuron.uid]
            share = step["emission"][neuron.uid] / sum(step["emission"])
            assert earned == neuron.raw["emission"]
            assert earned == pytest.approx(share * 0.82 * 20 * RAO, rel=0.02)
