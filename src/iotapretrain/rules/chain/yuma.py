"""Yuma consensus: what one epoch makes of stake, weights and bonds (Yuma, sections 4 to 11).

Exact: every number is a whole number of 2^-32, as on chain (`fixed`). Matrices have one line a
validator, not one a neuron: nobody else has any part in them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iotapretrain.errors import InputError
from iotapretrain.rules.chain import bonds
from iotapretrain.rules.chain.epoch_inputs import EpochInputs
from iotapretrain.rules.chain.fixed_point import (
    Ticks,
    amounts,
    fractions,
    normalise,
    product,
    quotient,
    shares,
    stored,
)
from iotapretrain.rules.chain.hyperparameters import Hyperparameters
from iotapretrain.rules.chain.sparse_rows import Rows

__all__ = [
    "EpochInputs",
    "EpochOutcome",
    "Hyperparameters",
    "Rows",
    "Trace",
    "consensus",
    "epoch",
    "weighted_medians",
]

Uids = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Trace:
    """Every quantity on the way, in ticks (`fixed.real` makes fractions of them).

    Line k of a matrix belongs to the neuron `rows[k]`.
    """

    rows: Uids
    stake: Ticks
    active_stake: Ticks
    weights: Ticks
    consensus: Ticks
    clipped_weights: Ticks
    validator_trust: Ticks
    rank: Ticks
    incentive: Ticks
    bonds: Ticks
    dividends: Ticks


@dataclass(frozen=True, eq=False)
class EpochOutcome:
    """What the chain stores after an epoch, one value a neuron (section 11).

    `emission` is the combined amount, the score for pruning; what is paid are `server_emission`
    and `validator_emission`. All three are in whole units.
    """

    stake_weight: NDArray[np.uint16]
    active: Mask
    consensus: NDArray[np.uint16]
    incentive: NDArray[np.uint16]
    dividends: NDArray[np.uint16]
    validator_trust: NDArray[np.uint16]
    validator_permit: Mask
    emission: NDArray[np.int64]
    server_emission: NDArray[np.int64]
    validator_emission: NDArray[np.int64]
    bonds: Rows
    trace: Trace


def epoch(hyperparameters: Hyperparameters, inputs: EpochInputs) -> EpochOutcome:
    """Run one epoch. The permits it issues hold from the next one on."""
    owner = hyperparameters.owner_uid
    if owner is not None and owner >= inputs.size:
        raise InputError(f"owner_uid: {owner} is not one of the {inputs.size} neurons")
    permit = _with_owner(inputs.permit, owner)
    active = inputs.last_update + hyperparameters.activity_cutoff >= inputs.block
    stake = _normalised_stake(hyperparameters, inputs)
    active_stake = normalise(np.where(active & permit, stake, 0))
    rows = np.flatnonzero(permit | inputs.bonds.filled())  # bonds, too, if a permit was lost

    weights, present = _weights(hyperparameters, inputs, permit, rows)
    agreed = consensus(weights, active_stake[rows], hyperparameters.kappa)
    clipped = np.minimum(weights, agreed)
    rank = product(clipped, active_stake[rows, None]).sum(axis=0)
    incentive = normalise(rank)
    new = bonds.renewed(
        hyperparameters,
        weights,
        clipped,
        present,
        agreed,
        _old_bonds(hyperparameters, inputs, rows),
        active_stake[rows],
    )
    dividends = bonds.dividends(hyperparameters, new.average, incentive, active_stake[rows])
    trace = Trace(
        rows=rows,
        stake=stake,
        active_stake=active_stake,
        weights=weights,
        consensus=agreed,
        clipped_weights=clipped,
        validator_trust=_spread(clipped.sum(axis=1), rows, inputs.size),
        rank=rank,
        incentive=incentive,
        bonds=new.average,
        dividends=_spread(dividends, rows, inputs.size),
    )
    new_permit = _with_owner(top_nonzero(stake, hyperparameters.max_allowed_validators), owner)
    return _outcome(trace, active, new_permit, new, inputs.emission)


def _with_owner(permit: Mask, owner: int | None) -> Mask:
    """The owner always holds a permit."""
    if owner is None:
        return permit
    granted = permit.copy()
    granted[owner] = True
    return granted


def _normalised_stake(hyperparameters: Hyperparameters, inputs: EpochInputs) -> Ticks:
    """Shares of the stake that reaches the threshold (section 4)."""
    enough = _with_owner(inputs.stake >= hyperparameters.stake_threshold, hyperparameters.owner_uid)
    return shares(np.where(enough, inputs.stake, 0))


def _weights(
    hyperparameters: Hyperparameters, inputs: EpochInputs, permit: Mask, rows: Uids
) -> tuple[Ticks, Mask]:
    """Each validator's valid weights, adding up to 1, and which entries there are (section 5)."""
    values = inputs.weights.dense(rows, absent=-1)
    valid = inputs.last_update[rows, None] > inputs.registered
    if hyperparameters.commit_reveal:
        valid &= inputs.commit_block[rows, None] >= inputs.registered
    valid &= permit[rows, None]
    others = rows != hyperparameters.owner_uid
    valid[np.flatnonzero(others), rows[others]] = False
    present = valid & (values >= 0)
    values = np.where(present, values, 0)
    return fractions(values, values.sum(axis=1, keepdims=True)), present


