"""Stages at work in one process over any inputs, and a program that prints their links."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import torch

from iotapretrain.models.stages.staged_config import StagedConfig
from iotapretrain.models.stages.staged_model import StageNetwork
from iotapretrain.training.plan import OptimiserPlan
from iotapretrain.training.stage_state import StageState, StateLayout
from iotapretrain.training.stage_step import StageTrainer, StepInput
from tests.models.staged import staged

RATE = 3e-3


def trainers(config: StagedConfig, plan: OptimiserPlan, seed: int = 1) -> list[StageTrainer]:
    """One a stage, at the run's first weights."""
    return [trainer(config, index, plan, seed) for index in range(len(config.blocks))]


def trainer(config: StagedConfig, index: int, plan: OptimiserPlan, seed: int = 1) -> StageTrainer:
    network = StageNetwork(config, index)
    state = StageState(StateLayout(network.shapes, plan.name))
    state.begin(network.first_weights(seed))
    return StageTrainer(network, state, plan, lambda tokens: RATE / (1 + tokens / 1e4))


def batches(seed: int = 0, rows: int = 2, length: int = 17) -> Iterator[torch.Tensor]:
    """Rows with something to learn: each token follows from the one before, mostly."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        first = torch.randint(0, 257, (rows, 1), generator=generator)
        noise = torch.randint(0, 7, (rows, length), generator=generator)
        yield (first + torch.arange(length) * 5 + noise) % 257


def pass_sample(
    stages: Sequence[StageTrainer],
    sample: bytes,
    rows: torch.Tensor,
    before_backward: Callable[[], None] = lambda: None,
) -> float:
    """One sample through all stages and back; its loss."""
    tokens, received, sent = rows[:, :-1].int(), None, None
    for stage in stages:
        labels = rows[:, 1:].int() if stage.network.is_tail else None
        sent = stage.forward(StepInput(sample, tokens, received, labels))
        received = sent.onward
    assert sent is not None
    loss, back = sent.loss, sent.back
    before_backward()
    for stage in reversed(stages[:-1]):
        assert back is not None
        turned = stage.backward(sample, back)
        assert turned is not None
        back = turned.back
    assert loss is not None
    return loss


def main() -> None:
    """python -m tests.training.staged_runs STEPS OPTIMISER: links of every stage, a line a step."""
    torch.set_num_threads(1)
    steps, name = int(sys.argv[1]), sys.argv[2]
    stages = trainers(staged("anchored"), OptimiserPlan(RATE, name))  # type: ignore[arg-type]
    source = batches()
    for step in range(steps):
        for sample in range(2):
            pass_sample(stages, bytes([sample]) + step.to_bytes(4, "little"), next(source))
        for stage in stages:
            stage.tokens += 64
        print(" ".join(stage.step()[0].hex() for stage in stages))


if __name__ == "__main__":
    main()
