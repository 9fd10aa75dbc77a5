"""A demo has settled once every validator has judged the last model often enough."""

from __future__ import annotations

from iotapretrain.arena.demo.run_demo import ROUNDS, Completion
from iotapretrain.observe.events import Published, RoundFinished


def published(judged_from: int) -> Published:
    return Published(
        time=0.0,
        source="miner:5carol",
        hotkey="5carol",
        competition="nano",
        repository="carol/nano",
        commit="0" * 40,
        model_hash="",
        block=judged_from - 20,
        judged_from_block=judged_from,
    )


def finished(block: int) -> RoundFinished:
    return RoundFinished(
        time=0.0,
        source="validator:5vera",
        round=1,
        competition=0,
        block=block,
        digest="",
        models=1,
        champion_uid=None,
        champion_hotkey=None,
        champion_loss=None,
        pages_scored=0,
        pages_of_full_round=0,
        seconds={},
    )


def test_rounds_before_the_last_model_do_not_count() -> None:
    progress = Completion(["vera"])
    for block in range(0, 100, 20):
        progress.see("vera", finished(block))
    progress.see("carol", published(100))
    assert not progress.settled
    for number in range(ROUNDS):
        assert not progress.settled
        progress.see("vera", finished(100 + 20 * number))
    assert progress.settled


def test_a_model_is_judged_by_the_first_round_that_it_can_be_in() -> None:
    progress = Completion(["vera", "victor"])
    progress.see("vera", finished(80))
    assert not progress.judged("carol")
    progress.see("carol", published(100))
    assert not progress.judged("carol")
    progress.see("victor", finished(100))
    assert progress.judged("carol")


def test_every_validator_counts_and_every_block_once() -> None:
    progress = Completion(["vera", "victor"])
    for block in (100, 120, 140):
        progress.see("vera", finished(block))
        progress.see("victor", finished(100))
    progress.see("stranger", finished(200))
    assert not progress.settled
    for block in (120, 140):
        progress.see("victor", finished(block))
    assert progress.settled
