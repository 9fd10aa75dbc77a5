"""Emission of a subnet: into pots with every block, out of them with an epoch (Yuma, section 14).

Parts are floored to whole units, so that never more comes out than went in.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iotapretrain.rules.chain.fixed_point import BITS, proportion
from iotapretrain.rules.chain.yuma import EpochOutcome

OWNER_CUT_U16 = 11796


@dataclass(frozen=True)
class Pots:
    """What waits to be handed out, in whole units."""

    owner: int = 0
    miners: int = 0
    validators: int = 0
    root: int = 0

    def __add__(self, other: Pots) -> Pots:
        return Pots(
            self.owner + other.owner,
            self.miners + other.miners,
            self.validators + other.validators,
            self.root + other.root,
        )

    @property
    def epoch_emission(self) -> int:
        """What the next epoch shares out: everything but the owner's cut."""
        return self.miners + self.validators + self.root


@dataclass(frozen=True, eq=False)
class Payout:
    """Where the pots went; together as much as was in them.

    Nobody gets what a neuron of the owner earned as a miner (`withheld`), nor what flooring left.
    """

    owner: int
    neurons: NDArray[np.int64]
    withheld: int
    left: int


def block_emission(
    out: int,
    owner_cut_u16: int = OWNER_CUT_U16,
    root_proportion: int = 0,
    owner_cut_enabled: bool = True,
) -> Pots:
    """What one block adds to the pots; `root_proportion` is in ticks, parts of 2^32."""
    whole = out << BITS
    cut = out * proportion(owner_cut_u16) if owner_cut_enabled else 0
    half = (whole - cut) // 2
    root = half * root_proportion >> BITS
    return Pots(cut >> BITS, half >> BITS, (half - root) >> BITS, root >> BITS)


def payout(pots: Pots, outcome: EpochOutcome, owner_uids: Collection[int] = ()) -> Payout:
    """Hand the pots out where there are no pools: server and validator amounts as they are.

    What an owner's neuron earned as a miner is withheld. The epoch must have shared out
    `pots.epoch_emission`.
    """
    servers = outcome.server_emission.copy()
    withheld = int(servers[list(owner_uids)].sum())
    servers[list(owner_uids)] = 0
    neurons = servers + outcome.validator_emission
    left = pots.epoch_emission - int(neurons.sum()) - withheld
    return Payout(pots.owner, neurons, withheld, left)
