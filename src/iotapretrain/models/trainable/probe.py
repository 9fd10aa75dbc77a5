"""The probe itself: everything measured on one model, and the reasons to refuse it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from iotapretrain.models.trainable.gradients import TensorStatistics, statistics_signs, tensor_statistics
from iotapretrain.models.trainable.layout import Layout, State, layout
from iotapretrain.models.trainable.outliers import constant_signs, neuron_signs, row_signs
from iotapretrain.models.trainable.scales import scale_signs
from iotapretrain.models.trainable.sign import Check, Sign
from iotapretrain.models.trainable.traces import activity
from iotapretrain.models.trainable.training import Recipe, Training, continue_training, losses_and_gradients
from iotapretrain.models.verdict import Code, Finding


@dataclass(frozen=True)
class Probe:
    """What was measured: signs from the worst down, statistics of every tensor, and the tokens that it took."""

    signs: tuple[Sign, ...]
    tensors: tuple[TensorStatistics, ...]
    training: Training | None
    tokens: int

    @property
    def score(self) -> float:
        """Decades beyond the limit, of the sign that is furthest beyond its own; above 0 is sabotage."""
        return self.signs[0].excess

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The worst sign of every check that found something."""
        worst: dict[Check, Sign] = {}
        for sign in self.signs:
            if sign.suspicious:
                worst.setdefault(sign.check, sign)
        return tuple(Finding(Code.SABOTAGE, sign.sentence, sign.item) for sign in worst.values())


def probe(model: Any, pages: torch.Tensor, recipe: Recipe | None = None, seed: int = 0) -> Probe:
    """Judge whether others can train on from a causal language model of transformers.

    `pages` are token ids of shape (rows, length). The model is left as it is: a float32 copy is measured and trained, which
    takes 16 bytes a parameter with AdamW's state. A recipe of 0 steps leaves the training out and takes 8.
    """
    recipe = recipe or Recipe()
    broken = tuple(_not_finite(model.state_dict()))
    if broken:
        return Probe(broken, (), None, 0)
    twin = copy.deepcopy(model).float().eval().requires_grad_(True)
    rows = pages[: recipe.rows, : recipe.length]
    state, parts = twin.state_dict(), layout(model.config, twin.state_dict())
    signs = [*_static(twin, state, parts, rows), *constant_signs(state)]
    before = losses_and_gradients(twin, rows, recipe.batch)
    tensors = tensor_statistics(twin, recipe.rate)
    signs += statistics_signs(tensors, _embedding(twin))
    training = None
    if recipe.steps:
        training = continue_training(twin, rows, before, recipe, seed)
        signs.append(training.sign)
    signs.sort(key=lambda sign: -sign.excess)
    return Probe(tuple(signs), tensors, training, _tokens(rows, recipe, parts))


def _not_finite(state: State) -> Iterator[Sign]:
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            yield Sign(Check.NOT_FINITE, name, math.inf, f"{name} holds numbers that are not finite")


def _static(twin: Any, state: State, parts: Layout | None, rows: torch.Tensor) -> Iterator[Sign]:
    """What only a known layout can show."""
    if parts is not None:
        yield from scale_signs(parts, state)
        yield from row_signs(parts, state)
        yield from neuron_signs(parts, state, activity(twin, parts, rows))


def _embedding(model: Any) -> str:
    """The name of the input embedding's weight among the parameters."""
    weight = model.get_input_embeddings().weight
    return next(name for name, parameter in model.named_parameters() if parameter is weight)


def _tokens(rows: torch.Tensor, recipe: Recipe, parts: Layout | None) -> int:
    """Tokens that went forward: activity, gradients, training, and the losses after it."""
    passes = 1 + (parts is not None) + (recipe.steps > 0)
    return passes * rows.numel() + recipe.steps * recipe.batch * rows.shape[1]
