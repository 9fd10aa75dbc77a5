"""Records that are signed, and have no place on the dashboard: whose, of where, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iotapretrain.competition.records.public_rounds import read_round
from iotapretrain.competition.records.round_record import SignedRound, seal
from iotapretrain.dashboard import hub_rounds
from iotapretrain.dashboard.hub_admission import Quota
from iotapretrain.dashboard.index import Index
from iotapretrain.dashboard.names import People
from iotapretrain.dashboard.overview import overview
from iotapretrain.dashboard.validators_page import validators_page
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import RepositoryId
from tests.dashboard.publishers import epoch, published, publishers, reader
from tests.dashboard.synthetic import Actor, Synthetic

ROUNDS = 4


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path / "index.sqlite")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    """Two who judge, at blocks 110, 120 and so on."""
    synthetic = Synthetic(tmp_path_factory.mktemp("made") / "net", miners=4, validators=2)
    synthetic.play(ROUNDS)
    return synthetic


def rounds_of(made: Synthetic, actor: Actor) -> list[SignedRound]:
    folder = made.folder / "validators" / actor.name / "rounds"
    return [read_round(path.read_bytes(), path.name) for path in sorted(folder.iterdir())]


def signed(actor: Actor, before: SignedRound, **values: Any) -> SignedRound:
    """The actor's own word, whatever it says."""
    record = msgspec.structs.replace(before.record, validator=actor.hotkey, **values)
    return seal(record, lambda message: bytes(actor.key.sign(message)))


def shown(index: Index, actor: Actor) -> list[int]:
    rows = index.rows(
        "SELECT r.round FROM rounds r JOIN hotkeys h ON h.id = r.validator WHERE h.hotkey = ?",
        (actor.hotkey,),
    )
    return sorted(row["round"] for row in rows)


def told(index: Index, actor: Actor) -> dict[str, int]:
    page = validators_page(People(index, {}))
    return {
        each.reason: each.number
        for each in page.left_out
        if each.who is not None and each.who.hotkey == actor.hotkey and each.reason != "skipped"
    }


