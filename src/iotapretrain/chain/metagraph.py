"""A subnet at one block: who holds which uid, and what the last epoch said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotapretrain.rules.chain.fixed_point import U16


@dataclass(frozen=True, eq=False)
class Metagraph:
    """One row a neuron, in the order of uid. Stake and emission in rao, scores from 0 to 1."""

    netuid: int
    block: int
    tempo: int
    last_step: int
    owner_coldkey: str
    owner_hotkey: str
    hotkeys: tuple[str, ...]
    coldkeys: tuple[str, ...]
    stake: NDArray[np.int64]
    emission: NDArray[np.int64]
    incentive: NDArray[np.float64]
    dividends: NDArray[np.float64]
    consensus: NDArray[np.float64]
    validator_trust: NDArray[np.float64]
    validator_permit: NDArray[np.bool_]
    active: NDArray[np.bool_]
    last_update: NDArray[np.int64]
    registered: NDArray[np.int64]
    axons: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.hotkeys)

    def uid(self, hotkey: str) -> int | None:
        """The uid of a hotkey, None if it is not registered."""
        return self.hotkeys.index(hotkey) if hotkey in self.hotkeys else None


@dataclass(frozen=True, slots=True)
class ReadCommitment:
    """What a hotkey has committed, and the block that dates it."""

    hotkey: str
    block: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Commitments:
    """Every readable commitment of a subnet, all read at one block."""

    block: int
    block_hash: bytes
    by_hotkey: Mapping[str, ReadCommitment]


def metagraph_of(graph: Any, validator_trust: list[int]) -> Metagraph:
    """From the SDK's metagraph, and the one column that it leaves out."""
    neurons = graph.neurons

    def column(name: str, kind: Any) -> NDArray[Any]:
        return np.array([getattr(neuron, name) for neuron in neurons], kind)

    return Metagraph(
        netuid=graph.netuid,
        block=graph.block,
        tempo=graph.tempo,
        last_step=graph.last_step,
        owner_coldkey=graph.owner_coldkey,
        owner_hotkey=graph.owner_hotkey,
        hotkeys=tuple(neuron.hotkey for neuron in neurons),
        coldkeys=tuple(neuron.coldkey for neuron in neurons),
        stake=np.array([neuron.total_stake.rao for neuron in neurons], np.int64),
        emission=np.array([neuron.emission.rao for neuron in neurons], np.int64),
        incentive=column("incentive", np.float64),
        dividends=column("dividends", np.float64),
        consensus=column("consensus", np.float64),
        validator_trust=np.array(validator_trust[: len(neurons)], np.float64) / U16,
        validator_permit=column("validator_permit", np.bool_),
        active=column("active", np.bool_),
        last_update=column("last_update", np.int64),
        registered=column("block_at_registration", np.int64),
        axons=tuple(neuron.axon for neuron in neurons),
    )


def commitment_data(fields: list[Any]) -> bytes | None:
    """The bytes of a commitment in the open; None for one that is sealed or only a hash."""
    data = b""
    for field in fields:
        if not isinstance(field, dict):
            continue
        ((variant, held),) = field.items()
        if not variant.startswith(("Raw", "BigRaw")) or not isinstance(held, str):
            return None
        data += bytes.fromhex(held[2:]) if held.startswith("0x") else held.encode()
    return data
