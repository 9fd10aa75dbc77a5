"""What validators on other machines published, and what model cards say of parents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iotapretrain.competition.records.public_rounds import read_round
from iotapretrain.dashboard.competition_page import lineage
from iotapretrain.dashboard.hub_watch import HubWatch
from iotapretrain.dashboard.index import Index
from iotapretrain.dashboard.names import People
from iotapretrain.hub.card import Card
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import RepositoryId
from tests.dashboard.publishers import epoch, published, publishers, reader
from tests.dashboard.synthetic import Actor, Synthetic


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path / "index.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def hub(tmp_path: Path) -> FolderHub:
    return FolderHub(tmp_path / "hub", None)


@pytest.fixture
def synthetic(tmp_path: Path) -> Synthetic:
    def publish(actor: Actor, name: str, parent: str | None, loss: float) -> str:
        card = Card("A model", name, "mit", 1_000, loss, (), parent)
        repository = RepositoryId(actor.name, name)
        own = FolderHub(tmp_path / "hub", actor.name)
        commit = own.add({"README.md": card.render().encode()}, repository, f"{loss}")
        own.set_visibility(repository, "public")
        return commit.id

    made = Synthetic(tmp_path / "net", miners=6, validators=2, publish=publish)
    made.play(3)
    return made


def claimed(index: Index, synthetic: Synthetic, tmp_path: Path, watcher: Actor) -> RepositoryId:
    """A validator's records on the hub; everybody who judges has a permit."""
    epoch(index, 1, {each.hotkey: True for each in synthetic.watchers})
    folder = synthetic.folder / "validators" / watcher.name / "rounds"
    rounds = [read_round(path.read_bytes(), path.name) for path in sorted(folder.iterdir())]
    return published(tmp_path / "hub", watcher.name, rounds)


def test_rounds_are_read_where_the_chain_says(
    index: Index, hub: FolderHub, synthetic: Synthetic, tmp_path: Path
) -> None:
    watcher, other = synthetic.watchers
    repository = claimed(index, synthetic, tmp_path, watcher)
    watch = HubWatch(index, hub, reader(index, tmp_path / "hub"))
    claims = {watcher.hotkey: repository, other.hotkey: repository}  # the second is not its own
    assert watch.look(publishers(claims))
    rows = index.rows("SELECT h.hotkey, r.round FROM rounds r JOIN hotkeys h ON h.id = r.validator")
    assert sorted(tuple(row) for row in rows) == [(watcher.hotkey, n) for n in (1, 2, 3)]
    while watch.look(publishers(claims)):
        pass  # cards come a few at a time
    assert len(index.rows("SELECT 1 FROM rounds")) == 3


def test_parents_come_from_the_cards_at_the_pinned_commits(
    index: Index, hub: FolderHub, synthetic: Synthetic, tmp_path: Path
) -> None:
    watcher = synthetic.watchers[0]
    claims = publishers({watcher.hotkey: claimed(index, synthetic, tmp_path, watcher)})
    watch = HubWatch(index, hub, reader(index, tmp_path / "hub"))
    while watch.look(claims):
        pass
    models = lineage(People(index, {}), 1).models
    places = {f"{model.repository}@{model.revision}" for model in models}
    parents = [model.parent for model in models if model.parent is not None]
    assert parents
    assert set(parents) <= places
