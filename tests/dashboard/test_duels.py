"""The matrix of who beats whom says what the rule says, page by page."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from iotapretrain.competition.records.public_rounds import read_round
from iotapretrain.dashboard.api_types import Duels
from iotapretrain.dashboard.round_index import duels_of
from iotapretrain.rules.competition.wins import beats
from tests.dashboard.synthetic import Synthetic


def test_shares_follow_from_the_rule(tmp_path: Path) -> None:
    synthetic = Synthetic(tmp_path, miners=7, validators=1)
    synthetic.play(5)
    path = tmp_path / "validators" / "validator-1" / "rounds" / "000005.json"
    record = read_round(path.read_bytes(), "round 5").record
    duels = duels_of(record)
    models = {model.hotkey: model for model in record.models}
    assert len(duels.hotkeys) == 4
    for i, row in enumerate(duels.hotkeys):
        for j, column in enumerate(duels.hotkeys):
            one, other = models[row], models[column]
            pages = [
                beats(a, b, one.block, other.block, one.epsilon or 0, other.epsilon or 0)
                for task in one.losses
                for a, b in zip(one.losses[task], other.losses[task], strict=True)
            ]
            expected = None if i == j else pytest.approx(sum(pages) / len(pages))
            assert duels.shares[i][j] == expected


def test_pages_that_were_not_scored_do_not_count(tmp_path: Path) -> None:
    synthetic = Synthetic(tmp_path, miners=5, validators=1)
    synthetic.play(1)
    path = tmp_path / "validators" / "validator-1" / "rounds" / "000001.json"
    record = read_round(path.read_bytes(), "round 1").record
    scored = [model for model in record.models if model.losses]
    unscored = msgspec.structs.replace(
        scored[0], losses={task: (None,) * len(pages) for task, pages in scored[0].losses.items()}
    )
    duels = duels_of(msgspec.structs.replace(record, models=(unscored, scored[1])))
    assert duels.shares == ((None, None), (None, None))
    assert duels_of(msgspec.structs.replace(record, models=())) == Duels()
