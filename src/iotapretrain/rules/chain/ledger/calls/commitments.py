"""Publishing a commitment: a few bytes under one's hotkey, dated by their block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from iotapretrain.rules.chain.ledger.chain_state import (
    CallRefusal,
    ChainState,
    StoredCommitment,
    Subnet,
    UsedSpace,
)
from iotapretrain.rules.chain.ledger.transitions import CallOutcome, call, happened

MAX_FIELDS = 3
LEAST_SPACE = 100
"""Bytes of the quota that even the shortest commitment uses up."""
Content = str | Sequence[int]
"""What a field holds: hex or text; no bytes at all come as an empty list."""

SEALED = ("TimelockEncrypted", "TimelockRevealFailed")


@call
def set_commitment(
    state: ChainState,
    signer: str,
    netuid: int,
    info: Mapping[str, Sequence[str | Mapping[str, Content]]],
) -> CallOutcome:
    """Replace what this hotkey has committed on a subnet."""
    subnet = state.subnets.get(netuid)
    if subnet is None or subnet.uid(signer) is None:
        raise CallRefusal("AccountNotAllowedCommit", "Commitments")
    fields = tuple(map(_field, info["fields"]))
    size = sum(_size(held) for _, held in fields)
    if len(fields) > MAX_FIELDS:
        raise CallRefusal("TooManyFieldsInCommitmentInfo", "Commitments")
    if size > state.network.commitment_bytes:
        raise CallRefusal("SpaceLimitExceeded", "Commitments")
    last = subnet.commitments.get(signer)
    if last and state.block - last.block < subnet.parameters.commitment_rate_limit:
        raise CallRefusal("TxRateLimitExceeded")
    used = _use_space(state, subnet, signer, size)
    kept = {**subnet.commitments, signer: StoredCommitment(state.block, fields)}
    changed = replace(subnet, commitments=kept, used_space={**subnet.used_space, signer: used})
    if subnet.parameters.bonds_reset_enabled:
        changed = _without_bonds_on(changed, signer)
    event = {"netuid": netuid, "who": signer}
    return happened(state.with_subnet(changed), "Commitment", event, "Commitments")


def _field(entry: str | Mapping[str, Content]) -> tuple[str, str | None]:
    """A field as (variant, content): variants without content are bare names."""
    if isinstance(entry, str):
        return entry, None
    ((variant, held),) = entry.items()
    if variant in SEALED:
        raise CallRefusal("TimelockRevealFailedNotAllowed", "Commitments")
    return variant, held if isinstance(held, str) else "0x" + bytes(held).hex()


def _size(held: str | None) -> int:
    """Bytes of a field; what is not hex came as text."""
    if held is None:
        return 0
    return len(held) // 2 - 1 if held.startswith("0x") else len(held.encode())


def _use_space(state: ChainState, subnet: Subnet, signer: str, size: int) -> UsedSpace:
    """The quota is counted anew in every epoch of the subnet."""
    began = subnet.timing.last_epoch_block
    used = subnet.used_space.get(signer, UsedSpace(began, 0))
    before = used.size if used.epoch_block == began else 0
    after = before + max(size, LEAST_SPACE)
    if after > state.network.commitment_space:
        raise CallRefusal("SpaceLimitExceeded", "Commitments")
    return UsedSpace(began, after)


def _without_bonds_on(subnet: Subnet, hotkey: str) -> Subnet:
    """Remove, in every stored bond row, the entry that points at this neuron (Yuma, 9.4)."""
    uid = subnet.uid(hotkey)
    bonds = tuple(tuple(entry for entry in row if entry[0] != uid) for row in subnet.bonds)
    return replace(subnet, bonds=bonds)
