"""python -m bench.attribution [--json]: how many samples it takes to see who raises the loss.

The specification's toy: five stages of five miners, uniform routes, losses with a spread of 0.2,
one miner that raises them. Ours beside the specification's share of trials in which the miner is
found, and how often anybody else is suspected.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import numpy as np

from bench.measure import Figure, arguments, report
from iotapretrain.rules.swarm.attribution import FALSE_ALARMS, attribute

STAGES, MINERS, SPREAD, MEAN = 5, 5, 0.2, 4.5
TRIALS, SEED = 300, 9
SPECIFIED = {
    (0.45, 50): 0.89,
    (0.45, 100): 0.997,
    (0.10, 500): 0.83,
    (0.10, 1000): 0.997,
    (0.045, 3000): 0.94,
}
"""By what a miner adds to the loss and samples of all routes: the share of trials that find it."""
CULPRIT = 13
TOLERANCE = 0.03
"""Less than two standard errors of a share of 0.9 in so many trials, which is 0.035."""
HONEST, HONEST_TRIALS = (50, 500), 2_000

Sample = tuple[list[str], float]


def toy(rng: np.random.Generator, samples: int, added: float) -> list[Sample]:
    """A window in which the culprit adds so much to the losses of its routes."""
    routes = rng.integers(MINERS, size=(samples, STAGES)) + MINERS * np.arange(STAGES)
    losses = rng.normal(MEAN, SPREAD, samples) + added * (routes == CULPRIT).any(axis=1)
    names = np.array([f"miner {at}" for at in range(STAGES * MINERS)])
    return list(zip(names[routes].tolist(), losses.tolist(), strict=True))


def trials(
    added: float, samples: int, count: int = TRIALS, seed: int = SEED
) -> tuple[float, float]:
    """Shares of trials in which the culprit is suspected, and in which anybody else is."""
    rng = np.random.default_rng((seed, samples, round(added * 1e6)))
    found, false = 0, 0
    culprit = f"miner {CULPRIT}"
    for _ in range(count):
        suspected = {each.miner for each in attribute(toy(rng, samples, added)) if each.suspicions}
        found += culprit in suspected
        false += bool(suspected - {culprit})
    return found / count, false / count


def figures() -> Iterator[Figure]:
    bound, others = sum(FALSE_ALARMS.values()), []
    for (added, samples), specified in SPECIFIED.items():
        found, false = trials(added, samples)
        others.append(false)
        name = f"{added:g} nats, {samples:,} samples: found"
        target = f">= the specification's {specified:g} less {TOLERANCE:g}"
        met = found >= specified - TOLERANCE
        yield Figure(name, "share", found, specified, found / specified, target, met)
    name = f"of {TRIALS * len(others):,} such windows, with others suspected"
    yield _alarms(name, statistics.fmean(others), bound)
    for samples in HONEST:
        false = trials(0.0, samples, HONEST_TRIALS)[1]
        name = f"of {HONEST_TRIALS:,} honest windows of {samples:,} samples, with anybody suspected"
        yield _alarms(name, false, bound)


def _alarms(name: str, false: float, bound: float) -> Figure:
    return Figure(name, "share", false, bound, None, f"<= {bound:g}", false <= bound)


def main() -> None:
    options = arguments(__doc__)
    report("attribution", list(figures()), options.json)


if __name__ == "__main__":
    main()
