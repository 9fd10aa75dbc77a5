"""python -m bench.world [--json] [--epochs N] [--processes N]: whole swarms in virtual time.

Random scenarios (kills of every role at random records, partitions, delay, loss, duplicates, a
fifth of the miners gone each epoch) until so many epochs of stages are over, each checked for all
that must hold; then goodput beside IOTA's phases in the same swarms, events a second, and memory.
Epochs are counted by stage: no stage waits for another.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

from bench.measure import Figure, report
from iotapretrain.arena.swarm.scenario import Scenario, random_scenario
from iotapretrain.arena.swarm.swarm_report import SwarmReport, play_scenario
from iotapretrain.arena.swarm.swarm_world import SwarmWorld

EVENTS, GOODPUT, ADMITTED = 20_000, 0.95, 0.99
EPOCHS_A_WORLD = 20
COMPARED = 5


def storm(seed: int) -> SwarmReport:
    """One bad fortnight."""
    return play_scenario(random_scenario(seed, epochs=EPOCHS_A_WORLD))


def storms(epochs: int, processes: int) -> Iterator[SwarmReport]:
    """Random scenarios by seed until there are so many epochs."""
    done, first = 0, 1
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        while done < epochs:
            seeds = range(first, first + 8 * processes)
            for each in pool.map(storm, seeds):
                done += each.stage_epochs
                yield each
            first = seeds.stop


def endured(reports: list[SwarmReport]) -> list[Figure]:
    """What held, over all of them."""
    epochs = sum(each.stage_epochs for each in reports)
    wrong = [f"seed {each.seed}: {what}" for each in reports for what in each.broken]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    newcomers = sum(each.placed for each in reports)
    late = sum(each.slow for each in reports)
    share = 1 - late / max(newcomers, 1)
    label = f"broken invariants in {epochs:,} epochs, seeds 1 to {len(reports)}"
    return [
        Figure(label, "", len(wrong), None, None, "0", not wrong),
        Figure("merges in them", "", sum(e.merges for e in reports), None, None, None, None),
        Figure(
            f"of {newcomers:,} newcomers ready within an epoch",
            "",
            share,
            None,
            None,
            f">= {ADMITTED}",
            share >= ADMITTED,
        ),
    ]


def churned(seed: int, samples: int, phases: str) -> SwarmReport:
    """A fifth of the miners goes each epoch, half with notice, half killed and back with its disk.

    What that costs depends on how much work an epoch has.
    """
    scenario = Scenario(miners=8, seed=seed, epochs=EPOCHS_A_WORLD, samples=samples).churn(0.2)
    return play_scenario(replace(scenario, phases=phases))


def goodput() -> list[Figure]:
    """Ours beside IOTA's phases, in the same swarms with as many samples an epoch."""
    figures = []
    for samples in (10, 32, 64):
        ours, iota = (
            statistics.median(
                churned(seed, samples, phases).goodput for seed in range(1, COMPARED + 1)
            )
            for phases in ("ours", "iota")
        )
        name = f"goodput at 20 % churn, {samples} samples a member and epoch, against IOTA's"
        met = ours >= GOODPUT
        figures.append(Figure(name, "", ours, iota, ours / iota, f">= {GOODPUT}", met))
    return figures


def speed() -> list[Figure]:
    """Events a processor second, and what a longer log takes."""
    started = time.process_time()
    world = SwarmWorld(Scenario(miners=12, stages=3, epochs=20, samples=32)).play()
    rate = world.ways.events / (time.process_time() - started)
    sizes = []
    for epochs in (100, 400):
        SwarmWorld(Scenario(epochs=epochs)).play()
        sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    grown = (sizes[1] - sizes[0]) / 300 * 1024
    return [
        Figure(
            "events a processor second", "1/s", rate, None, None, f">= {EVENTS:,}", rate >= EVENTS
        ),
        Figure("memory, 100 epochs", "MiB", sizes[0], None, None, None, None),
        Figure("memory an epoch more, with its log", "KiB", grown, None, None, None, None),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--epochs", type=int, default=10_000, help="of stages, in random scenarios")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    figures = [*speed(), *goodput(), *endured(list(storms(given.epochs, given.processes)))]
    report("world", figures, given.json)


if __name__ == "__main__":
    main()
