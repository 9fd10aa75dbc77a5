"""When epochs run, and a subnet's emission: into pots with every block, out of them with an epoch.

Parts are floored to whole units, so that never more comes out than went in (Yuma, 14 and 15).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import astuple, dataclass, replace
from operator import add

import numpy as np
from numpy.typing import NDArray

from iotapretrain.rules.chain.fixed_point import BITS, U64, proportion
from iotapretrain.rules.chain.yuma import EpochOutcome

LONGEST_STEP = 50_400
NEVER = U64


def activity_cutoff(factor_milli: int, tempo: int) -> int:
    """After how many blocks without an update a validator is inactive (section 3)."""
    return max(factor_milli * tempo // 1000, 1)


@dataclass(frozen=True)
class EpochClock:
    """What a subnet remembers of its epochs; `pending_epoch_at` 0 means that none is asked for."""

    tempo: int
    last_epoch_block: int
    pending_epoch_at: int = 0
    blocks_since_last_step: int = 0

    def due(self, block: int) -> bool:
        """Whether an epoch is to run in this block."""
        if self.tempo == 0:
            return False
        asked_for = 0 < self.pending_epoch_at <= block
        overdue = self.blocks_since_last_step > LONGEST_STEP
        return asked_for or overdue or block - self.last_epoch_block >= self.tempo

    def blocks_until(self, block: int) -> int:
        """Blocks until the regular epoch; `NEVER` with tempo 0."""
        return max(self.last_epoch_block + self.tempo - block, 0) if self.tempo else NEVER

    def next_block(self) -> int | None:
        """The block of the next epoch, regular or asked for; None with tempo 0."""
        if self.tempo == 0:
            return None
        regular = self.last_epoch_block + self.tempo
        return min(regular, self.pending_epoch_at) if self.pending_epoch_at else regular

    def ticked(self) -> EpochClock:
        """A block later."""
        return replace(self, blocks_since_last_step=self.blocks_since_last_step + 1)

    def ran(self, block: int) -> EpochClock:
        """After the epoch of this block."""
        return EpochClock(self.tempo, block)


OWNER_CUT_U16 = 11796


@dataclass(frozen=True)
class Pots:
    """What waits to be handed out, in whole units."""

    owner: int = 0
    miners: int = 0
    validators: int = 0
    root: int = 0

    def __add__(self, other: Pots) -> Pots:
        return Pots(*map(add, astuple(self), astuple(other)))

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
