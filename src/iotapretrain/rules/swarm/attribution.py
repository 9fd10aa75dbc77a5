"""Who raises the loss: from the routes of samples and the losses at their ends (CLASP).

It never pays or punishes: losses cannot tell a liar from whom it frames, so both are audited more.
It differs from the specification (section 9). Only culprits get a part in the fit: 50 samples do.
Thresholds follow from the number of miners: an honest window flags anybody in 1 % of cases. One
window is enough, and eight together find what none does: to wait for two in succession lets through
whoever cheats in every other one. Pairs are tried: a tail that reports more for one miner and less
for others keeps its own mean. Whole stages that lie alike are beyond losses, not beyond audits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, fmean
from typing import Literal

import numpy as np
import numpy.typing as npt

from iotapretrain.errors import InputError

NEAREST = 200  # losses nearest in time, whose median a loss is compared with
CLIPPED = 5.0  # median deviations at which a deviation ends
LEAST_EXCESS = 0.01  # nats; less is no harm, however sure
TOLD_APART = 2.0  # standard errors; whoever is nearer to the worst is suspected with it
REMEMBERED = 8  # windows that are looked at together
FAR, TINY, ALIASED = 1e6, 1e-12, 1e-6  # where a loss ends; no spread; no sample of one's own

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Suspicion = Literal["loss", "spread", "pair", "lasting"]
FALSE_ALARMS: dict[Suspicion, float] = {"loss": 6e-3, "spread": 1e-3, "pair": 1e-3, "lasting": 2e-3}
"""Shares of honest windows in which each may flag anybody: 1 % together."""


@dataclass(frozen=True)
class Blame:
    """What a miner's routes lose beyond others of its stage: in nats, and in standard errors."""

    miner: str
    stage: int
    excess: float
    z: float
    suspicions: frozenset[Suspicion]


def threshold(suspicion: Suspicion, tests: int) -> float:
    """The deviate above which the largest of so many honest ones is as seldom as it may."""
    return NormalDist().inv_cdf(1 - FALSE_ALARMS[suspicion] / max(tests, 1))


def attribute(samples: Sequence[tuple[Sequence[str], float]]) -> tuple[Blame, ...]:
    """Every miner's part in a window's losses, from hotkeys by stage and the loss of each sample.

    Samples are in order of time. A loss that is no number counts as the highest.
    """
    if len({len(route) for route, _ in samples}) != 1:
        raise InputError("losses: give samples whose routes have a miner of each stage")
    held = sorted({hop for route, _ in samples for hop in enumerate(route)})
    place = {each: at for at, each in enumerate(held)}
    routes = np.array([[place[hop] for hop in enumerate(route)] for route, _ in samples])
    stages = np.array([stage for stage, _ in held])
    far = _deviations(np.array([loss for _, loss in samples], dtype=np.float64))
    bound = CLIPPED * float(np.median(np.abs(far))) or np.inf  # none where most are equal
    losses = _explain(routes, stages, np.clip(far, -bound, bound), "loss")
    squares = (far - losses.part) ** 2 + LEAST_EXCESS**2
    found: dict[Suspicion, frozenset[int]] = {
        "loss": losses.culprits,
        "spread": _explain(routes, stages, np.log(squares), "spread").culprits,
        "pair": _pairs(routes, stages, losses),
    }
    excess, z = losses.excess.tolist(), losses.z.tolist()
    return tuple(
        Blame(name, stage, excess[at], z[at], frozenset(why for why in found if at in found[why]))
        for at, (stage, name) in enumerate(held)
    )


def suspects(history: Sequence[Sequence[Blame]]) -> dict[str, frozenset[Suspicion]]:
    """Whom to audit more after the last of these windows, and why; windows must not overlap."""
    found: dict[str, frozenset[Suspicion]] = {}
    for each in history[-1]:  # twice where a miner has moved
        found[each.miner] = found.get(each.miner, frozenset()) | each.suspicions
    for miner in found:
        seen = [each for past in history[-REMEMBERED:] for each in past if each.miner == miner]
        together = sum(each.z for each in seen) / math.sqrt(len(seen))
        lasting = together > threshold("lasting", len(found))
        if lasting and fmean(each.excess for each in seen) >= LEAST_EXCESS:
            found[miner] |= {"lasting"}
    return {miner: suspicions for miner, suspicions in found.items() if suspicions}


