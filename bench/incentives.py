"""python -m bench.incentives [--json]: how many rounds a second the incentive laboratory plays.

A round is training, every strategy's decision, drawn losses by page, the whole shipped tournament
with its filter and margins, and the average. Per page without a filter, and with validators before
Yuma, are given beside it; they have no target. Seconds are of processor time: one thread does
everything, and what else a machine does is no part of the figure.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Mapping
from functools import partial

from bench.measure import Figure, alternate, arguments, report
from iotapretrain.arena.incentives.simulation import simulate
from iotapretrain.arena.incentives.validator_behaviours import Honest
from iotapretrain.arena.incentives.world import (
    LAST_SCHEDULED,
    SimulatedValidator,
    SimulatedWorld,
    improvers,
)
from iotapretrain.rules.competition.tournament import MODES, RoundRules

MODELS, ROUNDS, LONG = 30, 500, 5_000
TARGET = 2_000
PEAK_MB = 20


def worlds() -> Mapping[str, SimulatedWorld]:
    """What is timed, by name."""
    crowd = improvers(MODELS)
    panel = (SimulatedValidator(Honest()),) * 5
    return {
        "one score, strict filter": SimulatedWorld(crowd),
        "per page, no filter": SimulatedWorld(
            crowd, RoundRules(LAST_SCHEDULED.epsilon, MODES["whitepaper"])
        ),
        "one score, five validators on the same pages, Yuma": SimulatedWorld(
            crowd, validators=panel
        ),
    }


def peak_megabytes(world: SimulatedWorld) -> float:
    tracemalloc.start()
    simulate(world, LONG, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    options = arguments(__doc__)
    timed = worlds()
    calls = [partial(simulate, world, ROUNDS, 1) for world in timed.values()]
    seconds = alternate(*calls, clock=time.process_time)
    figures = []
    for place, (name, taken) in enumerate(zip(timed, seconds, strict=True)):
        rate = ROUNDS / taken
        target, met = (f">= {TARGET:,}", rate >= TARGET) if place == 0 else (None, None)
        label = f"rounds a processor second, {MODELS} models, 20 pages, {name}"
        figures.append(Figure(label, "1/s", rate, None, None, target, met))
    peak = peak_megabytes(next(iter(timed.values())))
    label = f"added peak memory, {LONG:,} rounds with their history"
    figures.append(Figure(label, "MB", peak, None, None, f"<= {PEAK_MB} MB", peak <= PEAK_MB))
    report("incentives", figures, options.json)


if __name__ == "__main__":
    main()
