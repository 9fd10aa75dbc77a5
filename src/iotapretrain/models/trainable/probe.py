"""The probe itself: everything measured on one model, and the reasons to refuse it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from iotapretrain.models.layout import Model
from iotapretrain.models.losses import check_ids
from iotapretrain.models.trainable.outliers import constant_signs, neuron_signs, row_signs
from iotapretrain.models.trainable.parts import EPSILON_KEYS, State, parts_of
from iotapretrain.models.trainable.scales import scale_signs
from iotapretrain.models.trainable.traces import activity
from iotapretrain.models.trainable.training import (
    Recipe,
    TensorStatistics,
    Training,
    continue_training,
    losses_and_gradients,
    statistics_signs,
    tensor_statistics,
)
from iotapretrain.models.verdict import Code, Finding, ProbeCheck, Sign

LEAST_EPSILON = 5e-7
"""Decoders are trained with 1e-6 or 1e-5 under the root of their norms; a stream that was scaled
down needs less."""


@dataclass(frozen=True)
class Probe:
    """What was measured: signs from the worst down, statistics of every tensor, and its cost.

    `tokens` counts those that went forward, with or without going back. `training` is None where
    none was asked for, or the model was broken before it.
    """

    signs: tuple[Sign, ...]
    tensors: tuple[TensorStatistics, ...]
    training: Training | None
    tokens: int

    @property
    def score(self) -> float:
        """Decades beyond its limit, of the sign that is furthest beyond; above 0 is sabotage."""
        return self.signs[0].excess

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The worst sign of every check that found something."""
        worst: dict[ProbeCheck, Sign] = {}
        for sign in self.signs:
            if sign.suspicious:
                worst.setdefault(sign.check, sign)
        return tuple(Finding(Code.SABOTAGE, sign.sentence, sign.item) for sign in worst.values())


def probe(model: Model, pages: torch.Tensor, recipe: Recipe | None = None, seed: int = 0) -> Probe:
    """Judge whether others can train on from a causal language model.

    `pages` are token ids of shape (rows, length). The model is left as it is: a float32 copy is
    measured and trained, which takes 16 bytes a parameter with AdamW's state. A recipe of 0 steps
    leaves the training out and takes 8.
    """
    recipe = recipe or Recipe()
    check_ids(pages, model.config.vocab_size)
    rows = pages[: recipe.rows, : recipe.length]
    broken = tuple(_not_finite(model.state_dict()))
    if broken:
        return Probe(broken, (), None, 0)
    twin: Model = copy.deepcopy(model).float().eval()
    twin.requires_grad_(True)
    signs = [*_epsilon_signs(twin.config.to_dict()), *_static_signs(twin, rows)]
    before = losses_and_gradients(twin, rows, recipe.batch)
    tensors = tensor_statistics(twin, recipe.rate)
    signs += statistics_signs(tensors, _embedding(twin))
    training = continue_training(twin, rows, before, recipe, seed) if recipe.steps else None
    if training is not None:
        signs.append(training.sign)
    signs.sort(key=lambda sign: -sign.excess)
    return Probe(tuple(signs), tensors, training, recipe.tokens(rows))


def _not_finite(state: State) -> Iterator[Sign]:
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            sentence = f"{name} holds numbers that are not finite"
            yield Sign(ProbeCheck.NOT_FINITE, name, math.inf, sentence)


def _epsilon_signs(config: Mapping[str, object]) -> Iterator[Sign]:
    for key in EPSILON_KEYS:
        epsilon = config.get(key)
        if isinstance(epsilon, int | float):
            excess = math.log10(LEAST_EPSILON / max(epsilon, 1e-38))
            sentence = f"{key} is {epsilon:g}; decoders are trained with 1e-6 or more"
            yield Sign(ProbeCheck.EPSILON, key, excess, sentence)


def _static_signs(twin: Model, rows: torch.Tensor) -> Iterator[Sign]:
    """What weights and activity alone show; most of it only where the layout is known."""
    state = twin.state_dict()
    yield from constant_signs(state)
    parts = parts_of(twin.config, state)
    if parts is not None:
        yield from scale_signs(parts, state)
        yield from row_signs(parts, state)
        yield from neuron_signs(parts, state, activity(twin, parts, rows))


def _embedding(model: Model) -> str:
    """The name of the input embedding's weight among the parameters."""
    weight = model.get_input_embeddings().get_parameter("weight")
    return next(name for name, parameter in model.named_parameters() if parameter is weight)
