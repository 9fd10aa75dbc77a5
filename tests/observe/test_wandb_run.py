"""The experiment log works on a machine that is not logged in."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotapretrain.observe.sink import open_sinks
from tests.observe.test_metrics import STEP


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # wandb's own
def test_a_run_is_written_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with open_sinks(tmp_path / "run" / "records.jsonl", wandb="tests") as sink:
        sink.emit(STEP)
        sink.log({"original_format_json": "{}"})
    written = list((tmp_path / "run" / "wandb").glob("offline-run-*/*.wandb"))
    assert len(written) == 1
    assert b"train-step/loss" in written[0].read_bytes()
    assert b"original_format_json" in written[0].read_bytes()
