"""Storage items: for each, what it holds under a key, and which keys there are.

Items that the chain's description lists and this page does not are empty here, so that readers see
their defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from iotapretrain.chain.views import neuron_info, parameter_names, subnet_info
from iotapretrain.chain.views.block_view import View
from iotapretrain.rules.chain.ledger.chain_state import Commitment, Row, Subnet

MECHANISM_STRIDE = 4096
"""Storage indices at and above it are those of further mechanisms, of which there are none."""

Keys = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One storage item: a value by its keys, and all keys that have one."""

    value: Callable[..., object]
    keys: Callable[[View], Iterator[Keys]]


def read(view: View, pallet: str, item: str, keys: Keys) -> object:
    """One value; None when absent."""
    found = ITEMS.get((pallet, item))
    return None if found is None else found.value(view, *keys)


def entries(view: View, pallet: str, item: str, prefix: Keys) -> Iterator[tuple[Keys, object]]:
    """The present entries of a map under leading keys."""
    found = ITEMS.get((pallet, item))
    if found is None:
        return
    for keys in found.keys(view):
        if keys[: len(prefix)] == prefix:
            value = found.value(view, *keys)
            if value is not None:
                yield keys, value


def _single(value: Callable[[View], object]) -> Item:
    return Item(value, lambda _: iter([()]))


def _per_subnet(value: Callable[[Subnet], object]) -> Item:
    def read_one(view: View, netuid: int) -> object:
        subnet = view.state.subnets.get(netuid)
        return None if subnet is None else value(subnet)

    return Item(read_one, lambda view: ((netuid,) for netuid in sorted(view.state.subnets)))


def _per_block(value: Callable[[View, Subnet], object]) -> Item:
    """The same for what also depends on the block."""

    def read_one(view: View, netuid: int) -> object:
        subnet = view.state.subnets.get(netuid)
        return None if subnet is None else value(view, subnet)

    return Item(read_one, lambda view: ((netuid,) for netuid in sorted(view.state.subnets)))


def _per_uid(value: Callable[[Subnet, int], object]) -> Item:
    def read_one(view: View, netuid: int, uid: int) -> object:
        subnet = view.state.subnets.get(netuid)
        return value(subnet, uid) if subnet and uid < len(subnet.neurons) else None

    def every(view: View) -> Iterator[Keys]:
        for netuid, subnet in sorted(view.state.subnets.items()):
            for uid in range(len(subnet.neurons)):
                yield netuid, uid

    return Item(read_one, every)


def _per_hotkey(value: Callable[[Subnet, str], object]) -> Item:
    """By netuid and hotkey, for those registered or with a commitment."""

    def read_one(view: View, netuid: int, hotkey: str) -> object:
        subnet = view.state.subnets.get(netuid)
        return None if subnet is None else value(subnet, hotkey)

    def every(view: View) -> Iterator[Keys]:
        for netuid, subnet in sorted(view.state.subnets.items()):
            registered = [neuron.hotkey for neuron in subnet.neurons]
            for hotkey in dict.fromkeys([*registered, *subnet.commitments]):
                yield netuid, hotkey

    return Item(read_one, every)


def _account(view: View, address: str) -> object:
    account = view.state.accounts.get(address)
    if account is None:
        return None
    alive = 1 if account.free else 0
    amounts = {"free": account.free, "reserved": 0, "frozen": 0, "flags": 0}
    return {
        "nonce": account.nonce,
        "consumers": 0,
        "providers": alive,
        "sufficients": 0,
        "data": amounts,
    }


def _accounts(view: View) -> Iterator[Keys]:
    return ((address,) for address in view.state.accounts)


def _hotkeys(view: View) -> Iterator[Keys]:
    return ((hotkey,) for hotkey in view.state.owners)


def _coldkeys(view: View) -> Iterator[Keys]:
    return ((coldkey,) for coldkey in dict.fromkeys(view.state.owners.values()))


def _owned(view: View, coldkey: str) -> list[str]:
    return [hotkey for hotkey, owner in view.state.owners.items() if owner == coldkey]


def _backed(view: View, coldkey: str) -> list[str]:
    backed = (
        hotkey
        for subnet in view.state.subnets.values()
        for hotkey, stakers in subnet.stakes.items()
        if coldkey in stakers
    )
    return list(dict.fromkeys(backed))


def _hotkeys_and_subnets(view: View) -> Iterator[Keys]:
    return ((hotkey, netuid) for hotkey in view.state.owners for netuid in view.state.subnets)


def _member(view: View, hotkey: str, netuid: int) -> object:
    subnet = view.state.subnets.get(netuid)
    return None if subnet is None or subnet.uid(hotkey) is None else True


def _staked_on(view: View, hotkey: str, netuid: int) -> object:
    subnet = view.state.subnets.get(netuid)
    return None if subnet is None else subnet.staked(hotkey) or None


def _stake(subnet: Subnet) -> int:
    return sum(subnet.staked(hotkey) for hotkey in subnet.stakes)


def _row(row: Row) -> list[tuple[int, int]] | None:
    return list(row) or None


def _registration(subnet: Subnet, hotkey: str) -> object:
    commitment = subnet.commitments.get(hotkey)
    if commitment is None:
        return None
    return {"deposit": 0, "block": commitment.block, "info": {"fields": _fields(commitment)}}


def _fields(commitment: Commitment) -> list[object]:
    return [variant if held is None else {variant: held} for variant, held in commitment.fields]


def _committed_at(subnet: Subnet, hotkey: str) -> object:
    commitment = subnet.commitments.get(hotkey)
    return None if commitment is None else commitment.block


