"""What is written into the index, once, whatever lies in the folder."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from iotapretrain.chain.wallets import is_signature
from iotapretrain.competition.records.public_rounds import read_round
from iotapretrain.dashboard import event_index
from iotapretrain.dashboard.event_index import EventWriter
from iotapretrain.dashboard.index import Index
from iotapretrain.dashboard.names import People, thinned
from iotapretrain.dashboard.network_folder import NetworkFolder
from iotapretrain.dashboard.overview import overview
from iotapretrain.dashboard.round_index import RoundWriter
from iotapretrain.dashboard.validators_page import overlap
from iotapretrain.observe.events import Acted
from iotapretrain.observe.sink import Lines
from tests.dashboard.synthetic import Synthetic, write_names


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path / "index.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def synthetic(tmp_path: Path) -> Synthetic:
    made = Synthetic(tmp_path / "net", miners=5, validators=2)
    made.play(4)
    return made


def written(index: Index, folder: NetworkFolder) -> int:
    writer = RoundWriter(index, is_signature)
    return sum(writer.write(batch) for batch in folder.new_rounds())


def test_rounds_are_read_once_and_new_ones_are_found(index: Index, synthetic: Synthetic) -> None:
    folder = NetworkFolder(synthetic.folder)
    assert written(index, folder) == 8
    assert written(index, folder) == 0
    assert written(index, NetworkFolder(synthetic.folder)) == 0  # another reader, the same rounds
    synthetic.play(1)
    assert written(index, folder) == 2


def test_a_forged_record_is_shown_as_such(index: Index, synthetic: Synthetic) -> None:
    path = synthetic.folder / "validators" / "validator-1" / "rounds" / "000002.json"
    signed = read_round(path.read_bytes(), "round 2")
    champion = synthetic.competitors[0].hotkey
    forged = msgspec.structs.replace(
        signed, record=msgspec.structs.replace(signed.record, champion=champion)
    )
    path.write_bytes(msgspec.json.encode(forged))
    written(index, NetworkFolder(synthetic.folder))
    rows = index.rows("SELECT round, sealed FROM rounds WHERE NOT sealed")
    assert [tuple(row) for row in rows] == [(2, 0)]


def test_files_that_are_no_rounds_are_left_out(index: Index, synthetic: Synthetic) -> None:
    folder = synthetic.folder / "validators" / "validator-1" / "rounds"
    (folder / "000009.json").write_bytes(b'{"record": 1')
    (folder / "000010.json").write_bytes(b"[" * 100_000)
    assert written(index, NetworkFolder(synthetic.folder)) == 8


def test_names_come_from_public_keys_alone(synthetic: Synthetic) -> None:
    write_names(synthetic.folder, synthetic.watchers)
    secret = synthetic.folder / "wallets" / "validator-1" / "hotkeys" / "default"
    secret.write_text('{"ss58Address": "secret"}')
    names = NetworkFolder(synthetic.folder).names()
    assert names == {each.hotkey: each.name for each in synthetic.watchers}


def test_events_are_followed_and_the_oldest_forgotten(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_index, "KEPT_OF_A_KIND", 10)
    monkeypatch.setattr(event_index, "PRUNED_EVERY", 20)
    folder, writer = NetworkFolder(tmp_path), EventWriter(index)
    sink = Lines(tmp_path / "records.jsonl")
    for number in range(50):
        sink.emit(Acted(time=float(number), source="demo", actor="a", what=str(number), why=""))
        assert sum(writer.write(batch) for batch in folder.new_events()) == 1
    sink.close()
    times = [row[0] for row in index.rows("SELECT time FROM events ORDER BY id")]
    assert times[-1] == 49
    assert 10 <= len(times) <= 30
    page = overview(People(index, {}), "net", 1, None, None)
    assert page.activity[0].title == "a: 49"


@pytest.mark.parametrize("count", [0, 1, 7, 10, 11, 1000])
def test_a_thinned_line_keeps_its_end(count: int) -> None:
    kept = thinned(range(count), 10)
    assert len(kept) <= 10
    assert kept[-1:] == list(range(count))[-1:]
    assert len({b - a for a, b in pairwise(kept)}) <= 1


def test_overlap_of_weights() -> None:
    assert overlap({"a": 0.75, "b": 0.25}, {"a": 0.25, "c": 0.75}) == 0.25
    assert overlap({"a": 1.0}, {"a": 1.0}) == 1.0
    assert overlap({}, {"a": 1.0}) == 0.0
