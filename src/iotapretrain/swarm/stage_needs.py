"""What a machine needs to hold one stage of a run, by arithmetic alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from iotapretrain.models.stages.staged_config import StagedConfig
from iotapretrain.models.stages.staged_model import StageNetwork
from iotapretrain.rules.swarm.frame import Direction
from iotapretrain.swarm.run_file import SwarmRun
from iotapretrain.training.stage_state import StateLayout

TENSORS_A_BLOCK = 12
"""As wide as the stream, kept by a block for its backward pass; four are as wide as its inside."""
IN_FLIGHT = 2
"""Steps' worth of samples whose inputs a stage keeps: of this step and of the one before."""


@dataclass(frozen=True)
class StageNeeds:
    """Of one stage."""

    stage: int
    blocks: int
    parameters: int
    state_bytes: int
    """Weights, moments and gradients, in float32."""
    kept_bytes: int
    """Inputs of samples whose gradient has not come."""
    working_bytes: int
    """About what one sample's forward keeps for its backward."""
    sent_bytes: float
    """A token, to both neighbours."""
    received_bytes: float
    operations: float
    """A token, forward and backward."""

    @property
    def memory(self) -> int:
        """All of it."""
        return self.state_bytes + self.kept_bytes + self.working_bytes


def stage_needs(run: SwarmRun, config: StagedConfig) -> list[StageNeeds]:
    """Of every stage; nothing is allocated."""
    return [_needs(run, config, index) for index in range(len(config.blocks))]


def _needs(run: SwarmRun, config: StagedConfig, index: int) -> StageNeeds:
    shapes = StageNetwork(config, index).shapes
    layout = StateLayout(shapes, run.optimiser.name)
    frame, positions = run.frame(config), run.step.rows * run.data.positions
    forward, backward = (frame.frame_bytes(each) / positions for each in Direction)
    before, behind = index > 0, index < len(config.blocks) - 1
    row = (frame.row_bytes if before else 0) + 4
    return StageNeeds(
        stage=index,
        blocks=config.blocks[index],
        parameters=layout.parameters,
        state_bytes=4 * (layout.numbers + layout.parameters),
        kept_bytes=IN_FLIGHT * run.step.samples * positions * row,
        working_bytes=_working_bytes(run, config, index),
        sent_bytes=forward * behind + backward * before,
        received_bytes=forward * before + backward * behind,
        operations=6 * _multiplied(shapes)
        + 6 * config.blocks[index] * config.hidden_size * run.data.positions,
    )


def _multiplied(shapes: Mapping[str, torch.Size]) -> int:
    """Weights that every token is multiplied with: not tables that it is looked up in."""
    tables = ("embed_tokens.weight", "anchors.weight")
    return sum(
        math.prod(shape)
        for name, shape in shapes.items()
        if len(shape) > 1 and not name.endswith(tables)
    )


def _working_bytes(run: SwarmRun, config: StagedConfig, index: int) -> int:
    number = 4 if run.step.precision == "float32" else 2
    block = TENSORS_A_BLOCK * config.hidden_size + 4 * config.intermediate_size
    position = number * config.blocks[index] * block
    if index == len(config.blocks) - 1:
        position += 3 * 4 * config.vocab_size
    return run.step.rows * run.data.positions * position
