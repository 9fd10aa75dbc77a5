"""The race crowns whom the exhaustive round crowns, and asks for no more than it needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fields import NOW, RULES, World, champion, heavy, races, scored_pages
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import Fixed, FloatArray, LinearDecay
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.race import (
    FINALISTS,
    FIRST_SHARE,
    PagePlan,
    Race,
    estimates,
    progress,
    raceable,
    survivors,
)
from iotapretrain.rules.competition.task_score import Method, Task
from iotapretrain.rules.competition.tournament import (
    CHAMPION,
    PER_PAGE,
    RELEASE_4_5_3,
    DecidedRound,
    RoundRules,
    play,
)

SHAPE = (("PROSE", 0.7, (4,) * 24), ("CODE", 0.3, (4,) * 24))


@dataclass(frozen=True)
class Partly:
    """Stands for evidence: true scores, of which only some comparisons are sure."""

    scores: FloatArray
    sure: np.ndarray

    def doubt(self, factors: FloatArray) -> tuple[FloatArray, FloatArray]:
        return self.scores[:, None] - factors * self.scores, np.where(self.sure, 0.0, 0.5)


def drawn(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Few blocks and few scores close to each other: ties, cycles, spoilers, drifts."""
    models = int(rng.integers(1, 12))
    blocks = np.sort(rng.integers(0, int(rng.choice([3, 30])), models) * 100.0)
    steps = rng.integers(0, int(rng.choice([4, 12])), models)
    return blocks, 2.5 * (1 - steps * float(rng.choice([0.0004, 0.001, 0.004])))


@given(st.integers(0, 2**32))
def test_whoever_is_dropped_changes_no_champion(seed: int) -> None:
    """Whatever part of the truth is known for sure, with every kind of tie, cycle and spoiler."""
    rng = np.random.default_rng(seed)
    rules = RoundRules(LinearDecay(0.005, 0.0005, 2_000))
    for _ in range(20):
        blocks, scores = drawn(rng)
        field = Field.of(range(len(blocks)), blocks, scores=scores)
        whole = play(field, rules, now=3_000)
        advantages = np.maximum(rules.epsilon.at(field.ages(3_000)), rules.epsilon.floor)
        sure = rng.random((len(blocks), len(blocks))) < rng.choice([0.3, 0.8, 1.0])
        left = survivors(Partly(scores, sure), blocks, advantages, alpha=0.1)
        part = play(
            Field.of(range(len(blocks)), blocks, scores=np.where(left, scores, np.nan)),
            rules,
            3_000,
        )
        assert isinstance(whole, DecidedRound)
        assert isinstance(part, DecidedRound)
        assert part.winner == whole.winner
        assert left.sum() >= min(FINALISTS, len(blocks))


def test_full_knowledge_drops_nearly_all() -> None:
    """So the test above would fail if nothing was ever dropped."""
    scores = np.linspace(3, 2, 20)
    left = survivors(
        Partly(scores, np.ones((20, 20), bool)), np.arange(20.0), np.full(20, 0.005), 0.1
    )
    assert np.flatnonzero(left).tolist() == [17, 18, 19]


@pytest.mark.parametrize(
    "world", [World(SHAPE), World(SHAPE, noise=heavy)], ids=["normal", "heavy"]
)
def test_simulated_fields(world: World) -> None:
    """The small version of what `bench.round` runs 10,000 times."""
    found = races(world, rounds=60, seed=3, race=Race())
    assert found.same == found.rounds
    assert found.scored <= 1 / 3


def test_a_field_of_equals_is_scored_in_full() -> None:
    """Nothing tells them apart, and the earliest must keep the crown."""
    plan = PagePlan.of(1, 1, SHAPE)
    losses = np.tile(np.random.default_rng(0).normal(2.5, 0.3, len(plan)), (8, 1))
    wanted = scored_pages(Race(), plan, np.arange(8.0) + NOW - 100, losses)
    assert (wanted == len(plan)).all()


