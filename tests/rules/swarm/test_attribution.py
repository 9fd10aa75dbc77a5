"""Who raises the loss: samples needed, false alarms, and liars who know the rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.attribution import SPECIFIED, TRIALS, Sample, toy, trials
from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.attribution import (
    FALSE_ALARMS,
    LEAST_EXCESS,
    Blame,
    attribute,
    suspects,
    threshold,
)

Lie = Callable[[list[str], int], float]


@dataclass
class Swarm:
    """Honest losses, and what a lie adds to a sample by its route and number."""

    seed: int = 1
    stages: int = 5
    miners: int = 5
    spread: float = 0.2

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def window(self, samples: int, lie: Lie = lambda _route, _number: 0.0) -> list[Sample]:
        routes = [
            [f"{stage}.{place}" for stage, place in enumerate(places)]
            for places in self.rng.integers(self.miners, size=(samples, self.stages)).tolist()
        ]
        honest = self.rng.normal(4.5, self.spread, samples).tolist()
        return [
            (route, loss + lie(route, number))
            for number, (route, loss) in enumerate(zip(routes, honest, strict=True))
        ]


def on(miner: str, added: float) -> Lie:
    return lambda route, _number: added * (miner in route)


def suspected(samples: list[Sample]) -> set[str]:
    return {each.miner for each in attribute(samples) if each.suspicions}


def named(blames: tuple[Blame, ...], miner: str) -> Blame:
    return next(each for each in blames if each.miner == miner)


def sure(times: int) -> float:
    """Two standard errors of a share near its bound, over so many trials."""
    return 2 * math.sqrt(0.01 * 0.99 / times)


@pytest.mark.parametrize(("added", "samples"), SPECIFIED)
def test_the_specified_samples_are_enough(added: float, samples: int) -> None:
    """Its shares are of 300 trials as ours are: twice their standard error is no difference."""
    times = 100 if samples > 1000 else TRIALS
    specified = SPECIFIED[added, samples]
    found, false = trials(added, samples, times)
    error = math.sqrt(specified * (1 - specified) * (1 / TRIALS + 1 / times))
    assert found >= specified - 2 * error
    assert false <= sum(FALSE_ALARMS.values()) + sure(times)


@pytest.mark.parametrize("samples", [50, 500])
def test_honest_swarms_are_left_alone(samples: int) -> None:
    rng, times = np.random.default_rng(samples), 600
    false = sum(bool(suspected(toy(rng, samples, 0.0))) for _ in range(times))
    assert false / times <= sum(FALSE_ALARMS.values()) + sure(times)


def test_honest_losses_need_not_be_normal() -> None:
    """Student's t with three degrees of freedom: a loss in a hundred is five deviations off."""
    rng, times = np.random.default_rng(1), 300
    false = 0
    for _ in range(times):
        window = zip(toy(rng, 100, 0.0), rng.standard_t(3, 100).tolist(), strict=True)
        false += bool(suspected([(route, 4.5 + 0.2 * noise) for (route, _), noise in window]))
    assert false / times <= sum(FALSE_ALARMS.values()) + sure(times)


def test_more_miners_are_no_more_false_alarms() -> None:
    """The fixed threshold of 3.5 would flag somebody in every twelfth window of 400 miners."""
    swarm, times = Swarm(stages=8, miners=50), 60
    false = sum(bool(suspected(swarm.window(1500))) for _ in range(times))
    assert false <= 2
    assert threshold("loss", 25) == pytest.approx(3.5, abs=0.02)
    assert threshold("loss", 400) > 4.1


def test_parts_are_those_of_least_squares() -> None:
    """A second way: columns for everybody and each culprit, and numpy's own solver."""
    samples = Swarm().window(800, lambda route, _: 0.3 * ("1.2" in route) + 0.2 * ("4.0" in route))
    blames = attribute(samples)
    losses = np.array([loss for _, loss in samples])
    bound = 5 * np.median(np.abs(losses - np.median(losses)))
    clipped = np.clip(losses - np.median(losses), -bound, bound)

    def parts(*miners: str) -> list[float]:
        design = [[1.0, *(float(each in route) for each in miners)] for route, _ in samples]
        solved: list[float] = np.linalg.lstsq(np.array(design), clipped)[0].tolist()
        return solved[1:]

    assert named(blames, "1.2").excess == pytest.approx(parts("1.2")[0], abs=0.02)
    assert named(blames, "4.0").excess == pytest.approx(parts("1.2", "4.0")[1], abs=0.02)
    assert named(blames, "0.1").excess == pytest.approx(parts("1.2", "4.0", "0.1")[2], abs=0.02)