class Listened(FolderHub):
    """A hub that remembers what it was asked for."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, None)
        self.asked: list[str] = []

    def resolve(self, repository: RepositoryId, revision: str | None = None) -> Any:
        self.asked.append(str(repository))
        return (
            super().resolve(repository)
            if revision is None
            else super().resolve(repository, revision)
        )


def test_of_a_stranger_the_hub_is_not_even_asked(
    tmp_path: Path, index: Index, made: Synthetic
) -> None:
    """Anybody who is registered can commit where records lie, and sign what lies there."""
    honest, stranger = made.watchers[0], made.competitors[-1]
    mine = [signed(stranger, each) for each in rounds_of(made, honest)]
    claims = {
        honest.hotkey: published(tmp_path / "hub", honest.name, rounds_of(made, honest)),
        stranger.hotkey: published(tmp_path / "hub", stranger.name, mine),
    }
    epoch(index, 100, {honest.hotkey: True, stranger.hotkey: False})
    reading = reader(index, tmp_path / "hub")
    hub = reading._hub = Listened(tmp_path / "hub")
    assert reading.look(publishers(claims))
    assert hub.asked == [f"{honest.name}/rounds"]
    assert (shown(index, honest), shown(index, stranger)) == ([1, 2, 3, 4], [])
    (notice,) = [each for each in validators_page(People(index, {})).left_out if not each.who]
    assert (notice.reason, notice.number) == ("stranger", 1)


def test_a_permit_counts_at_the_block_of_the_record(
    tmp_path: Path, index: Index, made: Synthetic
) -> None:
    """Rounds are of the blocks 110 to 140; the permit came with the epoch of block 125."""
    late = made.watchers[0]
    repository = published(tmp_path / "hub", late.name, rounds_of(made, late))
    for block, permit in ((105, False), (125, True), (145, False)):
        epoch(index, block, {late.hotkey: permit})
    assert reader(index, tmp_path / "hub").look(publishers({late.hotkey: repository}))
    assert shown(index, late) == [3, 4]
    assert told(index, late) == {"no-permit": 2}


def test_records_of_another_network_another_subnet_or_of_blocks_to_come_are_left_out(
    tmp_path: Path, index: Index, made: Synthetic
) -> None:
    liar = made.watchers[0]
    first = rounds_of(made, liar)[0]
    mine = [
        first,
        signed(liar, first, round=2, network="11" * 32),
        signed(liar, first, round=3, netuid=2),
        signed(liar, first, round=4, block=10_001),
        signed(liar, first, round=5, sync_block=first.record.block + 1),
    ]
    epoch(index, 100, {liar.hotkey: True})
    repository = published(tmp_path / "hub", liar.name, mine)
    reading = reader(index, tmp_path / "hub")
    assert reading.look(publishers({liar.hotkey: repository}))
    assert shown(index, liar) == [1]
    assert told(index, liar) == {"other-network": 2, "ahead": 2}
    assert not reading.look(publishers({liar.hotkey: repository}))


def test_no_sync_block_takes_more_than_its_share(
    tmp_path: Path, index: Index, made: Synthetic
) -> None:
    """A thousand records a block would be signed in a second."""
    flood, honest = made.watchers
    first = rounds_of(made, flood)[0]
    epoch(index, 100, {each.hotkey: True for each in made.watchers})
    claims = {
        flood.hotkey: published(
            tmp_path / "hub", flood.name, [signed(flood, first, round=n) for n in range(1, 61)]
        ),
        honest.hotkey: published(tmp_path / "hub", honest.name, rounds_of(made, honest)),
    }
    reading = reader(index, tmp_path / "hub")
    while reading.look(publishers(claims)):
        pass
    assert len(shown(index, flood)) == 16
    assert told(index, flood) == {"crowded": 44}
    assert (shown(index, honest), told(index, honest)) == ([1, 2, 3, 4], {})


def test_who_sends_much_in_vain_is_read_no_further(
    tmp_path: Path, index: Index, made: Synthetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_rounds, "MOST_LEFT_OUT", 20)
    flood = made.watchers[0]
    first = rounds_of(made, flood)[0]
    epoch(index, 100, {flood.hotkey: True})
    reading = reader(index, tmp_path / "hub")

    def grown(rounds: range, network: str) -> dict[str, RepositoryId]:
        mine = [signed(flood, first, round=n, network=network) for n in rounds]
        return {flood.hotkey: published(tmp_path / "hub", flood.name, mine)}

    claims = grown(range(1, 61), "11" * 32)
    while reading.look(publishers(claims)):
        pass
    assert (shown(index, flood), told(index, flood)) == ([], {"other-network": 25, "quota": 35})
    assert reading.look(publishers(grown(range(61, 63), first.record.network)))
    assert shown(index, flood) == [61, 62]


@pytest.mark.parametrize("bound", ["records", "bytes"])
def test_the_oldest_records_make_room_for_the_newest(
    tmp_path: Path, index: Index, made: Synthetic, bound: str
) -> None:
    flood, honest = made.watchers
    first = rounds_of(made, flood)[0]
    epoch(index, 1, {each.hotkey: True for each in made.watchers})

    def grown(rounds: range) -> RepositoryId:
        mine = [signed(flood, first, round=n, block=n, sync_block=n) for n in rounds]
        return published(tmp_path / "hub", flood.name, mine)

    claims = {flood.hotkey: grown(range(1, 31))}
    claims[honest.hotkey] = published(tmp_path / "hub", honest.name, rounds_of(made, honest))
    size = len(msgspec.json.encode(first))
    limits = (20, 2**40) if bound == "records" else (10**6, 20 * (size + 8))
    reading = reader(index, tmp_path / "hub", Quota(index, *limits))
    while reading.look(publishers(claims)):
        pass
    assert shown(index, flood)[-1] == 30
    assert 18 <= len(shown(index, flood)) <= 20
    grown(range(31, 61))
    while reading.look(publishers(claims)):
        pass
    kept = shown(index, flood)
    assert kept == list(range(61 - len(kept), 61))
    assert 18 <= len(kept) <= 20
    assert told(index, flood) == {"quota": 60 - len(kept)}
    assert shown(index, honest) == [1, 2, 3, 4]
    rows = index.rows("SELECT count(*) n FROM models")
    assert rows[0]["n"] == (len(kept) + ROUNDS) * len(first.record.models)


def test_what_is_left_out_is_told_where_people_look(
    tmp_path: Path, index: Index, made: Synthetic
) -> None:
    liar = made.watchers[0]
    first = rounds_of(made, liar)[0]
    epoch(index, 100, {liar.hotkey: True})
    mine = [first, signed(liar, first, round=2, network="11" * 32)]
    repository = published(tmp_path / "hub", liar.name, mine)
    reader(index, tmp_path / "hub").look(publishers({liar.hotkey: repository}, head=140))
    page = overview(People(index, {liar.hotkey: "liar"}), "net", 1, 140, None)
    lines = {each.title: each.detail for each in page.activity}
    assert lines["Not shown of liar: other-network"] == "1 records of another network or subnet"
    assert lines["liar has skipped sync blocks"] == "2 sync blocks without a record"


def test_the_dashboard_reads_every_repository_that_a_validator_named(
    tmp_path: Path, index: Index, made: Synthetic
) -> None:
    """A fresh repository with another first round does not hide the rounds of the old one."""
    liar = made.watchers[0]
    old = published(tmp_path / "hub", liar.name, rounds_of(made, liar))
    anew = signed(liar, rounds_of(made, liar)[0], code_version="another")
    fresh = published(tmp_path / "hub", liar.name, [anew], at="fresh")
    epoch(index, 100, {liar.hotkey: True})
    reader(index, tmp_path / "hub").look(publishers({liar.hotkey: (fresh, old)}))
    assert shown(index, liar) == [1, 2, 3, 4]
    assert told(index, liar) == {"twice": 1}