def _old_bonds(hyperparameters: Hyperparameters, inputs: EpochInputs, rows: Uids) -> Ticks:
    """Stored bonds but for those on neurons registered since the last epoch (section 9)."""
    if inputs.last_step > 0:
        last_tempo = inputs.last_step + 1
    else:
        last_tempo = max(inputs.block - hyperparameters.tempo, 0)
    values = inputs.bonds.dense(rows)
    values[:, inputs.registered >= last_tempo] = 0
    return values


def consensus(weights: Ticks, active_stake: Ticks, kappa: int) -> Ticks:
    """For each column the largest weight that at least `kappa` of the active stake supports.

    Only rows with active stake take part; a row without an entry takes part with the weight 0
    (section 6).
    """
    voting = active_stake > 0
    stake = normalise(active_stake[voting])
    return weighted_medians(weights[voting], stake, int(stake.sum()) - kappa)


def weighted_medians(scores: Ticks, stake: Ticks, minority: int) -> Ticks:
    """For each column the lowest score such that stake on scores up to it exceeds `minority`.

    Where none does, the highest.
    """
    count, columns = scores.shape
    if count == 0:
        return np.zeros(columns, np.int64)
    bits = count.bit_length()
    keys = scores.T.copy()  # a sort then orders scores together with their rows
    keys <<= bits
    keys |= np.arange(count)
    keys.sort(axis=1)
    reached = stake[keys & ((1 << bits) - 1)].cumsum(axis=1)
    place = (reached > minority).argmax(axis=1) if stake.sum() > minority else count - 1
    found: Ticks = keys[np.arange(columns), place] >> bits
    return found


def top_nonzero(stake: Ticks, limit: int) -> Mask:
    """The `limit` largest stakes above 0; of equal ones the higher uid (section 11)."""
    top = stake > 0
    top[np.argsort(stake, kind="stable")[: max(len(stake) - limit, 0)]] = False
    return top


def _spread(values: Ticks, rows: Uids, size: int) -> Ticks:
    """Values of the lines as values of all neurons."""
    result = np.zeros(size, np.int64)
    result[rows] = values
    return result


def _emission_shares(trace: Trace) -> tuple[Ticks, Ticks, Ticks]:
    """Shares of servers, of validators, and of both together (section 10)."""
    both = trace.incentive + trace.dividends
    total = int(both.sum())
    if total > 0:
        return (
            quotient(trace.incentive, total),
            quotient(trace.dividends, total),
            quotient(both, total),
        )
    fallback = trace.active_stake if trace.active_stake.any() else trace.stake
    return np.zeros_like(fallback), fallback, fallback


def _outcome(
    trace: Trace, active: Mask, permit: Mask, new: bonds.Bonds, emission: int
) -> EpochOutcome:
    servers, validators, combined = _emission_shares(trace)
    return EpochOutcome(
        stake_weight=stored(trace.stake),
        active=active,
        consensus=stored(trace.consensus),
        incentive=stored(trace.incentive),
        dividends=stored(trace.dividends),
        validator_trust=stored(trace.validator_trust),
        validator_permit=permit,
        emission=amounts(combined, emission),
        server_emission=amounts(servers, emission),
        validator_emission=amounts(validators, emission),
        bonds=Rows.from_dense(
            len(permit), trace.rows, stored(new.to_store), new.present & permit[trace.rows, None]
        ),
        trace=trace,
    )