def test_others_of_the_stage_do_not_look_better_for_long() -> None:
    """Beside a culprit they would: a culprit's part is taken out before they are judged."""
    blames = attribute(Swarm().window(2000, on("2.3", 0.45)))
    others = [each.z for each in blames if each.stage == 2 and each.miner != "2.3"]
    assert named(blames, "2.3").z > 20
    assert max(map(abs, others)) < 4


def test_a_culprit_does_not_taint_whom_routing_puts_beside_it() -> None:
    swarm = Swarm()
    samples = []
    for route, _ in swarm.window(1000):
        if swarm.rng.random() < 0.6 and "1.2" in route:
            route = [*route[:2], "2.2", *route[3:]]
        samples.append((route, swarm.rng.normal(4.5, 0.2) + 0.3 * ("1.2" in route)))
    assert suspected(samples) == {"1.2"}


def test_who_is_always_beside_a_culprit_is_suspected_with_it() -> None:
    """Losses cannot tell them apart, and whoever stands first in a list is not the answer."""
    for culprit in ("1.2", "2.2"):
        swarm = Swarm()
        samples = []
        for route, loss in swarm.window(1000):
            route = [*route[:2], "2.2" if "1.2" in route else "2.1", *route[3:]]
            samples.append((route, loss + 0.3 * (culprit in route)))
        assert {"1.2", "2.2"} <= suspected(samples)


def test_several_culprits_are_all_found() -> None:
    def lie(route: list[str], _number: int) -> float:
        return 0.3 * sum(each in route for each in ("0.1", "2.3", "4.4"))

    assert suspected(Swarm().window(1000, lie)) == {"0.1", "2.3", "4.4"}


def test_a_third_of_a_stage_may_be_found_at_once() -> None:
    def lie(route: list[str], _number: int) -> float:
        return 0.5 * (route[1] in {"1.0", "1.1", "1.2"})

    found = suspected(Swarm(miners=9).window(3000, lie))
    assert found == {"1.0", "1.1", "1.2"}


def test_one_of_two_is_found() -> None:
    """Deviates of a stage's means cannot exceed (m - 1) / sqrt(m): 0.7 of two miners."""
    assert suspected(Swarm(miners=2).window(400, on("3.1", 0.2))) == {"3.1"}


def test_whoever_is_alone_in_a_stage_has_no_excess() -> None:
    swarm = Swarm(stages=3, miners=4)
    samples = [([*route, "alone"], loss) for route, loss in swarm.window(400)]
    alone = named(attribute(samples), "alone")
    assert (alone.excess, alone.z, alone.suspicions) == (0.0, 0.0, frozenset())


def test_training_that_goes_on_is_nobodys_fault() -> None:
    """Whoever leaves in the middle of a falling loss has had the higher ones."""
    swarm = Swarm()
    samples = []
    for number, (route, loss) in enumerate(swarm.window(1000)):
        route = [*route[:3], "early" if number < 400 else route[3], route[4]]
        samples.append((route, loss + 2.0 * math.exp(-number / 400)))
    assert suspected(samples) == set()


@pytest.mark.parametrize("worst", [math.nan, math.inf, 1e300])
def test_a_loss_that_is_none_is_the_worst(worst: float) -> None:
    samples = Swarm().window(500, lambda route, _: worst if "3.1" in route else 0.0)
    assert suspected(samples) == {"3.1"}


@pytest.mark.parametrize("less", [-0.2, -math.inf])
def test_a_tail_that_reports_too_little_does_not_taint_the_others(less: float) -> None:
    """They all look worse than it."""
    assert suspected(Swarm().window(1000, lambda route, _: less if "4.1" in route else 0.0)) == {
        "4.1"
    }


def test_a_tail_that_reports_a_number_of_its_own_is_suspected() -> None:
    """Just the mean; it need not compute anything for that."""
    samples = [(route, 4.5 if "4.1" in route else loss) for route, loss in Swarm().window(1000)]
    assert named(attribute(samples), "4.1").suspicions == {"spread"}
    assert suspected(samples) == {"4.1"}


def test_losses_without_spread() -> None:
    """As simulated ones may be."""
    samples = Swarm(spread=0.0).window(500, on("2.3", 0.2))
    assert suspected(samples) == {"2.3"}
    assert suspected(Swarm(spread=0.0).window(500)) == set()


