"""A staged decoder small enough for tests."""

from __future__ import annotations

from typing import Any

from iotapretrain.models.stages.staged_config import FULL_WIDTH, StagedConfig


def staged(boundary: str = "plain", **given: Any) -> StagedConfig:
    """Three stages of two blocks, unless other numbers are given."""
    numbers: dict[str, Any] = {
        "vocab_size": 257,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 64,
        "stage_blocks": [2, 2, 2],
        "boundary_width": None if boundary in FULL_WIDTH else 4,
        "wire": "float32",
    }
    return StagedConfig(boundary=boundary, **numbers | given)
