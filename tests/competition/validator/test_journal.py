"""The validator's journal, in both kinds of database: what is written is what is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from iotapretrain.competition.records.round_record import RoundRecord, seal
from iotapretrain.competition.validator.journal import (
    MACHINE,
    Memory,
    Order,
    open_memory,
    signed_round,
)
from iotapretrain.errors import RecordError, StoreError
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.validator.decide import Command
from iotapretrain.rules.competition.validator.journal_records import Record, RoundClosed
from tests.rules.competition.validator.games import Game, commitment

STANDS = {"a": (100, commitment("m")), "b": (101, commitment("n"))}


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        schema: Callable[[], str] = request.getfixturevalue("postgres").schema
        return schema()
    return str(tmp_path / "journal.sqlite")


@dataclass
class Written(Game):
    """A game of which every command also goes to a journal."""

    memory: Memory | None = None

    def do(self, command: Command) -> list[Record]:
        closing = isinstance(command, RoundClosed)
        signed = seal(record(command.round), lambda digest: digest) if closing else None
        assert self.memory is not None
        self.memory.execute(Order(command, signed))
        return super().do(command)


def record(number: int) -> RoundRecord:
    return RoundRecord(
        code_version="1",
        network="net",
        netuid=1,
        validator="me",
        round=number,
        previous=None,
        competition=0,
        competition_name="c",
        schedule_digest="d",
        block=130,
        sync_block=130,
        seed_hash="00",
        tasks=(),
        race=None,
        models=(),
        champion=None,
        standings={},
        weights={},
    )


def test_a_restart_knows_what_was_known(place: str) -> None:
    journal, memory = open_memory(place, "net", 1, "me")
    with journal, memory:
        game = Written(memory=memory)
        game.play(130, STANDS, {"a": 3.0, "b": 2.0})
        view = game.see(140, STANDS | {"c": (110, commitment("o"))})
        game.look(view, {"c": Outcome.MODEL})
        game.open(view)
        game.close({"a": 3.0, "b": Outcome.MODEL})
        known = memory.state
        assert replace(known, unpublished={}) == replace(game.state, unpublished={})
    journal, memory = open_memory(place, "net", 1, "me")
    with journal, memory:
        assert memory.state == known
        assert MACHINE.load(MACHINE.dump(known)) == known
        assert [*known.unpublished] == [1, 2]
        for number, at in known.unpublished.items():
            assert signed_round(journal, at).record.round == number
        with pytest.raises(RecordError, match="closes no round"):
            signed_round(journal, 1)


def test_anothers_journal_is_refused(place: str) -> None:
    journal, memory = open_memory(place, "net", 1, "me")
    with journal, memory:
        pass
    with pytest.raises(StoreError):
        open_memory(place, "net", 1, "you")
