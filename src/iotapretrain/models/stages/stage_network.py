"""One stage of a staged model: its parameters have memory, the others' have none."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from transformers.initialization import no_init_weights

from iotapretrain.models.layout import HollowMode
from iotapretrain.models.stages.staged_config import StagedConfig
from iotapretrain.models.stages.staged_model import (
    StagedBody,
    StagedForCausalLM,
    first_values,
    stage_of,
)
from iotapretrain.models.stages.wire import WIRE_CODES


class StageNetwork:
    """What a miner of the stage computes; until `hold`, shapes alone."""

    def __init__(self, config: StagedConfig, index: int) -> None:
        with no_init_weights(), HollowMode():
            self._whole = StagedForCausalLM(config)
        self._whole.train()
        self.config, self.index = config, index
        self.is_head, self.is_tail = index == 0, index == len(config.blocks) - 1
        self.wire = WIRE_CODES[config.wire]
        self.shapes: Mapping[str, torch.Size] = {
            name: parameter.shape
            for name, parameter in self._whole.named_parameters()
            if stage_of(config, name) == index
        }

    def first_weights(self, seed: int) -> dict[str, torch.Tensor]:
        """What the run begins with."""
        return {
            name: first_values(self.config, name, shape, seed)
            for name, shape in self.shapes.items()
        }

    def hold(self, weights: Mapping[str, torch.Tensor]) -> dict[str, nn.Parameter]:
        """Compute with these from now on; they are shared, not copied."""
        held = {name: nn.Parameter(weights[name]) for name in self.shapes}
        self._whole.load_state_dict(held, strict=False, assign=True)
        return held

    def compute(self, received: torch.Tensor | None, tokens: torch.Tensor) -> torch.Tensor:
        """Rows to send, or at the tail the last hidden state."""
        body: StagedBody = self._whole.model
        return body.run_stage(self.index, received, tokens)

    @property
    def head_weight(self) -> torch.Tensor:
        """By which the tail's hidden states become logits."""
        head: nn.Linear = self._whole.lm_head
        return head.weight
