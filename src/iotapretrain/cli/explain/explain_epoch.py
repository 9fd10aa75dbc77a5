"""One epoch of Yuma Consensus, quantity by quantity."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from iotapretrain.cli.console import Cell, Table
from iotapretrain.cli.explain.inputs import YumaInput
from iotapretrain.rules.chain.fixed_point import Ticks, real
from iotapretrain.rules.chain.sparse_rows import Rows
from iotapretrain.rules.chain.yuma import EpochInputs, EpochOutcome, Hyperparameters, epoch

STORED_COLUMNS = (
    "uid",
    "stake_weight",
    "consensus",
    "incentive",
    "dividends",
    "trust",
    "as_miner",
    "as_validator",
    "emission",
)
WIDEST = 8


def tables(given: YumaInput) -> Iterator[Table]:
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
    stated = msgspec.structs.asdict(given.hyperparameters)
    return Hyperparameters(**{name: value for name, value in stated.items() if value is not None})


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


def _validators(outcome: EpochOutcome) -> Table:
    """The neurons that take part as validators, and what they stake, agree on and earn."""
    trace = outcome.trace
    stake, active, trust, dividends = map(
        real, (trace.stake, trace.active_stake, trace.validator_trust, trace.dividends)
    )
    rows: list[tuple[Cell, ...]] = [
        (
            int(uid),
            float(stake[uid]),
            bool(outcome.active[uid]),
            float(active[uid]),
            float(trust[uid]),
            float(dividends[uid]),
            bool(outcome.validator_permit[uid]),
        )
        for uid in trace.rows
    ]
    columns = ("uid", "stake", "active", "active_stake", "trust", "dividends", "new_permit")
    return Table(
        "Validators",
        columns,
        rows,
        "stake is a share of all stake; trust: what is left of its weights after clipping",
    )


def _miners(outcome: EpochOutcome) -> Table:
    trace = outcome.trace
    consensus, rank, incentive = map(real, (trace.consensus, trace.rank, trace.incentive))
    rows = [
        (uid, float(consensus[uid]), float(rank[uid]), float(incentive[uid]))
        for uid in range(len(incentive))
        if trace.weights[:, uid].any()
    ]
    columns = ("uid", "consensus", "rank", "incentive")
    return Table(
        "Miners",
        columns,
        rows,
        "consensus: the stake-weighted median; incentive: share of the rank",
    )


def _matrix(title: str, outcome: EpochOutcome, matrix: Ticks, note: str) -> Table:
    """Validators by miners; with many miners only the cells that are not 0, one a row."""
    values = real(matrix)
    validators, miners = outcome.trace.rows.tolist(), np.flatnonzero(values.any(axis=0)).tolist()
    if len(miners) <= WIDEST:
        columns = ("validator", *(f"uid {miner}" for miner in miners))
        lines = zip(validators, values[:, miners].tolist(), strict=True)
        return Table(title, columns, [(uid, *line) for uid, line in lines], note)
    cells = [
        (uid, miner, float(values[line, miner]))
        for line, uid in enumerate(validators)
        for miner in values[line].nonzero()[0].tolist()
    ]
    return Table(title, ("validator", "miner", "value"), cells, note)


def _emission(outcome: EpochOutcome) -> Table:
    stored = (
        outcome.stake_weight,
        outcome.consensus,
        outcome.incentive,
        outcome.dividends,
        outcome.validator_trust,
    )
    amounts = (outcome.server_emission, outcome.validator_emission, outcome.emission)
    rows = [
        (uid, *(int(column[uid]) for column in (*stored, *amounts)))
        for uid in range(len(outcome.emission))
    ]
    return Table(
        "Stored on the chain", STORED_COLUMNS, rows, "shares in parts of 65535, emission in rao"
    )
