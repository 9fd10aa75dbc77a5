"""python -m bench.routing [--json]: what routing reaches in the laboratory, and how fast that is.

Swarms of 96 miners, 3 epochs, 10 % of all routes uniform under every policy, machines of
0.2 to 1 s a pass, reports up to 5 s old, drop-outs and drift; each policy in the same swarms,
medians. The bound is all machines that are there, always busy, in the best of balances. Targets are
for the default world of 6 stages, over 20 swarms; other policies and worlds are tried in three, and
the worlds (of one epoch but for short ones) say how far the figures carry. Seconds are of processor
time: one thread does everything.
"""

from __future__ import annotations

import time
from functools import partial

from bench.measure import Figure, alternate, arguments, report
from iotapretrain.arena.swarm.routing_lab import play
from iotapretrain.arena.swarm.routing_study import RoutingStudy, study_routing
from iotapretrain.arena.swarm.routing_world import LabWorld
from iotapretrain.rules.swarm.routing import POLICIES

SEEDS, FEW = range(1, 21), range(1, 4)
EVENTS, BOUND, GAINS = 200_000, 0.85, {"random": 1.4, "shortest-queue": 1.1}
COMPARED = ("random", "shortest-queue", "ours")
VARIANTS = {
    "3 stages": LabWorld(stages=3, epochs=1),
    "8 stages": LabWorld(stages=8, epochs=1),
    "16 stages of 160 miners": LabWorld(miners=160, stages=16, epochs=1),
    "160 samples a member": LabWorld(samples=160 * 16),
    "16 slots a miner": LabWorld(cache=16, epochs=1),
    "5 slots a miner": LabWorld(cache=5, epochs=1),
    "a fifth lies about its queue": LabWorld(liars=0.2, epochs=1),
    "no drop-outs": LabWorld(churn=False, epochs=1),
    "2,000 miners": LabWorld(miners=2000, samples=40_000, epochs=1),
}


def events_a_second(policy: str) -> Figure:
    """Everything counted: the router's choices, the assignment, the drawing of machines."""
    world = LabWorld(epochs=1)
    run = partial(play, world, policy, 1)
    rate = run().events / alternate(run, clock=time.process_time)[0]
    label = f"events a processor second, {policy}"
    return Figure(label, "1/s", rate, None, None, f">= {EVENTS:,}", rate >= EVENTS)


def gains(study: RoutingStudy, label: str, has_targets: bool) -> list[Figure]:
    """Ours beside the two that are beaten most and least by reputation."""
    figures = []
    for other, target in GAINS.items():
        ratio = study.gain("ours", other)
        ours, peer = (study.median(name, "efficiency") for name in ("ours", other))
        asked = (f"ratio >= {target}", ratio >= target) if has_targets else (None, None)
        name = f"share of the bound, {label}, ours against {other}"
        figures.append(Figure(name, "", ours, peer, ratio, *asked))
    return figures


def main() -> None:
    options = arguments(__doc__)
    figures = [events_a_second(policy) for policy in ("random", "ours")]
    study = study_routing(LabWorld(), COMPARED, SEEDS)
    reached = study.median("ours", "efficiency")
    label, met = "share of the bound, 6 stages, ours", reached >= BOUND
    figures.append(Figure(label, "", reached, None, None, f">= {BOUND}", met))
    figures += gains(study, "6 stages", True)
    others = study_routing(LabWorld(), [name for name in POLICIES if name not in COMPARED], FEW)
    for name in others.results:
        reached = others.median(name, "efficiency")
        label = f"share of the bound, 6 stages, {name}"
        figures.append(Figure(label, "", reached, None, None, None, None))
    for label, world in VARIANTS.items():
        figures += gains(study_routing(world, COMPARED, FEW), label, False)
    report("routing", figures, options.json)


if __name__ == "__main__":
    main()
