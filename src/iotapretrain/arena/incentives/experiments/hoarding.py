"""A fixed epsilon rewards keeping better models back until needed; decay takes that away
(whitepaper, 3.4.2).

Miners of equal skill. Steady ones publish what beats everything by epsilon; hoarders only when they
are not champion; eager ones publish every improvement; squatters publish as soon as their last
model is beaten, and then sit on its date. Half a field against the other half, the duel of hoarders
on six seeds; and fields of one kind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from iotapretrain.arena.incentives.experiment import ClaimCheck, Column, Played, borne_out
from iotapretrain.arena.incentives.figure import COLOURS, Drawing, legend_below, level, percent
from iotapretrain.arena.incentives.round_history import RoundHistory
from iotapretrain.arena.incentives.strategies import Strategy, eager, hoarder, squatter, steady
from iotapretrain.arena.incentives.world import EPSILONS, SimulatedWorld, alike
from iotapretrain.rules.competition.tournament import RoundRules

NAME, SHARE = "hoarding", 0.5

KINDS: Mapping[str, Strategy] = {
    "steady": steady,
    "hoarder": hoarder,
    "eager": eager,
    "squatter": squatter,
}
PLURAL = {"steady": "steady", "hoarder": "hoarders", "eager": "eager"}
ALONE = tuple(PLURAL)
DUELS = (("hoarder", "steady"), ("eager", "steady"), ("squatter", "eager"), ("steady", "squatter"))
REPLICATES = 6

Key = tuple[str, str, str, int]


def worlds(models: int) -> Mapping[Key, SimulatedWorld]:
    half = models // 2
    crowds = [(kind, kind) for kind in ALONE] + list(DUELS)
    return {
        (rule, one, other, replicate): SimulatedWorld(
            alike(half, KINDS[one]) + alike(half, KINDS[other]),
            RoundRules(epsilon),
            replicate=replicate,
        )
        for rule, epsilon in EPSILONS.items()
        for one, other in crowds
        for replicate in range(REPLICATES if (one, other) == DUELS[0] else 1)
    }


def duels(runs: Mapping[Key, Played], rule: str, one: str, other: str) -> list[float]:
    """What the first of two kinds earns beside the second, where 1 is an equal share; by seed."""
    found = [run for key, run in runs.items() if key[:3] == (rule, one, other)]
    return [2 * run.earned(*range(len(run.world.miners) // 2)) for run in found]


def pay(runs: Mapping[Key, Played], rule: str, one: str, other: str) -> float:
    """The same, on average over the seeds."""
    return float(np.mean(duels(runs, rule, one, other)))


def error(runs: Mapping[Key, Played], rule: str) -> float:
    """The standard error of what hoarders earn beside steady improvers."""
    paid = duels(runs, rule, *DUELS[0])
    return float(np.std(paid, ddof=1)) / math.sqrt(len(paid))


def alone(runs: Mapping[Key, Played], rule: str, kind: str) -> RoundHistory:
    """What became of a field of one kind."""
    return runs[rule, kind, kind, 0].history


def columns(runs: Mapping[Key, Played]) -> Sequence[Column]:
    fields = {kind: [alone(runs, rule, kind) for rule in EPSILONS] for kind in ALONE}
    return (
        Column("epsilon", "", list(EPSILONS)),
        *(
            Column(
                f"pay of {one} against {other}",
                ".2f",
                [pay(runs, rule, one, other) for rule in EPSILONS],
            )
            for one, other in DUELS
        ),
        *(
            Column(f"all {PLURAL[kind]}: improved", ".1%", [each.improvement() for each in field])
            for kind, field in fields.items()
        ),
        *(
            Column(f"all {PLURAL[kind]}: kept back", ".2%", [each.kept_back() for each in field])
            for kind, field in fields.items()
        ),
    )


def beats(pay: Sequence[float]) -> str:
    """What half a field does to the other half, under every rule."""
    return borne_out(min(pay) > 1, "beats", "does not always beat")


def evidence(runs: Mapping[Key, Played]) -> list[ClaimCheck]:
    fixed, slow, fast = EPSILONS
    hoarders = {rule: pay(runs, rule, *DUELS[0]) for rule in EPSILONS}
    prompt, sitting, waiting = ([pay(runs, rule, *duel) for rule in EPSILONS] for duel in DUELS[1:])
    kept = {rule: alone(runs, rule, "hoarder").kept_back() for rule in EPSILONS}
    slowly, fastest = (alone(runs, slow, kind).improvement() for kind in ("steady", "eager"))
    return [
        ClaimCheck(
            hoarders[fixed] > 1.1,
            f"Under a fixed 0.5 % hoarding {borne_out(hoarders[fixed] > 1, 'pays', 'costs')}: half "
            f"the field hoards, and earns {hoarders[fixed]:.2f} of an equal share (standard error "
            f"{error(runs, fixed):.2f}), steady improvers of the same skill "
            f"{2 - hoarders[fixed]:.2f}.",
        ),
        ClaimCheck(
            max(hoarders[slow], hoarders[fast]) < 1.05,
            f"Decay over 7 days leaves hoarders {hoarders[slow]:.2f}, over 2 days "
            f"{hoarders[fast]:.2f}"
            + borne_out(
                hoarders[slow] > hoarders[fast] > 1,
                ": it must be fast to count, and even then it does not turn the sign",
            )
            + ".",
        ),
        ClaimCheck(
            kept[fast] < kept[fixed],
            f"Where all hoard, {kept[fixed]:.2%} of loss is kept back under the fixed epsilon and "
            f"{kept[fast]:.2%} under the fast decay. Steady improvers keep back as much: epsilon "
            "itself tells them to wait.",
        ),
        ClaimCheck(
            None,
            f"No strategy is best. Publishing every improvement at once {beats(prompt)} waiting "
            f"(at least {min(prompt):.2f} of an equal share); sitting on an early date within "
            f"epsilon of the best {beats(sitting)} publishing at once (at least "
            f"{min(sitting):.2f}); and waiting {beats(waiting)} sitting (at least "
            f"{min(waiting):.2f}). Epsilon pays for a date as well as for a model.",
        ),
        ClaimCheck(
            None,
            f"Progress is {borne_out(fastest > slowly, 'fastest', 'not faster')} where all publish "
            f"at once: {fastest:.1%} against {slowly:.1%} where all wait"
            + borne_out(fastest > slowly, ", since everybody starts from the newest model")
            + ".",
        ),
    ]


def draw(figure: Drawing, runs: Mapping[Key, Played]) -> None:
    left, right = figure.subplots(1, 2, width_ratios=(11, 9))
    for place, rule in enumerate(EPSILONS):
        at = np.arange(len(DUELS)) + (place - 1) * 0.26
        left.bar(at, [pay(runs, rule, *duel) for duel in DUELS], 0.24, color=COLOURS[place])
        at = np.arange(len(ALONE)) + (place - 1) * 0.26
        progress = [alone(runs, rule, kind).improvement() for kind in ALONE]
        right.bar(at, progress, 0.24, color=COLOURS[place], label=rule)
    level(left, 1)
    left.set(ylabel="pay, equal share = 1", title="Half a field against the other half")
    left.set_xticks(range(len(DUELS)), [f"{one}\nagainst\n{other}" for one, other in DUELS])
    right.set(ylabel="loss below the first champion's", title="Progress of one kind alone")
    right.set_xticks(range(len(ALONE)), [f"all\n{PLURAL[kind]}" for kind in ALONE])
    percent(right.yaxis)
    for axes in (left, right):
        axes.grid(axis="x", visible=False)
    legend_below(figure, right, 3)
