"""A record's field: who is in it, with which score, and what it lost on which page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from iotapretrain.competition.records.round_field import (
    apart,
    entrants,
    field_of,
    loss_matrix,
    plan_of,
)
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    PageRecord,
    Reason,
    RoundRecord,
    TaskRecord,
)
from iotapretrain.rules.competition.attempts import Outcome


def task(name: str, weight: float, sequences: tuple[int, ...]) -> TaskRecord:
    pages = tuple(PageRecord("", place, 1, "", count) for place, count in enumerate(sequences))
    return TaskRecord(name, "none", "1", weight, pages, "digest")


def model(uid: int, outcome: Outcome = Outcome.EVALUATED, **values: object) -> ModelRecord:
    given = {"commitment": "", "digest": f"d{uid}", "epsilon": 0.01, **values}
    return ModelRecord(uid=uid, hotkey=f"hotkey {uid}", block=10 * uid, outcome=outcome, **given)


TASKS = (
    task("PROSE", 0.75, (2, 0, 1)),
    task("CODE", 0.25, (3,)),
    TaskRecord("MATH", "none", "", 1.0, (), None, Reason("away", "no text")),
)
LOSSES = {"PROSE": (1.0, None, 4.0), "CODE": (3.0,)}
MODELS = (
    model(1, losses=LOSSES, score=0.75 * 2.0 + 0.25 * 3.0),
    model(2, losses={"PROSE": (1.0, None, None)}, raced_out=True, score=0.1),
    model(3, Outcome.INFRASTRUCTURE, score=0.1),
    model(4, Outcome.MODEL, score=0.1, losses={"PROSE": (1.0, None), "CODE": (3.0,)}),
    model(5, Outcome.INADMISSIBLE, losses=LOSSES),
)


def record(*models: ModelRecord) -> RoundRecord:
    return RoundRecord(
        code_version="",
        network="",
        netuid=1,
        validator="",
        round=1,
        previous=None,
        competition=0,
        competition_name="",
        schedule_digest="",
        block=100,
        sync_block=100,
        seed_hash="",
        tasks=TASKS,
        race=None,
        models=models,
        champion=None,
        standings={},
        weights={},
    )


def test_only_a_score_from_every_page_counts_and_whoever_failed_has_an_infinite_one() -> None:
    """What an audit does not add up from losses, a record may say as it likes."""
    scores = field_of(TASKS, MODELS).scores
    assert scores[0] == 2.25
    assert np.isnan(scores[1:3]).all()
    assert np.isinf(scores[3:]).all()


def test_losses_are_of_pages_with_sequences_and_their_mean_is_the_score() -> None:
    assert loss_matrix(TASKS, MODELS[:2])[0].tolist() == [1.0, 4.0, 3.0]
    field = field_of(TASKS, MODELS)
    assert field.losses is not None
    assert field.losses[0].mean() == pytest.approx(2.25)
    known = np.isfinite(field.losses).sum(axis=1).tolist()
    assert known == [3, 1, 0, 1, 3]  # a list of another length than the pages says nothing


def test_who_was_refused_before_the_round_is_no_part_of_its_field() -> None:
    early = model(6, Outcome.INADMISSIBLE, epsilon=None)
    changed = model(7, Outcome.BAD_HASH, epsilon=None)
    unplayed = model(8, epsilon=None)  # of a round without result
    found = entrants(record(*MODELS, early, changed, unplayed))
    assert [each.uid for each in found] == [1, 2, 3, 4, 5, 8]


def test_a_round_without_text_or_models_has_a_field() -> None:
    assert plan_of(TASKS[2:]) is None
    assert field_of(TASKS[2:], MODELS).losses is None
    assert len(field_of(TASKS, ())) == 0


def test_how_far_two_models_are_apart() -> None:
    worse = model(9, losses={"PROSE": (2.0, None, 5.0), "CODE": (4.0,)}, score=3.25)
    told = record(MODELS[0], worse)
    margin = apart(told, *told.models)
    assert margin is not None
    assert margin.ahead == pytest.approx(1.0)
    assert apart(told, worse, worse) is None
    assert apart(told, MODELS[1], worse) is None
    assert math.isclose(apart(told, worse, MODELS[0]).ahead, -1.0)
