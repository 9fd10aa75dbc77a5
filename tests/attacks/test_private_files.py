"""Another user of the machine reads the secret salts in a journal."""

from __future__ import annotations

import os
from pathlib import Path

from iotapretrain.store.journal import open_journal
from iotapretrain.store.record import Draft


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
