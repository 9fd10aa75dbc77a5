"""Leaderboard, history and explanations: what the records of two rounds come to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from iotapretrain.competition.records.committed import Ground, read_ground
from iotapretrain.competition.records.leaderboard import CHAMPION, Leaderboard, leaderboard, state
from iotapretrain.competition.records.miner_account import Explanation, account, explain
from iotapretrain.competition.records.opinions import (
    by_stake,
    find_validator,
    network_id,
    read_opinions,
    rounds_of,
)
from iotapretrain.competition.records.reign import ChampionReign, plot, reigns
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.competition.records.whole_history import WholeHistory
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.validator.journal_records import Reason
from tests.chain.worlds import hotkey
from tests.competition.world import NETUID, opened

changed = msgspec.structs.replace


@dataclass(frozen=True)
class Told:
    """What was asked of a world after two rounds, in which the crown changed."""

    ground: Ground
    record: RoundRecord
    board: Leaderboard
    history: list[ChampionReign]
    explained: Explanation


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, worker: Worker) -> Told:
    return asyncio.run(_told(tmp_path_factory.mktemp("told"), worker))


async def _told(folder: Path, worker: Worker) -> Told:
    async with opened(folder, worker) as world:
        await world.commit("miner-1", world.model(2.0))
        await world.advance(8)
        await world.round("validator-1")
        await world.commit("miner-2", world.model(1.0))
        await world.advance(8)
        signed = await world.round("validator-1")
        await world.to_epoch()
        await world.commit("miner-3", world.model(0.9))
        ground = await read_ground(world.client, NETUID)
        network = await network_id(world.client)
        opinions, silences = read_opinions(world.hub, by_stake(ground), network, NETUID, 0)
        source = find_validator(ground, None)
        records = rounds_of(
            WholeHistory(world.hub, source.repositories), source, network, NETUID, 0, newest=10
        )
        return Told(
            ground=ground,
            record=signed.record,
            board=leaderboard("mini", 0, 0, ground, opinions, silences),
            history=reigns(records),
            explained=await explain(world.client, world.hub, NETUID, 2, world.schedule),
        )


def test_the_leaderboard_joins_records_and_chain(told: Told) -> None:
    rows = told.board.rows
    assert [(row.uid, row.state) for row in rows] == [
        (3, CHAMPION),
        (2, "evaluated"),
        (4, "not judged yet"),
    ]
    assert rows[0].loss == told.record.models[1].score
    assert rows[0].loss < rows[1].loss
    assert (rows[0].standing, rows[1].standing) == (0.5, 0.5)
    assert rows[0].incentive == pytest.approx(0.5, abs=1e-4)
    assert rows[0].emission > 0
    assert (rows[2].loss, rows[2].standing) == (None, None)
    assert told.board.opinion.record == told.record
    assert [each.source.validator for each in told.board.silences] == [hotkey("validator-2")]


def test_a_model_that_lost_is_found_in_an_earlier_record(told: Told) -> None:
    """Later rounds do not meet it again; the champion of then is not that of now."""
    later = changed(told.record, round=3, models=told.record.models[1:])
    first = changed(told.record, round=1, champion=hotkey("miner-1"))
    board = told.board
    again = leaderboard("mini", 0, 0, told.ground, [board.opinion], [], [later, first])
    states = {row.uid: row.state for row in again.rows}
    assert states == {3: CHAMPION, 2: "evaluated in round 1", 4: "not judged yet"}


def test_codes_of_strangers_are_codes_or_nothing(told: Told) -> None:
    hostile = (Reason("[red]\x1b[2J", "hidden"), Reason("copy", "same"))
    loser = changed(told.record.models[0], outcome="inadmissible", reasons=hostile)
    assert state(loser, told.record) == "unreadable, copy"


def test_history_is_the_champions_loss_round_by_round(told: Told, tmp_path: Path) -> None:
    assert [(each.round, each.uid, each.crowned) for each in told.history] == [
        (1, 2, True),
        (2, 3, True),
    ]
    assert told.history[1].loss == told.record.models[1].score
    pytest.importorskip("matplotlib")
    plot("mini", told.history, tmp_path / "history.png")
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")


def test_an_explanation_has_the_chains_numbers_and_the_validators_reasons(told: Told) -> None:
    found = told.explained
    assert found.hotkey == hotkey("miner-1")
    assert found.rows == pytest.approx({0: 0.5}, abs=1e-4)
    assert found.incentive == pytest.approx(0.5, abs=1e-4)
    (one,) = found.accounts
    assert (one.round, one.standing, one.weight) == (2, 0.5, 0.5)
    loser, champion = told.record.models
    assert one.behind == pytest.approx(loser.score - champion.score)
    assert one.error > 0
    text = " ".join(one.sentences)
    assert f"Its loss on 4 pages is {loser.score:.6g}" in text
    assert f"The champion is uid 3 with {champion.score:.6g}" in text
    assert "The champion is later and beat it although epsilon was in its own favour." in text
    assert "a win rate of 0" in text


def test_a_later_model_is_told_the_bar_it_missed(told: Told) -> None:
    crowned = changed(told.record, champion=hotkey("miner-1"))
    one = account(crowned, hotkey("miner-2"))
    earlier = told.record.models[0]
    assert one.bar == pytest.approx((1 - earlier.epsilon) * earlier.score)
    assert any(f"it had to be below {one.bar:.6g}" in each for each in one.sentences)


def test_the_champion_is_told_what_others_need(told: Told) -> None:
    one = account(told.record, hotkey("miner-2"))
    assert one.bar is None
    assert any(each.startswith("It is the champion") for each in one.sentences)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"outcome": "inadmissible", "reasons": (Reason("copy", "same as uid 2", "digest"),)},
            "It was refused: copy: same as uid 2 (digest).",
        ),
        ({"outcome": "infrastructure"}, "for no fault of its own"),
        ({"raced_out": True, "pages_scored": 2}, "It left the race after 2 of 4 pages."),
    ],
    ids=["copy", "infrastructure", "raced-out"],
)
def test_whoever_was_not_scored_is_told_why(
    told: Told, values: dict[str, object], said: str
) -> None:
    loser = changed(told.record.models[0], score=None, losses={}, weight=0.0, **values)
    record = changed(told.record, models=(loser, told.record.models[1]))
    one = account(record, hotkey("miner-1"))
    assert any(said in sentence for sentence in one.sentences)
    assert one.behind is None


def test_a_round_without_result_says_so(told: Told) -> None:
    one = account(changed(told.record, champion=None), hotkey("miner-1"))
    assert any("had no result" in sentence for sentence in one.sentences)


def test_a_record_does_not_speak_of_everybody(told: Told) -> None:
    assert account(told.record, hotkey("miner-3")) is None