def test_what_harms_less_than_it_takes_is_left_alone() -> None:
    samples = Swarm(spread=1e-5).window(500, on("2.3", LEAST_EXCESS / 20))
    assert named(attribute(samples), "2.3").z > 10
    assert suspected(samples) == set()


# Liars who know the rule.


def test_harm_in_few_samples_shows_as_spread() -> None:
    """One sample in ten of its own, up or down: the mean stays within its bound."""
    swarm = Swarm()

    def lie(route: list[str], _number: int) -> float:
        return 0.0 if "2.3" not in route else swarm.rng.normal(0.0, 0.4)

    found = named(attribute(swarm.window(1000, lie)), "2.3")
    assert found.suspicions == {"spread"}


def test_who_cheats_in_every_other_window_is_found_in_those() -> None:
    """Two windows in succession would never show it."""
    swarm = Swarm()
    history = [attribute(swarm.window(500, on("2.3", 0.15 * (at % 2)))) for at in range(8)]
    flagged = [{each.miner for each in window if each.suspicions} for window in history]
    assert flagged == [set(), {"2.3"}] * 4


def test_who_stays_below_every_windows_threshold_is_found_in_the_long_run() -> None:
    swarm = Swarm()
    history = [attribute(swarm.window(500, on("2.3", 0.04))) for _ in range(8)]
    assert all(not each.suspicions for window in history for each in window)
    assert suspects(history) == {"2.3": {"lasting"}}
    assert suspects(history[:1]) == {}


def test_the_honest_are_left_alone_in_the_long_run() -> None:
    swarm = Swarm()
    history = [attribute(swarm.window(200)) for _ in range(200)]
    false = sum(bool(suspects(history[: at + 1])) for at in range(len(history)))
    assert false / len(history) <= 0.03  # windows look at each other: a false one stays for a while


def test_who_harms_only_beside_another_is_suspected_with_it() -> None:
    """Neither's mean alone says who of the two it is."""

    def lie(route: list[str], _number: int) -> float:
        return 0.3 * ("1.2" in route and "3.3" in route)

    assert suspected(Swarm().window(1000, lie)) == {"1.2", "3.3"}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("added", [0.3, 0.5, 1.0])
def test_a_lying_tail_is_never_suspected_after_whom_it_frames(seed: int, added: float) -> None:
    """Its own mean is unsuspicious: what it adds for one, it takes from the others."""

    def lie(route: list[str], _number: int) -> float:
        if route[4] != "4.1":
            return 0.0
        return added if route[1] == "1.2" else -added / 4

    blames = attribute(Swarm(seed).window(1000, lie))
    assert abs(named(blames, "4.1").z) < 3.5
    found = {each.miner for each in blames if each.suspicions}
    assert "4.1" in found
    assert found <= {"4.1", "1.2"}


def test_a_whole_stage_that_lies_alike_is_beyond_losses() -> None:
    assert suspected(Swarm().window(1000, lambda _route, _number: 0.5)) == set()


# Any input.

ROUTES = st.lists(
    st.tuples(
        st.tuples(*[st.sampled_from("abc")] * 3).map(list),
        st.floats(allow_nan=True, allow_infinity=True),
    ),
    min_size=1,
    max_size=40,
)


@given(ROUTES)
@settings(max_examples=200, deadline=None)
def test_no_losses_break_it(samples: list[Sample]) -> None:
    blames = attribute(samples)
    seen = {(stage, name) for route, _ in samples for stage, name in enumerate(route)}
    assert [(each.stage, each.miner) for each in blames] == sorted(seen)
    assert all(math.isfinite(each.z) and math.isfinite(each.excess) for each in blames)


@given(st.integers(0, 2**32), st.floats(-50, 50))
@settings(max_examples=20, deadline=None)
def test_names_and_the_level_of_losses_do_not_matter(seed: int, level: float) -> None:
    samples = Swarm(seed).window(120, on("2.3", 0.3))
    renamed = [([each[::-1] for each in route], loss + level) for route, loss in samples]
    first, second = attribute(samples), attribute(renamed)
    by_name = {(each.stage, each.miner[::-1]): each for each in second}
    for each in first:
        other = by_name[each.stage, each.miner]
        assert other.z == pytest.approx(each.z, abs=1e-6)
        assert other.suspicions == each.suspicions


def test_routes_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="a miner of each stage"):
        attribute([(["a", "b"], 1.0), (["a"], 1.0)])
    with pytest.raises(InputError, match="a miner of each stage"):
        attribute([])
