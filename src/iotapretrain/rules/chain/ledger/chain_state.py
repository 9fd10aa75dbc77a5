"""The chain's state: accounts, subnets, neurons. Frozen; whoever changes it makes a new one.

Keys are ss58 addresses, amounts are rao. A coin staked on a subnet stays a coin: there are no
pools, so one alpha is one TAO, always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from iotapretrain.rules.chain.emission import EpochClock, Pots
from iotapretrain.rules.chain.ledger.parameters import NetworkParameters, SubnetParameters


class CallRefusal(Exception):  # noqa: N818 -- an answer of the rules, not a fault
    """A call that may not be, by a pallet's own error or (without a pallet) the dispatcher's."""

    def __init__(self, name: str, pallet: str | None = "SubtensorModule") -> None:
        super().__init__(f"{pallet}.{name}" if pallet else name)
        self.pallet, self.name = pallet, name


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """Something that happened, as the chain's own metadata names it.

    `extrinsic` is the index of the one that caused it, once that has a place in a block.
    """

    pallet: str
    name: str
    values: Mapping[str, object] = field(default_factory=dict)
    extrinsic: int | None = None


Value = TypeVar("Value")

Row = tuple[tuple[int, int], ...]
"""One neuron's weights or bonds: (uid, u16) pairs, zeros included (Yuma, section 1)."""


@dataclass(frozen=True, slots=True)
class CoinAccount:
    """What an address owns freely, and how many transactions it has sent."""

    free: int = 0
    nonce: int = 0


@dataclass(frozen=True, slots=True)
class Axon:
    """Where a neuron says that it can be reached, and the block in which it said so."""

    block: int
    version: int
    ip: int
    port: int
    ip_type: int
    protocol: int
    placeholder1: int = 0
    placeholder2: int = 0


@dataclass(frozen=True, slots=True)
class UidHolder:
    """Who holds a uid, and since when."""

    hotkey: str
    coldkey: str
    registered: int
    last_update: int
    axon: Axon | None = None


@dataclass(frozen=True, slots=True)
class EpochStanding:
    """What the last epoch said of every uid, one column each (Yuma, section 11)."""

    active: tuple[bool, ...] = ()
    permit: tuple[bool, ...] = ()
    emission: tuple[int, ...] = ()
    stake_weight: tuple[int, ...] = ()
    consensus: tuple[int, ...] = ()
    incentive: tuple[int, ...] = ()
    dividends: tuple[int, ...] = ()
    trust: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """When epochs ran and when the next is forced (Yuma, section 15)."""

    last_epoch_block: int
    last_step: int = 0
    pending_epoch_at: int = 0
    epoch_index: int = 0


@dataclass(frozen=True, slots=True)
class StoredCommitment:
    """What a hotkey wrote on the chain, and in which block: (variant, content or None) pairs."""

    block: int
    fields: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class UsedSpace:
    """How many bytes a hotkey committed in the epoch that began at `epoch_block`."""

    epoch_block: int
    size: int


@dataclass(frozen=True, slots=True)
class Subnet:
    """One subnet. Rows and columns are indexed by uid; keys that left keep stake and commitment."""

    netuid: int
    name: str
    symbol: str
    owner: str
    owner_hotkey: str
    registered_at: int
    parameters: SubnetParameters
    timing: Timing
    burn: int
    pots: Pots = field(default_factory=Pots)
    neurons: tuple[UidHolder, ...] = ()
    weights: tuple[Row, ...] = ()
    bonds: tuple[Row, ...] = ()
    standing: EpochStanding = field(default_factory=EpochStanding)
    stakes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Hotkey -> coldkey -> rao."""
    commitments: Mapping[str, StoredCommitment] = field(default_factory=dict)
    used_space: Mapping[str, UsedSpace] = field(default_factory=dict)

    def uid(self, hotkey: str) -> int | None:
        for uid, neuron in enumerate(self.neurons):
            if neuron.hotkey == hotkey:
                return uid
        return None

    def staked(self, hotkey: str) -> int:
        return sum(self.stakes.get(hotkey, {}).values())

    @property
    def owner_uid(self) -> int | None:
        return self.uid(self.owner_hotkey)

    @property
    def stepped_at(self) -> int:
        """When the last epoch ran, or the subnet began."""
        return self.timing.last_step or self.registered_at

    def epoch_clock(self, block: int) -> EpochClock:
        """When the next epoch runs, seen from a block."""
        return EpochClock(
            tempo=self.parameters.tempo,
            last_epoch_block=self.timing.last_epoch_block,
            pending_epoch_at=self.timing.pending_epoch_at,
            blocks_since_last_step=block - self.stepped_at,
        )

    @property
    def waiting(self) -> int:
        """Rao in the pots."""
        return self.pots.owner + self.pots.epoch_emission


@dataclass(frozen=True, slots=True)
class ChainState:
    """Everything that follows from the genesis and the transactions so far.

    `block` is the block being filled: what happens at its start (prices, emission, epochs) has
    happened, and the transactions in it so far have been applied.
    """

    block: int
    network: NetworkParameters
    accounts: Mapping[str, CoinAccount]
    owners: Mapping[str, str]
    """Hotkey -> coldkey, for every hotkey that was ever registered or staked to."""
    subnets: Mapping[int, Subnet]
    issuance: int
    """Rao that exist: free, staked and in pots."""

    def account(self, address: str) -> CoinAccount:
        """An account; one that nobody has used yet is empty."""
        return self.accounts.get(address, CoinAccount())

    def subnet(self, netuid: int) -> Subnet:
        """A subnet, or the chain's refusal when there is none."""
        if netuid not in self.subnets:
            raise CallRefusal("SubnetNotExists")
        return self.subnets[netuid]

    def with_account(self, address: str, account: CoinAccount) -> ChainState:
        return replace(self, accounts={**self.accounts, address: account})

    def with_subnet(self, subnet: Subnet) -> ChainState:
        return replace(self, subnets={**self.subnets, subnet.netuid: subnet})


def placed(column: tuple[Value, ...], uid: int, value: Value) -> tuple[Value, ...]:
    """A column with this value for a uid, which may be the next one."""
    return (*column[:uid], value, *column[uid + 1 :])


def held(state: ChainState) -> int:
    """All rao that can be found anywhere in the state; always equal to `issuance`."""
    free = sum(account.free for account in state.accounts.values())
    staked = sum(
        amount
        for subnet in state.subnets.values()
        for stakers in subnet.stakes.values()
        for amount in stakers.values()
    )
    return free + staked + sum(subnet.waiting for subnet in state.subnets.values())
