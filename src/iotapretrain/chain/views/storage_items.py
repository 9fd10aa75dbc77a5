"""Storage items: for each, what it holds under a key, and which keys there are.

Items that the description lists and this page does not are empty: readers see their defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from iotapretrain.chain.views import parameter_names
from iotapretrain.rules.chain.ledger.chain_state import (
    Axon,
    ChainState,
    Row,
    StoredCommitment,
    Subnet,
    UidHolder,
)

NOTHING_SERVED = Axon(0, 0, 0, 0, 0, 0)
IDENTITY_TEXTS = (
    "github_repo",
    "subnet_contact",
    "subnet_url",
    "discord",
    "description",
    "logo_url",
    "additional",
)

Keys = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ReadableItem:
    """One storage item: a value by its keys, and all keys that have one."""

    value: Callable[..., object]
    keys: Callable[[ChainState], Iterator[Keys]]


def read(state: ChainState, pallet: str, item: str, keys: Keys) -> object:
    """One value; None when absent."""
    found = ITEMS.get((pallet, item))
    return None if found is None else found.value(state, *keys)


def entries(
    state: ChainState, pallet: str, item: str, prefix: Keys
) -> Iterator[tuple[Keys, object]]:
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
    return {"subnet_name": subnet.name, **dict.fromkeys(IDENTITY_TEXTS, "")}


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
    alive = 1 if account.free else 0
    amounts = {"free": account.free, "reserved": 0, "frozen": 0, "flags": 0}
    return {
        "nonce": account.nonce,
        "consumers": 0,
        "providers": alive,
        "sufficients": 0,
        "data": amounts,
    }


def _accounts(state: ChainState) -> Iterator[Keys]:
    return ((address,) for address in state.accounts)


def _hotkeys(state: ChainState) -> Iterator[Keys]:
    return ((hotkey,) for hotkey in state.owners)


def _coldkeys(state: ChainState) -> Iterator[Keys]:
    return ((coldkey,) for coldkey in dict.fromkeys(state.owners.values()))


def _owned(state: ChainState, coldkey: str) -> list[str]:
    return [hotkey for hotkey, owner in state.owners.items() if owner == coldkey]


def _staking(state: ChainState, coldkey: str) -> list[str]:
    return list(dict.fromkeys(hotkey for _, hotkey in backed(state, coldkey)))


def _row(row: Row) -> list[tuple[int, int]] | None:
    return list(row) or None


def _registration(subnet: Subnet, hotkey: str) -> object:
    commitment = subnet.commitments.get(hotkey)
    if commitment is None:
        return None
    return {"deposit": 0, "block": commitment.block, "info": {"fields": _fields(commitment)}}


def _fields(commitment: StoredCommitment) -> list[object]:
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
    return axon(subnet.neurons[uid])


def _subtensor(items: Mapping[str, ReadableItem]) -> Mapping[tuple[str, str], ReadableItem]:
    return {("SubtensorModule", name): item for name, item in items.items()}


ITEMS: Mapping[tuple[str, str], ReadableItem] = {
    ("System", "Account"): ReadableItem(_account, _accounts),
    ("Balances", "TotalIssuance"): _single(lambda state: state.issuance),
    ("Commitments", "CommitmentOf"): _per_hotkey(_registration),
    ("Commitments", "LastCommitment"): _per_hotkey(_committed_at),
    ("Commitments", "UsedSpaceOf"): _per_hotkey(_used_space),
    ("Commitments", "MaxSpace"): _single(lambda state: state.network.commitment_space),
    **_subtensor(
        {
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
            "Owner": ReadableItem(lambda state, hotkey: state.owners.get(hotkey), _hotkeys),
            "OwnedHotkeys": ReadableItem(_owned, _coldkeys),
            "StakingHotkeys": ReadableItem(_staking, _coldkeys),
            "Delegates": ReadableItem(lambda state, _: state.network.delegate_take, _hotkeys),
            "TotalHotkeyAlpha": _per_owned_hotkey(
                lambda subnet, hotkey: subnet.staked(hotkey) or None
            ),
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
            "BlocksSinceLastStep": ReadableItem(_blocks_since_step, _netuids),
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