def _deviations(losses: FloatArray) -> FloatArray:
    """From the median of those nearest in time, which takes out what training changes."""
    losses = np.clip(np.nan_to_num(losses, nan=FAR), -FAR, FAR)
    near = min(NEAREST, len(losses))
    medians = np.median(np.lib.stride_tricks.sliding_window_view(losses, near), axis=1)
    places = np.clip(np.arange(len(losses)) - near // 2, 0, len(losses) - near)
    return np.asarray(losses - medians[places])


@dataclass(frozen=True, eq=False)
class _Explained:
    """By miner, excess and z; who is a culprit; by sample, what culprits add, and what is left."""

    excess: FloatArray
    z: FloatArray
    culprits: frozenset[int]
    part: FloatArray
    left: FloatArray


def _explain(
    routes: IntArray, stages: IntArray, values: FloatArray, suspicion: Suspicion
) -> _Explained:
    """Least squares, culprit by culprit, the worst first; of a stage, at most a third.

    Each one's samples, less what the earlier ones' explain of them, are a direction to take out.
    Below the others, too, a tail stands out: only it can lower a loss, by saying so.
    """
    tails = stages == stages.max()
    bound = threshold(suspicion, len(stages) + int(tails.sum()))
    room, free = np.maximum(np.bincount(stages) // 3, 1), np.ones(len(stages), dtype=bool)
    excess, z = np.zeros(len(stages)), np.zeros(len(stages))
    lengths = np.bincount(routes.ravel(), minlength=len(stages)).astype(np.float64)
    taken, left, basis = np.ones(len(values)), values, np.empty((0, len(values)))
    while len(values) > len(basis) + 2:
        taken = taken - (basis @ taken) @ basis
        taken /= math.sqrt(taken @ taken)
        basis, left = np.vstack([basis, taken]), left - taken * (taken @ left)
        lengths = lengths - _sums(routes, taken, len(stages)) ** 2
        sums, freedom = _sums(routes, left, len(stages)), len(values) - len(basis) - 1
        parts = np.where(lengths > ALIASED, sums / np.maximum(lengths, ALIASED), 0.0)
        noise = np.maximum(left @ left - sums * parts, TINY) / freedom
        deviates = np.sign(sums) * _as_normal(sums * parts / noise, freedom)
        excess[free], z[free] = parts[free], deviates[free]
        size = np.where(tails, np.abs(z), z)
        bad = free & (size > bound) & (np.abs(excess) >= LEAST_EXCESS)
        if not (bad & (room[stages] > 0)).any():
            break
        worst = int(np.argmax(np.where(bad & (room[stages] > 0), size, -np.inf)))
        free &= ~(bad & (size**2 >= size[worst] ** 2 - TOLD_APART**2))
        room[stages[worst]] -= 1
        taken = (routes == worst).any(axis=1).astype(np.float64)
    culprits = frozenset(np.flatnonzero(~free).tolist())
    return _Explained(excess, z, culprits, values - left - values.mean(), left)


def _as_normal(t_squared: FloatArray, freedom: int) -> FloatArray:
    """The normal deviate that is as rare (Wallace 1959)."""
    shrunk = (8 * freedom + 1) / (8 * freedom + 3)
    return np.asarray(shrunk * np.sqrt(freedom * np.log1p(t_squared / freedom)))


def _sums(routes: IntArray, values: FloatArray, miners: int) -> FloatArray:
    sums = np.bincount(routes.ravel(), np.repeat(values, routes.shape[1]), miners)
    return sums.astype(np.float64)


def _pairs(routes: IntArray, stages: IntArray, losses: _Explained) -> frozenset[int]:
    """Members of pairs whose common routes lose more, more surely so than the routes of either."""
    found: set[int] = set()
    tests = (len(stages) ** 2 - int((np.bincount(stages) ** 2).sum())) // 2
    scale = math.sqrt(max(float(losses.left @ losses.left), TINY) / len(routes))
    for first, second in combinations(routes.T, 2):
        cells = first * len(stages) + second
        cells, at, counts = np.unique(cells, return_inverse=True, return_counts=True)
        both = np.stack(np.divmod(cells, len(stages)))
        sums = np.bincount(at, losses.left)
        bound = np.maximum(losses.z[both].max(axis=0), threshold("pair", tests))
        sure = (sums > bound * scale * np.sqrt(counts)) & (sums >= LEAST_EXCESS * counts)
        found |= set(both[:, sure].ravel().tolist())
    return frozenset(found)
