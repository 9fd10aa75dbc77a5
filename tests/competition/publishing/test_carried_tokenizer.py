"""A published model opens with a tokenizer, its own or the competition's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iotapretrain.competition.publishing.checks_before import local_hash
from iotapretrain.data.tokenizer import SETTINGS, WHOLE, load_tokenizer
from iotapretrain.hub.folder_hub import FolderHub
from tests.competition.publishing.places import offer, opened, write_run

ROOM = 42_000


@pytest.mark.parametrize(
    ("own", "room", "expected"),
    [
        ({}, 1 << 24, load_tokenizer("bytes").files()),
        ({}, ROOM, {}),  # too large with one, and refused for it
        ({WHOLE: b"{}"}, 1 << 24, {WHOLE: b"{}"}),
    ],
)
async def test_it_is_given_the_competitions_where_it_has_none(
    tmp_path: Path, own: dict[str, bytes], room: int, expected: dict[str, bytes]
) -> None:
    model, hub = write_run(tmp_path / "run"), tmp_path / "hub"
    for name, content in own.items():
        (model / name).write_bytes(content)
    plain = offer(model)
    constraints = replace(plain.competition.constraints, max_bytes=room)
    competition = replace(plain.competition, constraints=constraints)
    given = load_tokenizer("bytes").files()
    wanted = replace(plain, competition=competition, tokenizer=given)
    async with opened(tmp_path / "net", lambda who: FolderHub(hub, who)) as place:
        done = await place.publish(wanted)
        reached = place.stranger.listing(done.model.commit)
    sizes = {each.path: each.size for each in reached.files if each.path in (WHOLE, SETTINGS)}
    assert sizes == {name: len(content) for name, content in expected.items()}
    assert done.model_hash == local_hash(model)
