"""A round in the fields that readers of the original's public runs know (competition, 12).

Unlike there it is valid JSON: what is unknown or failed is null. The original's three timing fields
are left out: timings are no part of a record.
"""

from __future__ import annotations

from typing import Any

import msgspec

from iotapretrain.competition.records.committed import model_commitment
from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord
from iotapretrain.rules.competition.commitment import hub_url


def original_format(record: RoundRecord, timestamp: float) -> dict[str, Any]:
    """Every field of one round: `original_format_json`, and what is drawn as graphs."""
    scored = [model for model in record.models if model.score is not None]
    document = _document(record, timestamp)
    return {
        "original_format_json": msgspec.json.encode(document).decode(),
        "time": timestamp,
        "step_competition_id": record.competition,
        "competition_id": record.competition,
        "block": record.block,
        "uid_data": {str(model.uid): model.score for model in scored},
        "uid_epsilon_adv": {str(model.uid): model.epsilon for model in scored},
        "win_rate_data": {str(model.uid): model.win_rate for model in scored},
        "win_total_data": {str(model.uid): model.wins for model in scored},
        "weight_data": {str(m.uid): record.weights.get(m.hotkey, 0.0) for m in record.models},
        "competition_weight_data": {str(model.uid): model.weight for model in record.models},
        **{
            f"{task.name}.raw_score": {
                str(m.uid): m.task_scores[task.name] for m in scored if task.name in m.task_scores
            }
            for task in record.tasks
        },
    }


def _document(record: RoundRecord, timestamp: float) -> dict[str, Any]:
    """What the original wrote as JSON text, model by model."""
    return {
        "timestamp": timestamp,
        "competition_id": record.competition,
        "seed": int(record.seed_hash, 16),
        "pages": [
            f"{task.dataset}:{page.config}:{page.start}"
            for task in record.tasks
            for page in task.pages
        ],
        "uids": [model.uid for model in record.models],
        "uid_data": {str(model.uid): _model_fields(record, model) for model in record.models},
    }


def _model_fields(record: RoundRecord, model: ModelRecord) -> dict[str, Any]:
    weights = {task.name: task.weight for task in record.tasks}
    found = model_commitment(model.commitment)
    return {
        "uid": model.uid,
        "block": model.block,
        "hf": None if found is None else hub_url(found.namespace, found.name, found.commit),
        "competition_id": record.competition,
        "average_loss": model.score,
        "epsilon_adv": model.epsilon,
        "win_rate": model.win_rate,
        "win_total": model.wins,
        "weight": record.weights.get(model.hotkey, 0.0),
        "norm_weight": model.weight,
        "dataset_perf": {
            task.dataset: {"average_loss": model.task_scores.get(task.name)}
            for task in record.tasks
        },
        **{f"{name}.raw_score": loss for name, loss in model.task_scores.items()},
        **{f"{name}.norm_score": loss for name, loss in model.task_scores.items()},
        **{
            f"{name}.weighted_norm_score": loss * weights[name]
            for name, loss in model.task_scores.items()
            if name in weights
        },
    }
