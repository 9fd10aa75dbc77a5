"""Storage items: for each, what it holds under a key, and which keys there are.

Items that the description lists and this page does not are empty: readers see their defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from iotapretrain.chain.node import Entry, Keys
from iotapretrain.chain.runtime.types import members
from iotapretrain.chain.views import parameter_names
from iotapretrain.rules.chain.ledger.chain_state import (
    Axon,
    ChainState,
    Subnet,
    UidHolder,
)

NOTHING_SERVED = Axon(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ReadableItem:
    """One storage item: a value by its keys, and all keys that have one."""

    value: Callable[..., object]
    keys: Callable[[ChainState], Iterator[Keys]]


def read(state: ChainState, pallet: str, item: str, keys: Keys) -> object:
    """One value; None when absent."""
    found = ITEMS.get((pallet, item))
    return None if found is None else found.value(state, *keys)


def entries(state: ChainState, pallet: str, item: str, prefix: Keys) -> Iterator[Entry]:
    """The present entries of a map under leading keys."""
    found = ITEMS.get((pallet, item))
    if found is None:
        return
    for keys in found.keys(state):
        if keys[: len(prefix)] == prefix:
            value = found.value(state, *keys)
            if value is not None:
                yield keys, value


def of_subnet(value: Callable[..., object]) -> Callable[..., object]:
    """Read from the subnet that the first key names, by the other keys; None where none is."""

    def read_one(state: ChainState, netuid: int, *keys: object) -> object:
        subnet = state.subnets.get(netuid)
        return None if subnet is None else value(subnet, *keys)

    return read_one


def of_uid(value: Callable[[Subnet, int], object]) -> Callable[..., object]:
    """The same for one neuron."""
    return of_subnet(lambda subnet, uid: value(subnet, uid) if uid < len(subnet.neurons) else None)


def axon(neuron: UidHolder) -> dict[str, object]:
    """What a neuron serves; all zero for nothing."""
    return asdict(neuron.axon or NOTHING_SERVED)


def identity(subnet: Subnet) -> dict[str, object]:
    """What a subnet says of itself: its name."""
    return {**dict.fromkeys(members("SubnetIdentityV3"), ""), "subnet_name": subnet.name}


def pool(subnet: Subnet) -> int:
    """All stake on a subnet."""
    return sum(subnet.staked(hotkey) for hotkey in subnet.stakes)


def backed(state: ChainState, coldkey: str) -> list[tuple[Subnet, str]]:
    """The hotkeys that a coldkey has staked on, subnet by subnet."""
    return [
        (subnet, hotkey)
        for subnet in state.subnets.values()
        for hotkey, stakers in subnet.stakes.items()
        if coldkey in stakers
    ]


def _single(value: Callable[[ChainState], object]) -> ReadableItem:
    return ReadableItem(value, lambda _: iter([()]))


def _per_subnet(value: Callable[[Subnet], object]) -> ReadableItem:
    return ReadableItem(of_subnet(value), _netuids)


def _netuids(state: ChainState) -> Iterator[Keys]:
    return ((netuid,) for netuid in sorted(state.subnets))


def _blocks_since_step(state: ChainState, netuid: int) -> object:
    return of_subnet(lambda subnet: state.block - subnet.stepped_at)(state, netuid)


def _per_uid(value: Callable[[Subnet, int], object]) -> ReadableItem:
    def every(state: ChainState) -> Iterator[Keys]:
        for netuid, subnet in sorted(state.subnets.items()):
            for uid in range(len(subnet.neurons)):
                yield netuid, uid

    return ReadableItem(of_uid(value), every)


def _per_hotkey(value: Callable[[Subnet, str], object]) -> ReadableItem:
    """By netuid and hotkey, for those registered or with a commitment."""

    def every(state: ChainState) -> Iterator[Keys]:
        for netuid, subnet in sorted(state.subnets.items()):
            registered = [neuron.hotkey for neuron in subnet.neurons]
            for hotkey in dict.fromkeys([*registered, *subnet.commitments]):
                yield netuid, hotkey

    return ReadableItem(of_subnet(value), every)


def _per_key(
    value: Callable[[ChainState, str], object], keys: Callable[[ChainState], Iterable[str]]
) -> ReadableItem:
    """By one hotkey, coldkey or address."""
    return ReadableItem(value, lambda state: ((key,) for key in keys(state)))


def _per_hotkey_alone(value: Callable[[ChainState, str], object]) -> ReadableItem:
    return _per_key(value, lambda state: state.owners)


def _per_coldkey(value: Callable[[ChainState, str], object]) -> ReadableItem:
    return _per_key(value, lambda state: dict.fromkeys(state.owners.values()))


def _per_owned_hotkey(value: Callable[[Subnet, str], object]) -> ReadableItem:
    """By hotkey and netuid, for every hotkey that has an owner."""

    def every(state: ChainState) -> Iterator[Keys]:
        return ((hotkey, netuid) for hotkey in state.owners for netuid in state.subnets)

    read_one = of_subnet(value)
    return ReadableItem(lambda state, hotkey, netuid: read_one(state, netuid, hotkey), every)


def _account(state: ChainState, address: str) -> object:
    account = state.accounts.get(address)
    if account is None:
        return None
    amounts = dict.fromkeys(members("AccountData"), 0) | {"free": account.free}
    counts = {"nonce": account.nonce, "providers": 1 if account.free else 0}
    return dict.fromkeys(members("AccountInfo"), 0) | counts | {"data": amounts}


def _owned(state: ChainState, coldkey: str) -> list[str]:
    return [hotkey for hotkey, owner in state.owners.items() if owner == coldkey]


def _staking(state: ChainState, coldkey: str) -> list[str]:
    return list(dict.fromkeys(hotkey for _, hotkey in backed(state, coldkey)))


def _registration(subnet: Subnet, hotkey: str) -> object:
    commitment = subnet.commitments.get(hotkey)
    if commitment is None:
        return None
    fields = [variant if held is None else {variant: held} for variant, held in commitment.fields]
    return {"deposit": 0, "block": commitment.block, "info": {"fields": fields}}


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
    return axon(subnet.neurons[uid])


_SUBTENSOR = {
    **{name: _per_subnet(value) for name, value in parameter_names.STORAGE.items()},
    # The network.
    "TokenSymbol": _per_subnet(lambda subnet: subnet.symbol),
    "SubnetIdentitiesV3": _per_subnet(identity),
    "NetworksAdded": _per_subnet(lambda _: True),
    "SubnetworkN": _per_subnet(lambda subnet: len(subnet.neurons)),
    "SubnetOwner": _per_subnet(lambda subnet: subnet.owner),
    "SubnetOwnerHotkey": _per_subnet(lambda subnet: subnet.owner_hotkey),
    "NetworkRegisteredAt": _per_subnet(lambda subnet: subnet.registered_at),
    "SubnetMechanism": _per_subnet(lambda _: 1),
    "SubnetTAO": _per_subnet(pool),
    "SubnetAlphaIn": _per_subnet(pool),
    "SubnetAlphaOut": _per_subnet(pool),
    "TotalAlphaStaked": _per_subnet(pool),
    "TotalNetworks": _single(lambda state: len(state.subnets)),
    "TotalIssuance": _single(lambda state: state.issuance),
    "TotalStake": _single(lambda state: sum(map(pool, state.subnets.values()))),
    "StakeThreshold": _single(lambda state: state.network.stake_threshold),
    "SubnetOwnerCut": _single(lambda state: state.network.owner_cut),
    # Keys.
    "Uids": _per_hotkey(lambda subnet, hotkey: subnet.uid(hotkey)),
    "Keys": _per_uid(lambda subnet, uid: subnet.neurons[uid].hotkey),
    "IsNetworkMember": _per_owned_hotkey(
        lambda subnet, hotkey: None if subnet.uid(hotkey) is None else True
    ),
    "Owner": _per_hotkey_alone(lambda state, hotkey: state.owners.get(hotkey)),
    "OwnedHotkeys": _per_coldkey(_owned),
    "StakingHotkeys": _per_coldkey(_staking),
    "Delegates": _per_hotkey_alone(lambda state, _: state.network.delegate_take),
    "TotalHotkeyAlpha": _per_owned_hotkey(lambda subnet, hotkey: subnet.staked(hotkey) or None),
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
    "Weights": _per_uid(lambda subnet, uid: list(subnet.weights[uid]) or None),
    "Bonds": _per_uid(lambda subnet, uid: list(subnet.bonds[uid]) or None),
    # The next one.
    "BlocksSinceLastStep": ReadableItem(_blocks_since_step, _netuids),
    "LastMechansimStepBlock": _per_subnet(lambda subnet: subnet.timing.last_step),
    "LastEpochBlock": _per_subnet(lambda subnet: subnet.timing.last_epoch_block),
    "PendingEpochAt": _per_subnet(lambda subnet: subnet.timing.pending_epoch_at),
    "SubnetEpochIndex": _per_subnet(lambda subnet: subnet.timing.epoch_index),
    "PendingServerEmission": _per_subnet(lambda subnet: subnet.pots.miners),
    "PendingValidatorEmission": _per_subnet(lambda subnet: subnet.pots.validators),
    "PendingOwnerCut": _per_subnet(lambda subnet: subnet.pots.owner),
}

ITEMS: Mapping[tuple[str, str], ReadableItem] = {
    ("System", "Account"): _per_key(_account, lambda state: state.accounts),
    ("Balances", "TotalIssuance"): _single(lambda state: state.issuance),
    ("Commitments", "CommitmentOf"): _per_hotkey(_registration),
    ("Commitments", "LastCommitment"): _per_hotkey(_committed_at),
    ("Commitments", "UsedSpaceOf"): _per_hotkey(_used_space),
    ("Commitments", "MaxSpace"): _single(lambda state: state.network.commitment_space),
    **{("SubtensorModule", name): item for name, item in _SUBTENSOR.items()},
}
"""Every item that is more than its default here."""