def _used_space(subnet: Subnet, hotkey: str) -> object:
    used = subnet.used_space.get(hotkey)
    return None if used is None else {"last_epoch": used.epoch_block, "used_space": used.size}


def _axon(subnet: Subnet, hotkey: str) -> object:
    uid = subnet.uid(hotkey)
    if uid is None or subnet.neurons[uid].axon is None:
        return None
    return neuron_info.axon(subnet.neurons[uid])


def _subtensor(items: Mapping[str, Item]) -> Mapping[tuple[str, str], Item]:
    return {("SubtensorModule", name): item for name, item in items.items()}


ITEMS: Mapping[tuple[str, str], Item] = {
    ("System", "Account"): Item(_account, _accounts),
    ("Timestamp", "Now"): _single(lambda view: view.time_ms),
    ("Balances", "TotalIssuance"): _single(lambda view: view.state.issuance),
    ("Commitments", "CommitmentOf"): _per_hotkey(_registration),
    ("Commitments", "LastCommitment"): _per_hotkey(_committed_at),
    ("Commitments", "UsedSpaceOf"): _per_hotkey(_used_space),
    ("Commitments", "MaxSpace"): _single(lambda view: view.state.network.commitment_space),
    **_subtensor({name: _per_subnet(value) for name, value in parameter_names.STORAGE.items()}),
    **_subtensor(
        {
            # The network.
            "TokenSymbol": _per_subnet(lambda subnet: subnet.symbol),
            "SubnetIdentitiesV3": _per_subnet(subnet_info.identity),
            "NetworksAdded": _per_subnet(lambda _: True),
            "SubnetworkN": _per_subnet(lambda subnet: len(subnet.neurons)),
            "SubnetOwner": _per_subnet(lambda subnet: subnet.owner),
            "SubnetOwnerHotkey": _per_subnet(lambda subnet: subnet.owner_hotkey),
            "NetworkRegisteredAt": _per_subnet(lambda subnet: subnet.registered_at),
            "SubnetMechanism": _per_subnet(lambda _: 1),
            "SubnetTAO": _per_subnet(_stake),
            "SubnetAlphaIn": _per_subnet(_stake),
            "SubnetAlphaOut": _per_subnet(_stake),
            "TotalAlphaStaked": _per_subnet(_stake),
            "TotalNetworks": _single(lambda view: len(view.state.subnets)),
            "TotalIssuance": _single(lambda view: view.state.issuance),
            "TotalStake": _single(lambda view: sum(map(_stake, view.state.subnets.values()))),
            "StakeThreshold": _single(lambda view: view.state.network.stake_threshold),
            "SubnetOwnerCut": _single(lambda view: view.state.network.owner_cut),
            # Keys.
            "Uids": _per_hotkey(lambda subnet, hotkey: subnet.uid(hotkey)),
            "Keys": _per_uid(lambda subnet, uid: subnet.neurons[uid].hotkey),
            "IsNetworkMember": Item(_member, _hotkeys_and_subnets),
            "Owner": Item(lambda view, hotkey: view.state.owners.get(hotkey), _hotkeys),
            "OwnedHotkeys": Item(_owned, _coldkeys),
            "StakingHotkeys": Item(_backed, _coldkeys),
            "Delegates": Item(lambda view, _: view.state.network.delegate_take, _hotkeys),
            "TotalHotkeyAlpha": Item(_staked_on, _hotkeys_and_subnets),
            "Axons": _per_hotkey(_axon),
            "BlockAtRegistration": _per_uid(lambda subnet, uid: subnet.neurons[uid].registered),
            # The last epoch.
            "Active": _per_subnet(lambda subnet: list(subnet.standing.active)),
            "ValidatorPermit": _per_subnet(lambda subnet: list(subnet.standing.permit)),
            "Consensus": _per_subnet(lambda subnet: list(subnet.standing.consensus)),
            "Incentive": _per_subnet(lambda subnet: list(subnet.standing.incentive)),
            "Dividends": _per_subnet(lambda subnet: list(subnet.standing.dividends)),
            "ValidatorTrust": _per_subnet(lambda subnet: list(subnet.standing.trust)),
            "StakeWeight": _per_subnet(lambda subnet: list(subnet.standing.stake_weight)),
            "Emission": _per_subnet(lambda subnet: list(subnet.standing.emission)),
            "LastUpdate": _per_subnet(lambda subnet: [n.last_update for n in subnet.neurons]),
            "Weights": _per_uid(lambda subnet, uid: _row(subnet.weights[uid])),
            "Bonds": _per_uid(lambda subnet, uid: _row(subnet.bonds[uid])),
            # The next one.
            "BlocksSinceLastStep": _per_block(lambda view, subnet: view.block - subnet.stepped_at),
            "LastMechansimStepBlock": _per_subnet(lambda subnet: subnet.timing.last_step),
            "LastEpochBlock": _per_subnet(lambda subnet: subnet.timing.last_epoch_block),
            "PendingEpochAt": _per_subnet(lambda subnet: subnet.timing.pending_epoch_at),
            "SubnetEpochIndex": _per_subnet(lambda subnet: subnet.timing.epoch_index),
            "PendingServerEmission": _per_subnet(lambda subnet: subnet.pots.miners),
            "PendingValidatorEmission": _per_subnet(lambda subnet: subnet.pots.validators),
            "PendingOwnerCut": _per_subnet(lambda subnet: subnet.pots.owner),
        }
    ),
}
"""Every item that is more than its default here."""
