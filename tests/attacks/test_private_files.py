"""Another user of the machine reads secret salts and what they drew, or results before they are
published."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotapretrain.competition.validator.fingerprints import Prints
from iotapretrain.models.worker import Worker
from iotapretrain.scoring.loss_cache import LossCache
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft
from tests.competition.validator.rig import Rig
from tests.competition.world import opened


@pytest.fixture
def open_to_all() -> Iterator[None]:
    """A user who has no mask: what is private is so by itself."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {
        str(each.relative_to(folder)): each.stat().st_mode & 0o777 for each in folder.rglob("*")
    }


def test_a_new_journal_and_its_log_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    before = os.umask(0)
    try:
        with open_journal(path, "test") as journal:
            journal.append([Draft("kind", b"secret")])
            modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    finally:
        os.umask(before)
    del modes["state.sqlite-lock"]  # empty for ever
    assert modes == dict.fromkeys(("state.sqlite", "state.sqlite-wal", "state.sqlite-shm"), 0o600)


def test_losses_are_their_owners_alone_also_those_of_before(
    tmp_path: Path, open_to_all: None
) -> None:
    """They are there before the round is published, and those on secret rows never are."""
    path = tmp_path / "losses.sqlite"
    for _ in range(2):
        with LossCache(path) as losses:
            losses.keep({"page": 1.0})
            found = modes(tmp_path)
        assert found == dict.fromkeys(
            ("losses.sqlite", "losses.sqlite-wal", "losses.sqlite-shm"), 0o600
        )
        path.chmod(0o644)


def test_fingerprints_under_the_secret_salt_are_their_owners_alone(
    tmp_path: Path, open_to_all: None
) -> None:
    (tmp_path / "prints").mkdir()
    Prints(tmp_path / "prints").keep(0, "digest", {})
    found = modes(tmp_path)
    assert found.pop("prints") == 0o700
    assert [mode for name, mode in found.items() if name.endswith(".print")] == [0o600]


async def test_the_state_of_a_validator_is_closed_to_others(
    tmp_path: Path, worker: Worker, open_to_all: None
) -> None:
    """Its records of rounds lie there before they are on the hub, its log with what went wrong."""
    async with opened(tmp_path, worker) as world:
        rig = Rig(world)
        assert await rig.run() == 0
        assert rig.state_folder.stat().st_mode & 0o777 == 0o700
        assert modes(rig.state_folder)["journal.sqlite"] == 0o600
        (rig.state_folder / "journal.sqlite").chmod(0o644)  # as it was made before
        assert await rig.run() == 0
        assert modes(rig.state_folder)["journal.sqlite"] == 0o600
