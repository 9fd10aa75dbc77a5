"""Who raises the loss: from the routes of samples and the losses at their ends (CLASP).

It never pays or punishes: losses cannot tell a liar from whom it frames, so both are audited more.
Where it differs from the specification (section 9), it needs fewer samples or sees more:

* only culprits get a part in the fit, so 50 samples do where a part for each of 25 miners eats 21;
* thresholds follow from the number of miners: an honest window flags anybody in 1 % of cases;
* one window is enough, and eight together find what none of them does: to wait for two in
  succession lets through whoever cheats in every other one;
* pairs are tried too: a tail that reports more for one miner, and less for the others, keeps its
  own mean. Whole stages that lie alike are beyond losses, not beyond audits.
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
TOLD_APART = (
    2.0  # standard errors by which the worst must be worse, or another is suspected with it
)
REMEMBERED = 8  # windows that are looked at together
FAR, TINY = 1e6, 1e-12  # nats at which a loss ends; what stands for no spread

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Suspicion = Literal["loss", "spread", "pair", "lasting"]
FALSE_ALARMS: dict[Suspicion, float] = {"loss": 6e-3, "spread": 1e-3, "pair": 1e-3, "lasting": 2e-3}
"""Shares of honest windows in which each may flag anybody: 1 % together."""


@dataclass(frozen=True)
class Blame:
    """What the routes of a miner lose beyond those of others of its stage, in nats a sample."""

    miner: str
    stage: int
    excess: float
    z: float
    """The same in standard errors."""
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
    return tuple(
        Blame(name, stage, excess, z, frozenset(why for why in found if at in found[why]))
        for at, ((stage, name), excess, z) in enumerate(
            zip(held, losses.excess.tolist(), losses.z.tolist(), strict=True)
        )
    )


def suspects(history: Sequence[Sequence[Blame]]) -> dict[str, frozenset[Suspicion]]:
    """Whom to audit more after the last of these windows, and why; windows must not overlap."""
    found = {each.miner: each.suspicions for each in history[-1]}
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
        parts, deviates = _parts(_sums(routes, left, len(stages)), lengths, left, len(basis))
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


def _parts(
    sums: FloatArray, lengths: FloatArray, left: FloatArray, taken: int
) -> tuple[FloatArray, FloatArray]:
    """What each alone would explain of the rest, and that as a normal deviate (Wallace 1959)."""
    lengths = np.where(lengths > 1e-6, lengths, np.inf)  # else its samples are taken out already
    explained, freedom = sums**2 / lengths, len(left) - taken - 1
    ratio = explained / np.maximum(left @ left - explained, TINY)  # t squared, by the freedom
    z = (8 * freedom + 1) / (8 * freedom + 3) * np.sqrt(freedom * np.log1p(ratio))
    return sums / lengths, np.sign(sums) * z


def _sums(routes: IntArray, values: FloatArray, miners: int) -> FloatArray:
    sums = np.bincount(routes.ravel(), np.repeat(values, routes.shape[1]), miners)
    return sums.astype(np.float64)


def _pairs(routes: IntArray, stages: IntArray, losses: _Explained) -> frozenset[int]:
    """Members of pairs whose common routes lose more, more surely so than the routes of either."""
    found: set[int] = set()
    sizes: list[int] = np.bincount(stages).tolist()
    tests = sum(a * b for a, b in combinations(sizes, 2))
    scale = math.sqrt(max(float(losses.left @ losses.left), TINY) / len(routes))
    for first, second in combinations(routes.T, 2):
        cells, at, counts = np.unique(
            first * len(stages) + second, return_inverse=True, return_counts=True
        )
        both = np.stack(np.divmod(cells, len(stages)))
        sums = np.bincount(at, losses.left)
        bound = np.maximum(losses.z[both].max(axis=0), threshold("pair", tests))
        sure = (sums > bound * scale * np.sqrt(counts)) & (sums >= LEAST_EXCESS * counts)
        found |= set(both[:, sure].ravel().tolist())
    return frozenset(found)
