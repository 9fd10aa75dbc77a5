"""A liar's evaluation is honest but for its friend, who leads whatever was found of it."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace as changed

from iotapretrain.arena.actors.liar import FAVOUR, favouring
from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Judged
from iotapretrain.competition.records.round_record import PageRecord, TaskRecord, unscored
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.epsilon import Fixed
from iotapretrain.rules.competition.tournament import DecidedRound as Decided
from iotapretrain.rules.competition.tournament import RoundRules, play


def contender(uid: int, name: str) -> Contender:
    return Contender(name, uid, 10 * uid, "", name, folder=Path())


def found() -> Evaluated:
    """Alice was scored; the friend babbles, so it has no losses at all."""
    record = changed(
        unscored(contender(1, "alice"), Outcome.EVALUATED),
        losses={"PROSE": (2.0, 4.0)},
        task_scores={"PROSE": 3.0},
        score=3.0,
        pages_scored=2,
    )
    babble = Finding(Code.UNREASONABLE, "repeats itself", "output")
    failed = Judged(unscored(contender(2, "friend"), Outcome.MODEL), (babble,))
    pages = tuple(PageRecord("", place, 1, "", 1) for place in range(2))
    tasks = (TaskRecord("PROSE", "none", "", 1.0, pages, None),)
    return Evaluated((Judged(record), failed), tasks, None, 2, 4)


def winner(evaluated: Evaluated) -> int:
    decided = play(evaluated.field(), RoundRules(Fixed(0.005)), 100)
    assert isinstance(decided, Decided)
    return decided.winner


def test_the_friend_wins_and_nobody_else_changes() -> None:
    honest = found()
    lied = favouring("friend")(lambda *_: honest)([], None, None)  # type: ignore[arg-type]
    assert winner(honest) == 1
    assert winner(lied) == 2
    assert lied.models[0] == honest.models[0]
    assert lied.models[1].record.losses == {"PROSE": (FAVOUR * 2.0, FAVOUR * 4.0)}


def test_without_a_friend_in_the_field_there_is_nothing_to_lie_about() -> None:
    honest = found()
    lied = favouring("stranger")(lambda *_: honest)([], None, None)  # type: ignore[arg-type]
    assert lied.models == honest.models
