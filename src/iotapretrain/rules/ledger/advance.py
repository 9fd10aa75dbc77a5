"""Time: what happens at the start of every block, from one block to a later one (Yuma, section 15).

Prices fall, emission goes into the pots, epochs that are due are run. Blocks in which nothing else
can happen are taken in one step.
"""

from __future__ import annotations

from dataclasses import replace

from iotapretrain.rules.ledger._subnet import decayed
from iotapretrain.rules.ledger.emission import pour
from iotapretrain.rules.ledger.epochs import run_epoch
from iotapretrain.rules.ledger.state import State, Subnet

EPOCHS_PER_BLOCK = 2
LONGEST_STEP = 50_400
"""An epoch is due after this many blocks whatever the tempo says."""


def advance(state: State, block: int) -> State:
    """The state at the start of `block`; the same state if that is where it is."""
    while state.block < block:
        due = min((next_epoch(subnet) for subnet in state.subnets.values()), default=block)
        state = _passed(state, min(max(due, state.block + 1), block))
        state = _with_epochs(state)
    return state


def next_epoch(subnet: Subnet) -> int:
    """The block in which the next epoch of a subnet is due; tempo 0 is never, and far away."""
    timing, tempo = subnet.timing, subnet.parameters.tempo
    if tempo == 0:
        return 2**63
    due = min(timing.last_epoch_block + tempo, subnet.stepped_at + LONGEST_STEP + 1)
    return min(due, timing.pending_epoch_at) if timing.pending_epoch_at else due


def _passed(state: State, block: int) -> State:
    """The state in `block`, prices and pots only; no epoch lies in between."""
    blocks = block - state.block
    subnets = {
        netuid: replace(
            subnet,
            burn=_price(subnet, blocks),
            pots=pour(state.network, subnet, blocks),
        )
        for netuid, subnet in state.subnets.items()
    }
    emitted = sum(subnets[n].pots.total - subnet.pots.total for n, subnet in state.subnets.items())
    return replace(state, block=block, subnets=subnets, issuance=state.issuance + emitted)


def _price(subnet: Subnet, blocks: int) -> int:
    """The registration price after some blocks without a registration; it stops falling somewhere."""
    parameters, price = subnet.parameters, subnet.burn
    for _ in range(blocks):
        before = price
        price = decayed(before, parameters.burn_half_life, parameters.min_burn, parameters.max_burn)
        if price == before:
            break
    return price


def _with_epochs(state: State) -> State:
    """Run what is due in this block, at most so many; the others wait for the next one."""
    due = [n for n, subnet in sorted(state.subnets.items()) if next_epoch(subnet) <= state.block]
    for netuid in due[:EPOCHS_PER_BLOCK]:
        state = run_epoch(state, netuid)
    for netuid in due[EPOCHS_PER_BLOCK:]:
        subnet = state.subnets[netuid]
        timing = replace(subnet.timing, pending_epoch_at=state.block + 1)
        state = state.with_subnet(replace(subnet, timing=timing))
    return state