def test_near_copies_of_the_champion_never_drive_it_out() -> None:
    rng = np.random.default_rng(1)
    plan = PagePlan.of(2, 1, SHAPE)
    page = rng.normal(2.5, 0.3, len(plan))
    losses = page * (1 + rng.normal(0, 1e-4, (10, 1)) + rng.normal(0, 1e-4, (10, len(plan))))
    blocks = np.arange(10.0) + NOW - 50_000
    wanted = scored_pages(Race(), plan, blocks, losses)
    scores = plan.task_means(losses, plan.order) @ plan.weights
    done = np.where(wanted == len(plan), scores, np.nan)
    assert champion(blocks, done) == champion(blocks, scores)


@pytest.mark.parametrize("seed", range(5))
def test_a_model_that_is_hopeless_on_a_few_pages_gains_nothing(seed: int) -> None:
    """It may drive others out before those pages come, but three are scored to the end."""
    rng = np.random.default_rng(seed)
    plan = PagePlan.of(seed, 1, SHAPE)
    losses = rng.normal(2.5, 0.3, len(plan)) + np.linspace(0.03, 0.4, 12)[:, None]
    losses += rng.normal(0, 0.005, losses.shape)
    losses[-1] = losses[0] - 0.05
    losses[-1, plan.order[[20, 30, 40]]] += 5
    blocks = np.arange(12.0) + NOW - 50_000
    wanted = scored_pages(Race(), plan, blocks, losses)
    scores = plan.task_means(losses, plan.order) @ plan.weights
    done = np.where(wanted == len(plan), scores, np.nan)
    assert champion(blocks, done) == champion(blocks, scores) == 0


def test_the_order_of_the_models_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    plan = PagePlan.of(3, 1, SHAPE)
    blocks, losses = World(SHAPE).drawn(rng, plan)
    wanted = scored_pages(Race(), plan, blocks, losses)
    shuffle = rng.permutation(len(blocks))
    assert (scored_pages(Race(), plan, blocks[shuffle], losses[shuffle]) == wanted[shuffle]).all()


def test_a_model_is_back_when_the_one_that_drove_it_out_fails() -> None:
    """Failed models are left out of the field, and everything is decided anew."""
    plan = PagePlan.of(5, 1, SHAPE)
    rng = np.random.default_rng(2)
    losses = rng.normal(2.5, 0.3, len(plan)) + rng.normal(0, 0.003, (8, len(plan)))
    losses[0] -= 0.5
    wanted = scored_pages(Race(), plan, np.arange(8.0), losses)
    assert np.count_nonzero(wanted == len(plan)) == FINALISTS
    without = scored_pages(Race(), plan, np.arange(1.0, 8.0), losses[1:])
    assert np.count_nonzero(without == len(plan)) > FINALISTS
    assert without.min() > wanted.min()


def test_one_good_page_more_never_ends_a_race_before_the_first_look() -> None:
    plan = PagePlan.of(5, 1, SHAPE)
    losses = np.full((9, len(plan)), np.nan)
    field = Field.of(range(9), range(9), losses=losses)
    wanted = progress(Race(), plan, field, np.full(9, 0.001))
    assert plan.looks[0] < len(plan)
    assert set(wanted) == {plan.looks[0]}


def test_few_models_run_no_race() -> None:
    plan = PagePlan.of(5, 1, SHAPE)
    losses = np.full((FINALISTS, len(plan)), np.nan)
    field = Field.of(range(FINALISTS), range(FINALISTS), losses=losses)
    assert set(progress(Race(), plan, field, np.zeros(FINALISTS))) == {len(plan)}


def test_estimates_allow_for_easy_and_hard_pages() -> None:
    """A model that saw only some pages is compared on those, not with the mean of all."""
    plan = PagePlan.of(6, 1, SHAPE)
    page = np.linspace(1, 4, len(plan))
    losses = np.array([page, page + 0.25])
    scored = np.array([len(plan), 10])
    losses[1, plan.order[10:]] = np.nan
    best = plan.task_means(page, plan.order) @ plan.weights
    assert estimates(plan, losses, scored, best=0) == pytest.approx([best, best + 0.25])


