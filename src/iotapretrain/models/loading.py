"""A model in memory, from open files that were inspected."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from iotapretrain.models.config import Config
from iotapretrain.models.layout import Model, check_layout, hollow_model
from iotapretrain.models.verdict import Rejection
from iotapretrain.models.weight_files import Stored

DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}


def load(config: Config, tensors: Mapping[str, Stored], dtype: torch.dtype | None = None) -> Model:
    """The model in `dtype`, or in the dtype that it is stored in."""
    for finding in check_layout(config, tensors):
        raise Rejection(finding.code, finding.sentence, finding.item)
    model = hollow_model(config)
    stored_as = config.architecture.stored
    names = {name: stored_as.get(name, name) for name in model.state_dict()}
    state = {
        name: torch.nn.Parameter(_tensor(tensors[stored], dtype), requires_grad=False)
        for name, stored in names.items()
        if stored in tensors
    }
    model.load_state_dict(state, strict=False, assign=True)
    model.tie_weights()
    return model


def _tensor(stored: Stored, dtype: torch.dtype | None) -> torch.Tensor:
    entry = stored.entry
    content = stored.file.read(entry.start, entry.end - entry.start)
    if not content:
        return torch.empty(entry.shape, dtype=dtype or DTYPES[entry.dtype])
    tensor = torch.frombuffer(content, dtype=DTYPES[entry.dtype]).view(entry.shape)
    return tensor if dtype is None else tensor.to(dtype)
