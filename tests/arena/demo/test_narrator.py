"""What is told of a network: every event once, by whoever did it, in plain words."""

from __future__ import annotations

from pathlib import Path

from iotapretrain.arena.demo.narrator import Narrator, sentence
from iotapretrain.observe.events import Acted, ModelFetched, RoundFinished, TrainStep, Waiting
from iotapretrain.observe.sink import Lines

NAMES = {"5alice": "alice", "5copycat": "copycat"}


def fetched(*reasons: str) -> ModelFetched:
    return ModelFetched(
        time=2.0,
        source="validator:5vera",
        hotkey="5copycat",
        uid=7,
        competition=0,
        repository="copycat/nano",
        commit="0" * 40,
        outcome="inadmissible",
        reasons=list(reasons),
        size_bytes=None,
        seconds=0.1,
    )


def test_events_of_all_files_are_told_once_in_the_order_of_time(tmp_path: Path) -> None:
    validator = Lines(tmp_path / "validators" / "vera" / "records.jsonl")
    miner = Lines(tmp_path / "miners" / "copycat" / "records.jsonl")
    narrator = Narrator(tmp_path)
    validator.emit(fetched("copy: the very weights of 5alice"))
    miner.emit(Acted(time=1.0, source="miner:x", actor="copycat", what="copies", why="lazy"))
    assert [(who, sentence(event, NAMES)) for who, event in narrator.new()] == [
        ("copycat", "copies: lazy"),
        ("vera", "refuses the model of copycat: copy: the very weights of alice"),
    ]
    assert list(narrator.new()) == []
    validator.close()
    miner.close()


def test_a_round_names_its_champion_and_what_it_cost() -> None:
    finished = RoundFinished(
        time=1.0,
        source="validator:5vera",
        round=3,
        competition=0,
        block=40,
        digest="",
        models=4,
        champion_uid=1,
        champion_hotkey="5alice",
        champion_loss=2.345,
        pages_scored=12,
        pages_of_full_round=32,
        seconds={},
    )
    said = sentence(finished, NAMES) or ""
    assert "round 3: 4 models, 12 of 32 pages; best is alice with loss 2.345" in said


def test_what_is_not_worth_a_line_gets_none() -> None:
    waiting = Waiting(time=1.0, source="validator:5vera", what="models", reason="", seconds=1.0)
    step = TrainStep(
        time=1.0,
        source="train:run",
        step=1,
        tokens=10,
        loss=5.0,
        learning_rate=0.1,
        gradient_norm=1.0,
        tokens_per_second=1.0,
        flops_share=None,
        memory_bytes=1,
    )
    assert sentence(waiting, NAMES) is None
    assert sentence(step, NAMES) is None
    assert sentence(fetched(), NAMES) is None
