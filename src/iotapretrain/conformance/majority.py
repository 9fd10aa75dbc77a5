"""The property vectors of Yuma: a majority of stake keeps its share, whatever the others do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotapretrain.conformance.compare import CaseResult
from iotapretrain.conformance.subnet_replay import needed
from iotapretrain.rules.chain.fixed_point import U16
from iotapretrain.rules.chain.yuma import EpochInputs, Hyperparameters, Rows, epoch

NEURONS, VALIDATORS = 512, 64
STAKE = 21 * 10**15
EMISSION = 10**9
SEEDS = range(3)

_SIZES = ("major_stake", "major_weight", "minor_weight", "weight_stddev")


def property_cases(document: dict[str, Any]) -> Iterator[CaseResult]:
    """Each case with both models of bonds and several seeds."""
    name = needed(document, "name", "property file")
    for number, case in enumerate(needed(document, "cases", str(name))):
        label = f"{name}[{number}]"
        if name != "consensus_guarantee":
            yield CaseResult(label, False, "a property that we know", f"unknown property {name!r}")
            continue
        for yuma3, seed in product((False, True), SEEDS):
            model = "yuma3" if yuma3 else "classic"
            yield _guaranteed(f"{label} {model} seed {seed}", case, yuma3, seed)


def _guaranteed(name: str, case: Mapping[str, Any], yuma3: bool, seed: int) -> CaseResult:
    majority, *weights = (float(needed(case, key, name)) for key in _SIZES)
    bound = majority - case.get("slack", 0.0)
    validators = _major(majority, VALIDATORS)
    servers = VALIDATORS + _major(majority, NEURONS - VALIDATORS)
    rng = np.random.default_rng(seed)
    outcome = epoch(
        Hyperparameters(
            kappa_u16=32767,
            bonds_penalty_u16=needed(case, "bonds_penalty_u16", name),
            yuma3=yuma3,
            commit_reveal=False,
        ),
        EpochInputs(
            block=1,
            last_step=0,
            stake=_stakes(rng, majority, validators),
            permit=np.arange(NEURONS) < VALIDATORS,
            last_update=np.ones(NEURONS, np.int64),
            registered=np.zeros(NEURONS, np.int64),
            weights=_weights(rng, validators, servers, weights),
            bonds=Rows.empty(NEURONS),
            emission=EMISSION,
        ),
    )
    earned = outcome.emission[:validators].sum() + outcome.emission[VALIDATORS:servers].sum()
    share = float(earned / outcome.emission.sum())
    return CaseResult(name, share >= bound, f"at least {bound}", share)


def _major(share: float, count: int) -> int:
    return min(max(int(share * count), 1), count - 1)


def _spread(rng: np.random.Generator, count: int, stddev: float) -> NDArray[np.float64]:
    """Shares that add up to 1, from normal draws around 1."""
    draws = np.maximum(rng.normal(1.0, stddev, count), 0.0)
    parts: NDArray[np.float64] = draws / draws.sum()
    return parts


def _stakes(rng: np.random.Generator, majority: float, validators: int) -> NDArray[np.int64]:
    stake = np.zeros(NEURONS)
    stake[:validators] = _spread(rng, validators, 0.3) * majority
    stake[validators:VALIDATORS] = _spread(rng, VALIDATORS - validators, 0.3) * (1 - majority)
    return (stake * STAKE).astype(np.int64)


def _weights(
    rng: np.random.Generator, validators: int, servers: int, sizes: Sequence[float]
) -> Rows:
    """Each validator spreads its weight over the major and over the minor servers."""
    major_weight, minor_weight, stddev = sizes
    matrix = np.zeros((VALIDATORS, NEURONS))
    for row in range(VALIDATORS):
        on_major = major_weight if row < validators else 1 - minor_weight
        matrix[row, VALIDATORS:servers] = on_major * _spread(rng, servers - VALIDATORS, stddev)
        matrix[row, servers:] = (1 - on_major) * _spread(rng, NEURONS - servers, stddev)
    stored = (matrix * U16).astype(np.int64)
    return Rows.from_dense(NEURONS, np.arange(VALIDATORS), stored, stored > 0)
