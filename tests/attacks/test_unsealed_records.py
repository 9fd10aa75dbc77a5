"""A record on the hub that its validator did not sign, under that validator's own name."""

from __future__ import annotations

from pathlib import Path

import msgspec

from iotapretrain.chain.wallets import is_signature
from iotapretrain.competition.public_rounds import publish_round, read_round
from iotapretrain.dashboard.hub_watch import HubWatch
from iotapretrain.dashboard.index import Index
from iotapretrain.dashboard.rounds import RoundWriter
from iotapretrain.hub.folder import FolderHub
from iotapretrain.hub.protocol import RepositoryId
from tests.dashboard.synthetic import Synthetic
from tests.dashboard.test_hub_watch import committed


def test_only_signed_records_are_indexed(tmp_path: Path) -> None:
    made = Synthetic(tmp_path / "net", miners=4, validators=1)
    made.play(2)
    (watcher,) = made.watchers
    repository = RepositoryId(watcher.name, "rounds")
    own = FolderHub(tmp_path / "hub", watcher.name)
    for path in sorted((made.folder / "validators" / watcher.name / "rounds").iterdir()):
        signed = read_round(path.read_bytes(), path.name)
        if signed.record.round == 2:
            signed = msgspec.structs.replace(signed, signature="00" * 64)
        publish_round(own, repository, signed)
    index = Index(tmp_path / "index.sqlite")
    watch = HubWatch(index, FolderHub(tmp_path / "hub", None), RoundWriter(index, is_signature))
    watch.look(committed(**{watcher.hotkey: repository}))
    rows = index.rows("SELECT round FROM rounds")
    index.close()
    assert [row["round"] for row in rows] == [1]