def test_what_can_be_raced() -> None:
    tasks = [Task("a", 1.0)]
    assert raceable(RULES, tasks)
    assert not raceable(RULES, [Task("a", 1.0, Method.INVERSE_EXPONENTIAL, 10.0)])
    for mode in (PER_PAGE, CHAMPION, RELEASE_4_5_3):
        assert not raceable(RoundRules(Fixed(0.005), mode), tasks)


@pytest.mark.parametrize("probability", [0.0, 1.0, -1.0, float("nan")])
def test_bad_probabilities(probability: float) -> None:
    with pytest.raises(InputError, match="error probability"):
        Race(probability)


def test_losses_of_another_round() -> None:
    plan = PagePlan.of(5, 1, SHAPE)
    field = Field.of([1], [1], losses=np.zeros((1, 3)))
    with pytest.raises(InputError, match="losses of 3 pages"):
        progress(Race(), plan, field, np.zeros(1))


TASKS = st.lists(
    st.tuples(st.floats(0.01, 1), st.lists(st.integers(1, 9), min_size=1, max_size=40)),
    min_size=1,
    max_size=5,
)


def plan_of(tasks: list[tuple[float, list[int]]], seed: int = 1) -> PagePlan:
    return PagePlan.of(seed, 1, [(str(n), w, pages) for n, (w, pages) in enumerate(tasks)])


@given(TASKS)
def test_every_page_once_and_every_task_in_step(tasks: list[tuple[float, list[int]]]) -> None:
    plan = plan_of(tasks)
    assert sorted(plan.order) == list(range(len(plan)))
    assert plan.shares.sum() == pytest.approx(1)
    sizes = np.bincount(plan.tasks)
    for seen in range(len(tasks), len(plan) + 1):
        counts = np.bincount(plan.tasks[plan.order[:seen]], minlength=len(sizes))
        assert counts.min() >= 1
        later = (counts - 0.5) / sizes
        ahead = later[counts > 1].max(initial=0)
        behind = ((counts + 0.5) / sizes)[counts < sizes].min(initial=1)
        assert ahead <= behind + 1e-9


@given(TASKS)
def test_looks_grow_to_the_end(tasks: list[tuple[float, list[int]]]) -> None:
    plan = plan_of(tasks)
    assert list(plan.looks) == sorted(set(plan.looks))
    assert plan.looks[-1] == len(plan)
    assert plan.looks[0] >= FIRST_SHARE * len(plan)


@given(TASKS)
def test_the_score_is_the_weighted_mean_over_tasks_of_the_mean_over_sequences(
    tasks: list[tuple[float, list[int]]],
) -> None:
    plan = plan_of(tasks)
    losses = np.random.default_rng(0).normal(3, 1, len(plan))
    total = sum(weight for weight, _ in tasks)
    expected, first = 0.0, 0
    for weight, pages in tasks:
        own = losses[first : first + len(pages)]
        expected += weight / total * float(np.average(own, weights=pages))
        first += len(pages)
    assert plan.task_means(losses, plan.order) @ plan.weights == pytest.approx(expected)
    assert plan.shares @ losses == pytest.approx(expected)


def test_the_order_is_the_seeds() -> None:
    """The same for all who know the seed; another for another seed, task or competition."""
    tasks = [(1.0, [1] * 40)]
    assert plan_of(tasks).order.tolist() == plan_of(tasks).order.tolist()
    assert plan_of(tasks).order.tolist() != plan_of(tasks, seed=2).order.tolist()
    other = PagePlan.of(1, 2, [("0", 1.0, [1] * 40)])
    assert other.order.tolist() != plan_of(tasks).order.tolist()
    assert plan_of([(1.0, [1] * 6)]).order.tolist() == [0, 2, 4, 1, 5, 3]


@pytest.mark.parametrize("tasks", [[], [("a", 1.0, [])], [("a", 1.0, [1, 0])]])
def test_nothing_to_score(tasks: list[tuple[str, float, list[int]]]) -> None:
    with pytest.raises(InputError, match="without"):
        PagePlan.of(1, 1, tasks)
