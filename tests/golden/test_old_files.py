"""What an earlier version left on a disk opens, holds, goes on; `write.py` tells how it was made.

Everything is asked of the command line, so that no test here knows what a room is called.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from blake3 import blake3

from tests.golden.write import (
    ARCHIVE,
    EXPECTED,
    RUN,
    SCHEDULE,
    STATE,
    VALIDATE,
    Place,
    known_losses,
    publish,
    state_of,
    train,
    train_losses,
    unpack,
)

WAS: dict[str, Any] = json.loads(EXPECTED.read_text())
DOMAIN = b"iotapretrain round 1\x00"
SMALL = 300_000
ALIKE = 2e-3
"""What another kind of processor may be off after a dozen steps; without momentum it is 0.13."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """All of it, in a folder of one's own."""
    return unpack(tmp_path)


def common(now: Any, was: Any) -> Any:
    """What is said now, without what earlier versions did not say: fields may be added."""
    if isinstance(was, dict) and isinstance(now, dict):
        return {key: common(now[key], was[key]) for key in now.keys() & was.keys()}
    if isinstance(was, list) and isinstance(now, list) and len(now) == len(was):
        return [common(*pair) for pair in zip(now, was, strict=True)]
    return now


def published(place: Place) -> list[dict[str, Any]]:
    """The signed records of the validator, as everybody can read them, in order."""
    files = sorted((place.folder / STATE / "rounds").glob("*.json"))
    return [json.loads(each.read_bytes()) for each in files]


def test_they_are_small() -> None:
    assert ARCHIVE.stat().st_size + EXPECTED.stat().st_size < SMALL


def test_the_chain_verifies_and_goes_on(place: Place) -> None:
    verify = ("chain", "verify", "net", "--witness", "validator-1/rounds")
    assert common(place.told(*verify), WAS["verdict"]) == WAS["verdict"]
    graph = place.told("chain", "metagraph", "net")
    assert common(graph, WAS["metagraph"]) == WAS["metagraph"]
    place.iota("chain", "advance", "net", "--to-epoch", 1)
    verdict = place.told(*verify)
    assert verdict["holds"]
    assert verdict["block"] > WAS["verdict"]["block"]


def test_records_are_what_was_signed(place: Place) -> None:
    """By the bytes alone: each digest is its record's, and names the one before."""
    before = None
    records = published(place)
    assert len(records) == WAS["state"]["rounds"]
    for signed in records:
        content = msgspec.json.encode(signed["record"], order="sorted")
        assert blake3(DOMAIN + content).hexdigest() == signed["digest"]
        assert signed["record"]["previous"] == before
        before = signed["digest"]
    assert before == WAS["state"]["previous"]


def test_a_decision_is_recomputed(place: Place) -> None:
    """Signature, link to the record before, pages, models, losses, tournament, weights."""
    told = place.told("audit", WAS["audited"]["round"])
    assert told["verdict"] == "holds"
    assert (told["validator"], told["computed"]) == (
        WAS["audited"]["validator"],
        WAS["audited"]["losses"],
    )


def test_the_public_views_say_the_same(place: Place) -> None:
    name = f"{SCHEDULE}:mini"
    for view, line in {
        "leaderboard": ("leaderboard", "--competition", name),
        "history": ("history", "--competition", name),
        "explained": ("explain", "uid:3"),
    }.items():
        assert common(place.told(*line), WAS[view]) == WAS[view]


def test_the_journal_opens_and_its_validator_goes_on(place: Place) -> None:
    assert state_of(place) == WAS["state"]
    assert WAS["state"]["missed"]
    assert WAS["state"]["tries"]
    books, prints = kept(place, "behaviours/*"), kept(place, "prints/*/*")
    answers = known_losses(place)
    assert (len(books), len(prints), answers) == (2, 2, WAS["answers"])
    place.iota(*VALIDATE)
    state, more = state_of(place), published(place)[WAS["state"]["rounds"] :]
    assert state["rounds"] == WAS["state"]["rounds"] + len(more)
    assert state["opened"] is None
    finished = more[0]["record"]
    assert [finished[key] for key in ("competition", "block", "previous")] == [
        WAS["state"]["opened"]["competition"],
        WAS["state"]["opened"]["block"],
        WAS["state"]["previous"],
    ]
    # A file that could not be read would have been begun anew, under other rows or another name.
    assert {name: msgspec.msgpack.decode(book)["rows"] for name, book in books.items()} == {
        name: msgspec.msgpack.decode(book)["rows"]
        for name, book in kept(place, "behaviours/*").items()
    }
    assert prints.items() <= kept(place, "prints/*/*").items()
    assert known_losses(place) > answers
    assert not kept(place, "*.damaged")


def kept(place: Place, pattern: str) -> dict[str, bytes]:
    """Files of the validator's folder."""
    return {each.name: each.read_bytes() for each in (place.folder / STATE).glob(pattern)}


def test_training_goes_on_as_if_nothing_had_been(place: Place) -> None:
    whole = WAS["losses"]
    done = place.told(*train(RUN, "--resume"))
    assert (done["reason"], done["step"], done["steps"]) == ("plan", len(whole), len(whole))
    resumed = train_losses(place.folder / RUN)
    later = [step for step in whole if int(step) > WAS["step"]]
    assert 5 < len(later) < len(whole) - 5
    assert [resumed[step] for step in later] == pytest.approx(
        [whole[step] for step in later], abs=ALIKE
    )


def test_a_publication_goes_on_and_commits_once(place: Place) -> None:
    steps = json.loads((place.folder / f"{RUN}/model.publishing/steps.json").read_bytes())
    done = place.told(*publish(f"{RUN}/model", 3))
    assert not done["already_published"]
    assert (done["commit"], done["model_hash"]) == (
        steps["uploaded"],
        steps["intent"]["model_hash"],
    )
    again = place.told(*publish(f"{RUN}/model", 3))
    assert again == done | {"already_published": True}
    commits = place.folder / "net/hub/repositories/miner-3/model/commits"
    assert len(list(commits.iterdir())) == 1
    verdict = place.told("chain", "verify", "net")
    assert verdict["extrinsics"] == WAS["verdict"]["extrinsics"] + 1


def test_a_fetched_model_is_still_in_the_cache(place: Place) -> None:
    """The hub knows of it, but has lost its weights."""
    blobs = place.folder / "net/hub/repositories/miner-2/model/blobs"
    for blob in blobs.iterdir():
        blob.unlink()
    champion = WAS["history"][-1]["commitment"].split(":")
    model = f"{champion[0]}/{champion[1]}@{champion[2]}"
    told = place.told("hub", "fetch", model, "--hub", "folder:net/hub", "--as", "miner-2")
    assert told["commit"] == model
    assert WAS["state"]["origins"][told["model_hash"]] == WAS["history"][-1]["hotkey"]
