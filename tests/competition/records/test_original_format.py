"""A round in the fields that readers of the original's public runs know."""

from __future__ import annotations

import json
from pathlib import Path

from iotapretrain.competition.records.original_format import original_format
from iotapretrain.competition.records.public_rounds import read_round
from tests.dashboard.synthetic import Synthetic

MODEL_FIELDS = {
    "uid",
    "block",
    "hf",
    "competition_id",
    "average_loss",
    "epsilon_adv",
    "win_rate",
    "win_total",
    "weight",
    "norm_weight",
    "dataset_perf",
}
GRAPHS = {
    "time",
    "step_competition_id",
    "block",
    "uid_data",
    "uid_epsilon_adv",
    "win_rate_data",
    "win_total_data",
    "weight_data",
    "competition_weight_data",
    "competition_id",
}


def test_every_field_of_section_12(tmp_path: Path) -> None:
    Synthetic(tmp_path, miners=5, validators=1).play(1)
    path = tmp_path / "validators" / "validator-1" / "rounds" / "000001.json"
    record = read_round(path.read_bytes(), "round 1").record
    fields = original_format(record, 1.5)
    assert set(fields) >= GRAPHS
    document = json.loads(fields["original_format_json"], parse_constant=lambda name: name)
    assert set(document) == {"timestamp", "competition_id", "seed", "pages", "uids", "uid_data"}
    assert document["seed"] == int(record.seed_hash, 16)
    assert document["pages"][0].count(":") == 2
    assert "Infinity" not in fields["original_format_json"]
    for model in record.models:
        told = document["uid_data"][str(model.uid)]
        assert set(told) >= MODEL_FIELDS
        assert told["average_loss"] == model.score
        assert told["hf"] is None or told["hf"].endswith(model.commitment.split(":")[2])
        if model.score is not None:
            parts = [told[f"{task.name}.weighted_norm_score"] for task in record.tasks]
            assert abs(sum(parts) - model.score) < 1e-9
            assert fields["uid_data"][str(model.uid)] == model.score
