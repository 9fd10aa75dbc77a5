"""What is refused before a model leaves the machine, and who goes first."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from iotapretrain.competition.publishing.offer import Offer
from iotapretrain.competition.publishing.steps import Intent, Notes
from iotapretrain.errors import (
    HubError,
    InputError,
    MissingModelError,
)
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.rules.competition.schedule import Blocks, Schedule
from tests.competition.publishing.places import (
    OTHER,
    REPOSITORY,
    Place,
    offer,
)

ELSEWHERE = RepositoryId("alice", "nano-2")


async def test_the_bytes_of_somebody_else_are_refused_before_they_are_uploaded(
    local: Place, model: Path, tmp_path: Path
) -> None:
    done = await local.publish(offer(model))
    copied = Path(shutil.copytree(model, tmp_path / "copy" / "model"))
    local.miner = OTHER
    with pytest.raises(InputError, match=rf"bytes of uid 0, committed at block {done.model.block}"):
        await local.publish(offer(copied, ELSEWHERE))
    with pytest.raises(MissingModelError):
        local.hub.resolve(ELSEWHERE)


async def test_a_stranger_to_the_subnet_is_told_to_buy_a_place(local: Place, model: Path) -> None:
    local.miner = "miner-3"
    with pytest.raises(InputError, match="no place on subnet 1; buy one: iota chain register"):
        await local.publish(offer(model))


def test_a_competition_that_scores_other_models_names_the_one_to_publish_to(model: Path) -> None:
    with pytest.raises(InputError, match=r"tiny-code scores.*publish to tiny"):
        offer(model, name="tiny/tiny-code")


def test_a_name_too_long_for_a_commitment_is_told_before_anything_else(model: Path) -> None:
    with pytest.raises(InputError, match="shorten the repository's name"):
        offer(model, RepositoryId("alice", "n" * 35))


async def test_a_competition_that_ends_before_the_model_is_judged_takes_none(
    local: Place, model: Path
) -> None:
    wanted = offer(model)
    ending = replace(wanted.competition, blocks=Blocks(0, 15), share=1.0)
    closing = Offer(model, REPOSITORY, ending, Schedule((ending,)), 1)
    with pytest.raises(InputError, match=r"nano: takes no models at block 2\d; it is now block \d"):
        await local.publish(closing)


async def test_what_validators_would_refuse_never_leaves_the_machine(
    local: Place, model: Path
) -> None:
    (model / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(InputError, match="validators would refuse it: pickle"):
        await local.publish(offer(model))
    with pytest.raises(HubError):
        local.hub.resolve(REPOSITORY)
    (model / "pytorch_model.bin").unlink()
    assert not (await local.publish(offer(model))).already


async def test_one_model_is_published_by_one_process_at_a_time(local: Place, model: Path) -> None:
    with Notes.beside(model), pytest.raises(InputError, match="another process is publishing it"):
        await local.publish(offer(model))
    assert not (await local.publish(offer(model))).already


def test_notes_that_cannot_be_read_hold_nothing(model: Path) -> None:
    intent = Intent("hash", "hotkey", "network", 1, 0, "hub", "alice/nano")
    with Notes.beside(model) as notes:
        steps = notes.write(notes.begin(intent))
        steps_file = model.with_name("model.publishing") / "steps.json"
        steps_file.write_text('{"intent": {')
        assert notes.begin(intent) == steps
        steps_file.write_bytes(b"\xff")
        assert notes.begin(intent) == steps
