"""`iota audit`, `score`, `leaderboard`, `history` and `explain` as a person meets them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from iotapretrain.cli.main import app
from iotapretrain.errors import InputError
from iotapretrain.models.worker import Budget, Worker
from iotapretrain.observe.events import Audited
from iotapretrain.observe.read_records import read_events
from tests.chain.worlds import hotkey
from tests.competition.world import opened


@dataclass(frozen=True)
class Place:
    """A network with two honest rounds of one validator and a false one of another."""

    network: Path
    schedule: Path
    better: Path

    @property
    def competition(self) -> str:
        return f"{self.schedule}:mini"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    with Worker(Budget(seconds=60, memory_bytes=2 * 2**30)) as worker:
        return asyncio.run(_made(tmp_path_factory.mktemp("place"), worker))


async def _made(folder: Path, worker: Worker) -> Place:
    async with opened(folder, worker) as world:
        await world.commit("miner-1", world.model(2.0))
        await world.advance(6)
        await world.round("validator-1")
        await world.commit("miner-2", world.model(1.0))
        await world.advance(6)
        await world.round("validator-1")
        record = await world.record("validator-2")
        losses = {task: (1.0, *own[1:]) for task, own in record.models[0].losses.items()}
        liar = msgspec.structs.replace(record.models[0], losses=losses)
        world.publish(
            "validator-2", msgspec.structs.replace(record, models=(liar, record.models[1]))
        )
        (folder / "hub").rename(folder / "net" / "hub")
        return Place(folder / "net", world.schedule_file, world.model(0.5))


@pytest.fixture(autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "caches"))
    monkeypatch.delenv("IOTA_CACHE", raising=False)


def said(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def answer(*arguments: str | Path, code: int = 0) -> Any:
    result = said(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_an_honest_round_exits_with_0_and_tells_each_check(place: Place) -> None:
    result = said("audit", "latest", "--network", place.network, "--competitions", place.schedule)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["signature", "chain"]
    assert lines[-1] == f"round 2 of {hotkey('validator-1')}: holds"
    event = list(read_events(place.network / "records.jsonl"))[-1]
    assert isinstance(event, Audited)
    assert (event.validator, event.round, event.held) == (hotkey("validator-1"), 2, True)


def test_a_sample_says_what_it_is_worth(place: Place) -> None:
    options = ("--network", place.network, "--competitions", place.schedule)
    told = answer("audit", "1", "--sample", "1", "--seed", "3", *options)
    assert (told["verdict"], told["losses"], told["computed"]) == ("holds", 4, 1)
    assert (told["chance_of_finding_one"], told["seed"]) == (0.25, 3)


def test_a_false_round_exits_with_1_and_names_model_and_page(place: Place) -> None:
    options = ("--network", place.network, "--competitions", place.schedule)
    told = answer("audit", "--validator", hotkey("validator-2"), *options, code=1)
    assert told["verdict"] == "exposed"
    false = {check["check"]: check["differences"] for check in told["checks"] if not check["held"]}
    assert [each["item"] for each in false["losses"]] == [
        "uid 2, PROSE, page 0",
        "uid 2, CODE, page 0",
    ]
    assert false["losses"][0]["published"] == 1.0
    assert set(false) == {"losses", "scores"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("audit", "last"), "give a number, or latest"),
        (("audit", "7"), "round 7: "),
        (("audit", "--competitions", "tiny"), "with --competitions"),
        (("explain", "3"), "write best or uid:N"),
        (("explain", "uid:99"), "has uids 0 to 3"),
        (("leaderboard", "--watch", "--json"), "leave out --json"),
    ],
    ids=["round-name", "no-round", "other-file", "miner-name", "no-uid", "watch-json"],
)
def test_wrong_input_is_one_line(place: Place, arguments: tuple[str, ...], problem: str) -> None:
    given = ("--competitions", place.schedule) if "--competitions" not in arguments else ()
    result = said(*arguments, "--network", place.network, *given)
    assert isinstance(result.exception, InputError)
    assert problem in str(result.exception)
    assert result.exception.exit_code == 2


def test_a_leaderboard_lists_the_champion_first(place: Place) -> None:
    options = ("--network", place.network)
    (board,) = answer("leaderboard", "--competition", place.competition, *options)
    assert [model["state"] for model in board["models"]] == ["champion", "evaluated"]
    assert (board["competition"], board["round"]) == ("mini", 2)
    shown = said("leaderboard", "--competitions", place.schedule, *options).stdout
    assert "mini at block" in shown
    assert "mini-code at block" in shown
    assert "miner-2/model-" in shown


def test_a_model_of_the_leaderboard_talks(place: Place) -> None:
    options = ("--competition", place.competition, "--network", place.network)
    (board,) = answer("leaderboard", *options)
    name = board["models"][1]["repository"]
    told = answer("generate", name, "def ", "--max-tokens", "3", *options)
    assert (told["model"], told["tokens"] <= 3) == (name, True)
    result = said("generate", "miner-9/none", "x", *options)
    assert "no model of mini is committed there" in str(result.exception)


def test_history_prints_and_draws(place: Place, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    options = ("--competition", place.competition, "--network", place.network)
    picture = tmp_path / "history.png"
    reigns = answer("history", *options, "--plot", picture)
    assert [(reign["uid"], reign["crowned"]) for reign in reigns] == [(2, True), (3, True)]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "champion round by round" in said("history", *options).stdout


def test_explain_says_why(place: Place) -> None:
    options = ("--competitions", place.schedule, "--network", place.network)
    told = answer("explain", "uid:2", *options)
    (one, other) = told["accounts"]
    assert (one["validator"], one["champion"]) == (hotkey("validator-1"), 3)
    assert one["behind"] > 0
    assert other["validator"] == hotkey("validator-2")
    (first,) = answer("explain", "uid:2", "--round", "1", *options)["accounts"][:1]
    assert any(each.startswith("It is the champion") for each in first["sentences"])
    shown = said("explain", "uid:3", *options).stdout
    assert "It is the champion" in shown
    assert "Incentive" in said("explain", "uid:0", *options).stdout


def test_score_tells_where_a_model_would_stand(place: Place) -> None:
    options = ("--competition", place.competition, "--network", place.network)
    told = answer("score", place.better, *options)
    assert (told["admitted"], told["champion"]["uid"]) == (True, 3)
    assert told["prospect"]["field_size"] == 3
    assert told["champion"]["ahead"] > 0
    assert [task["task"] for task in told["tasks"]] == ["PROSE", "CODE"]
    shown = said("score", place.better, *options).stdout
    assert "admitted: GPT2LMHeadModel" in shown
    assert f"It would not win now, but from block {told['prospect']['wins_from']} on" in shown


def test_score_exits_with_1_where_validators_would_refuse(place: Place, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    options = ("--competition", place.competition, "--network", place.network)
    told = answer("score", tmp_path, *options, code=1)
    assert [finding["code"] for finding in told["findings"]] == ["bad-config"]
