"""One small file from every hub: whole and verified, or an error that says why."""

from __future__ import annotations

import time

import pytest

from iotapretrain.errors import CorruptModelError, RefusedModelError, UnavailableHubError
from iotapretrain.hub.fetch import read_small
from iotapretrain.hub.protocol import Commit, FileEntry, Hub, RepositoryId
from tests.hub.worlds import PATIENCE, World

RECORDS = RepositoryId("alice", "rounds")
PATH = "rounds/000001.json"
CONTENT = b'{"round": 1}'


def added(world: World) -> tuple[Hub, Commit, FileEntry]:
    hub = world.hub_as("alice")
    commit = hub.add({PATH: CONTENT}, RECORDS, "round 1")
    return hub, commit, next(each for each in hub.listing(commit).files if each.path == PATH)


def test_it_arrives_whole(world: World) -> None:
    hub, commit, entry = added(world)
    assert read_small(hub, commit, entry, most_bytes=len(CONTENT)) == CONTENT


def test_a_large_one_is_refused_unread(world: World) -> None:
    hub, commit, entry = added(world)
    with pytest.raises(RefusedModelError, match=r"rounds/000001.json.*12 bytes.*11 allowed"):
        read_small(hub, commit, entry, most_bytes=len(CONTENT) - 1)
    assert world.faults.asked["reading"] == 0


def test_a_hub_that_recovers_is_asked_again(world: World) -> None:
    hub, commit, entry = added(world)
    world.faults.reading(PATH).answers(503).once()
    assert read_small(hub, commit, entry, most_bytes=99, patience=PATIENCE) == CONTENT


def test_patience_with_a_hub_ends(world: World) -> None:
    hub, commit, entry = added(world)
    world.faults.reading(PATH).answers(503).always()
    with pytest.raises(UnavailableHubError, match="gave up"):
        read_small(hub, commit, entry, most_bytes=99, patience=PATIENCE)


@pytest.mark.parametrize("fault", ["other bytes", "more bytes"])
def test_bytes_that_were_not_listed_are_refused(world: World, fault: str) -> None:
    hub, commit, entry = added(world)
    if fault == "other bytes":
        world.faults.reading(PATH).sends_wrong_bytes().once()
    else:
        world.faults.reading(PATH).sends_more(b"surplus").once()
    with pytest.raises(CorruptModelError, match=r"rounds/000001.json"):
        read_small(hub, commit, entry, most_bytes=99, patience=PATIENCE)


def test_a_hub_that_drips_is_cut_off(world: World) -> None:
    hub, commit, entry = added(world)
    world.faults.reading(PATH).drips(0.2).always()
    begun = time.monotonic()
    with pytest.raises(UnavailableHubError, match="deadline"):
        read_small(hub, commit, entry, most_bytes=99, seconds=0.3, patience=PATIENCE)
    assert time.monotonic() - begun < 3
