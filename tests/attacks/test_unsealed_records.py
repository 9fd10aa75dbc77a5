"""A record on the hub that its validator did not sign, under that validator's own name."""

from __future__ import annotations

from pathlib import Path

import msgspec

from iotapretrain.competition.records.public_rounds import read_round
from iotapretrain.dashboard.index import Index
from tests.dashboard.publishers import epoch, published, publishers, reader
from tests.dashboard.synthetic import Synthetic


def test_only_signed_records_are_indexed(tmp_path: Path) -> None:
    made = Synthetic(tmp_path / "net", miners=4, validators=1)
    made.play(2)
    (watcher,) = made.watchers
    paths = sorted((made.folder / "validators" / watcher.name / "rounds").iterdir())
    first, second = (read_round(path.read_bytes(), path.name) for path in paths)
    forged = msgspec.structs.replace(second, signature="00" * 64)
    repository = published(tmp_path / "hub", watcher.name, [first, forged])
    index = Index(tmp_path / "index.sqlite")
    epoch(index, 1, {watcher.hotkey: True})
    reader(index, tmp_path / "hub").look(publishers({watcher.hotkey: repository}))
    rows = index.rows("SELECT round FROM rounds")
    told = index.rows("SELECT reason, number FROM left_out WHERE hotkey = ?", (watcher.hotkey,))
    index.close()
    assert [row["round"] for row in rows] == [1]
    assert ("not-signed", 1) in [tuple(row) for row in told]
