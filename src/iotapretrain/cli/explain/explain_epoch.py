"""One epoch of Yuma Consensus, quantity by quantity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from iotapretrain.cli.console import PrintedTable
from iotapretrain.cli.explain.inputs import YumaInput
from iotapretrain.errors import InputError
from iotapretrain.rules.chain.fixed_point import Ticks, real
from iotapretrain.rules.chain.sparse_rows import Rows
from iotapretrain.rules.chain.yuma import EpochInputs, EpochOutcome, Hyperparameters, epoch

WIDEST = 8


def tables(given: YumaInput) -> Iterator[PrintedTable]:
    """Every intermediate quantity of the epoch, from weights and stake to emission."""
    outcome = epoch(_hyperparameters(given), _inputs(given))
    trace = outcome.trace
    yield _validators(outcome)
    yield _matrix("Weights", outcome, trace.weights, "masked, and each row divided by its sum")
    yield _matrix(
        "Clipped weights",
        outcome,
        trace.clipped_weights,
        "no entry above the consensus on its miner",
    )
    yield _miners(outcome)
    yield _matrix("Bonds", outcome, trace.bonds, "moving average, before it is stored")
    yield _emission(outcome)


def _hyperparameters(given: YumaInput) -> Hyperparameters:
    stated = given.hyperparameters
    known = [field.name for field in fields(Hyperparameters)]
    if unknown := stated.keys() - known:
        raise InputError(f"hyperparameters: no {min(unknown)!r}; there are {', '.join(known)}")
    chosen: dict[str, Any] = {key: value for key, value in stated.items() if value is not None}
    return Hyperparameters(**chosen)


def _inputs(given: YumaInput) -> EpochInputs:
    size = len(given.stake)
    return EpochInputs(
        block=given.block,
        last_step=given.last_step,
        stake=given.stake,
        permit=[stake > 0 for stake in given.stake] if given.permit is None else given.permit,
        last_update=[given.block] * size if given.last_update is None else given.last_update,
        registered=[0] * size if given.registered is None else given.registered,
        weights=Rows.from_pairs(given.weights, "weights"),
        bonds=Rows.empty(size) if given.bonds is None else Rows.from_pairs(given.bonds, "bonds"),
        emission=given.emission,
    )


def _validators(outcome: EpochOutcome) -> PrintedTable:
    """The neurons that take part as validators, and what they stake, agree on and earn."""
    trace, who = outcome.trace, outcome.trace.rows
    return PrintedTable.of(
        "Validators",
        {
            "uid": who.tolist(),
            "stake": real(trace.stake)[who].tolist(),
            "active": outcome.active[who].tolist(),
            "active_stake": real(trace.active_stake)[who].tolist(),
            "trust": real(trace.validator_trust)[who].tolist(),
            "dividends": real(trace.dividends)[who].tolist(),
            "new_permit": outcome.validator_permit[who].tolist(),
        },
        "stake is a share of all stake; trust: what is left of its weights after clipping",
    )


def _miners(outcome: EpochOutcome) -> PrintedTable:
    trace = outcome.trace
    who = np.flatnonzero(trace.weights.any(axis=0))
    return PrintedTable.of(
        "Miners",
        {
            "uid": who.tolist(),
            "consensus": real(trace.consensus)[who].tolist(),
            "rank": real(trace.rank)[who].tolist(),
            "incentive": real(trace.incentive)[who].tolist(),
        },
        "consensus: the stake-weighted median; incentive: share of the rank",
    )


def _matrix(title: str, outcome: EpochOutcome, matrix: Ticks, note: str) -> PrintedTable:
    """Validators by miners; with many miners only the cells that are not 0, one a row."""
    values = real(matrix)
    validators, miners = outcome.trace.rows.tolist(), np.flatnonzero(values.any(axis=0)).tolist()
    if len(miners) <= WIDEST:
        columns = ("validator", *(f"uid {miner}" for miner in miners))
        lines = zip(validators, values[:, miners].tolist(), strict=True)
        return PrintedTable(title, columns, [(uid, *line) for uid, line in lines], note)
    cells = [
        (uid, miner, float(values[line, miner]))
        for line, uid in enumerate(validators)
        for miner in values[line].nonzero()[0].tolist()
    ]
    return PrintedTable(title, ("validator", "miner", "value"), cells, note)


def _emission(outcome: EpochOutcome) -> PrintedTable:
    return PrintedTable.of(
        "Stored on the chain",
        {
            "uid": range(len(outcome.emission)),
            "stake_weight": outcome.stake_weight.tolist(),
            "consensus": outcome.consensus.tolist(),
            "incentive": outcome.incentive.tolist(),
            "dividends": outcome.dividends.tolist(),
            "trust": outcome.validator_trust.tolist(),
            "as_miner": outcome.server_emission.tolist(),
            "as_validator": outcome.validator_emission.tolist(),
            "emission": outcome.emission.tolist(),
        },
        "shares in parts of 65535, emission in rao",
    )
