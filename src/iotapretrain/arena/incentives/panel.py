"""The panel: validators who set weights, and Yuma Consensus, which pays by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from iotapretrain.arena.incentives.validator_behaviours import Posted
from iotapretrain.arena.incentives.world import SimulatedWorld
from iotapretrain.rules.chain.fixed_point import U16, real
from iotapretrain.rules.chain.yuma import EpochInputs, Rows, epoch
from iotapretrain.rules.competition.epsilon import FloatArray

EMISSION = 10**12
REMEMBERED = 64
"""How many rounds of weights a behaviour can look back on."""


class Payment(NamedTuple):
    """What one epoch paid: miners' shares by hotkey, validators' shares and trusts in their order.

    Each kind of share sums to 1, or to 0 where nothing is paid.
    """

    miners: FloatArray
    validators: FloatArray
    trusts: FloatArray


class Panel:
    """Validators take the first uids, hotkeys of miners the next ones; all have been there long."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._validators, self._subnet = world.validators, world.subnet
        self._count, self._hotkeys = len(world.validators), world.hotkeys
        self._stakes = np.array([each.stake for each in world.validators], dtype=np.float64)
        self._bonds = Rows.empty(self._count + self._hotkeys)
        self._past: list[Posted] = []

    def epoch(self, block: int, last_step: int, own: Sequence[FloatArray]) -> Payment:
        """Set everybody's weights and pay; `own` are the standings that each validator found."""
        weights = self._posted(own)
        largest = np.maximum(weights.max(axis=1, keepdims=True), 1e-300)
        size, count = self._count + self._hotkeys, self._count
        matrix = np.zeros((count, size), dtype=np.int64)
        matrix[:, count:] = np.rint(weights / largest * U16)
        outcome = epoch(
            self._subnet,
            EpochInputs(
                block=block,
                last_step=last_step,
                stake=[each.stake for each in self._validators] + [0] * self._hotkeys,
                permit=[True] * count + [False] * self._hotkeys,
                last_update=[block] * size,
                registered=[0] * size,
                weights=Rows.from_dense(size, np.arange(count), matrix, matrix > 0),
                bonds=self._bonds,
                emission=EMISSION,
            ),
        )
        self._bonds = outcome.bonds
        return Payment(
            _shares(outcome.server_emission[count:]),
            _shares(outcome.validator_emission[:count]),
            real(outcome.trace.validator_trust[:count]),
        )

    def _posted(self, own: Sequence[FloatArray]) -> FloatArray:
        """A line a validator; those who wait see what all the others have set."""
        weights = np.zeros((self._count, self._hotkeys))
        waiting = [row for row, each in enumerate(self._validators) if each.behaviour.waits]
        others = [row for row in range(self._count) if row not in waiting]
        for row in others:
            weights[row] = self._validators[row].behaviour.weigh(own[row], self._past)
        self._past.append(Posted(weights[others], self._stakes[others]))
        del self._past[:-REMEMBERED]
        for row in waiting:
            weights[row] = self._validators[row].behaviour.weigh(own[row], self._past)
        return weights


def _shares(amounts: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> FloatArray:
    return np.asarray(amounts / max(int(amounts.sum()), 1))
