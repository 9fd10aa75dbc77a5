"""Time: what happens at the start of every block, from one block to a later one (Yuma, section 15).

Blocks in which nothing but prices and pots can change are taken in one step.
"""

from __future__ import annotations

from dataclasses import replace

from iotapretrain.rules.chain.emission import LONGEST_STEP, Pots, block_emission
from iotapretrain.rules.chain.ledger.chain_state import ChainState, Subnet
from iotapretrain.rules.chain.ledger.epochs import run_epoch
from iotapretrain.rules.chain.registration import decayed

EPOCHS_PER_BLOCK = 2


def advance(state: ChainState, block: int) -> ChainState:
    """The state at the start of `block`; the same state if that is where it is."""
    while state.block < block:
        due = [_next_epoch(subnet, block) for subnet in state.subnets.values()]
        state = passed(state, max(min(due, default=block), state.block + 1))
        state = _with_epochs(state)
    return state


def _next_epoch(subnet: Subnet, latest: int) -> int:
    """The block of the next epoch, or `latest` if none is due before."""
    regular = subnet.epoch_clock(subnet.stepped_at).next_block()
    if regular is None:
        return latest
    return min(regular, subnet.stepped_at + LONGEST_STEP + 1, latest)


def passed(state: ChainState, block: int) -> ChainState:
    """The state in `block` before its epochs; there are none between here and there."""
    blocks = block - state.block
    subnets = {
        netuid: replace(
            subnet, burn=_price(subnet, blocks), pots=subnet.pots + _emitted(state, subnet, blocks)
        )
        for netuid, subnet in state.subnets.items()
    }
    emitted = sum(subnets[n].waiting - subnet.waiting for n, subnet in state.subnets.items())
    return replace(state, block=block, subnets=subnets, issuance=state.issuance + emitted)


def _price(subnet: Subnet, blocks: int) -> int:
    """The registration price after blocks without a registration; it stops falling somewhere."""
    parameters, price = subnet.parameters, subnet.burn
    for _ in range(blocks):
        before = price
        price = decayed(before, parameters.burn_half_life, parameters.min_burn, parameters.max_burn)
        if price == before:
            break
    return price


def _emitted(state: ChainState, subnet: Subnet, blocks: int) -> Pots:
    """What so many blocks add to the pots; each block's parts are whole rao."""
    each = block_emission(
        state.network.emission_per_block,
        state.network.owner_cut,
        owner_cut_enabled=subnet.parameters.owner_cut_enabled,
    )
    return Pots(blocks * each.owner, blocks * each.miners, blocks * each.validators)


def _with_epochs(state: ChainState) -> ChainState:
    """Run what is due in this block, at most so many; the others wait for the next one."""
    due = [
        netuid
        for netuid, subnet in sorted(state.subnets.items())
        if subnet.epoch_clock(state.block).due(state.block)
    ]
    for netuid in due[:EPOCHS_PER_BLOCK]:
        state = run_epoch(state, netuid)
    for netuid in due[EPOCHS_PER_BLOCK:]:
        subnet = state.subnets[netuid]
        timing = replace(subnet.timing, pending_epoch_at=state.block + 1)
        state = state.with_subnet(replace(subnet, timing=timing))
    return state
