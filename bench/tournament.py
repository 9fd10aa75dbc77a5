"""python -m bench.tournament [--json]: counting per-page wins, arrays against plain loops.

The loops take half a minute for 1,000 pages, so they are timed on 40 and scaled by the page: their
work is the same for every page. The figures say so, and give the same 40 pages for both as well.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np

from bench.measure import Figure, alternate, arguments, report
from bench.plain import tournament as plain
from iotapretrain.rules.competition.epsilon import LinearDecay
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import WHITEPAPER, RoundRules, play
from iotapretrain.rules.competition.wins import count_wins

MODELS, PAGES, FEW = 256, 1_000, 40
NOW = 5_100_000
EPSILON = LinearDecay(0.005, 0.0001, 14_400)
DECAY = plain.Decay(0.005, 0.0001, 14_400)
TARGET = 300


def drawn() -> Field:
    """Models of nearly equal quality on the same pages; some share a block or losses."""
    rng = np.random.default_rng(9)
    losses = rng.normal(2.5, 0.3, PAGES) * (1 + rng.normal(0, 0.004, (MODELS, PAGES)))
    losses[1::16] = losses[::16]
    blocks = NOW - rng.integers(0, 20_000, MODELS) // 20 * 20
    return Field.of(range(MODELS), blocks, losses=losses)


def peak_megabytes(call: Callable[[], object]) -> float:
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def against(name: str, ours: float, peer: float, target: int | None = None) -> Figure:
    ratio = peer / ours
    if target is None:
        return Figure(name, "s", ours, peer, ratio, None, None)
    return Figure(name, "s", ours, peer, ratio, f"ratio >= {target}", ratio >= target)


def alone(name: str, unit: str, ours: float) -> Figure:
    return Figure(name, unit, ours, None, None, None, None)


def main() -> None:
    options = arguments(__doc__)
    field = drawn()
    assert field.losses is not None
    losses, blocks, epsilons = field.losses, field.blocks, EPSILON.at(field.ages(NOW))
    few, dates = losses[:, :FEW], [int(block) for block in blocks]
    rows = few.tolist()
    counted = count_wins(few, blocks, epsilons).tolist()
    assert counted == plain.wins(rows, dates, DECAY, NOW)
    assert counted == plain.frugal_wins(rows, dates, DECAY, NOW)

    ours, ours_few, loops, frugal, whole_round = alternate(
        lambda: count_wins(losses, blocks, epsilons),
        lambda: count_wins(few, blocks, epsilons),
        lambda: plain.wins(rows, dates, DECAY, NOW),
        lambda: plain.frugal_wins(rows, dates, DECAY, NOW),
        lambda: play(field, RoundRules(EPSILON, WHITEPAPER), NOW),
    )
    peak = peak_megabytes(lambda: count_wins(losses, blocks, epsilons))
    scale, how = PAGES / FEW, f"loops timed on {FEW} pages, scaled by the page"
    counting = f"per-page wins, {MODELS} models x {PAGES:,} pages"
    figures = [
        against(f"{counting}, against the formula in loops ({how})", ours, loops * scale, TARGET),
        against(f"{counting}, against loops that adjust once ({how})", ours, frugal * scale),
        against(f"per-page wins, {MODELS} models x {FEW} pages for both", ours_few, loops),
        alone(f"a whole round on {PAGES:,} pages, down to weights", "s", whole_round),
        alone(f"added peak memory of {counting}", "MB", peak),
    ]
    report("tournament", figures, options.json)


if __name__ == "__main__":
    main()
