"""How fast each tensor of a model would learn: its weights, the gradient that reaches it, and the
step it would take.

An optimiser of Adam's family moves every weight by about its rate, whatever the gradient; so a
tensor learns by rate over root mean square: large weights stand still, small ones are replaced.
Plain gradient descent and clipping see the gradients themselves, which a rescaling by s divides
by s.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from iotapretrain.models.trainable.scales import FLOOR, scale
from iotapretrain.models.trainable.sign import Check, Sign

HEAVY_MATRIX, HEAVY_EMBEDDING = 1.8, 3.0
"""Decades over the median matrix. Honest ones were up to 1.34 over it, and embeddings of unit
variance 2.37, both where queries and writers had begun near zero.
"""
EXPLODING = 8.0
"""Decades of a gradient over the median; 5.2 honest, where writers had begun at zero two steps
before and hardly any gradient passed them yet. For the same reason a small one is no sign.
"""


@dataclass(frozen=True)
class TensorStatistics:
    """One tensor: root mean squares of weights and gradient, and the relative size of one step of
    the reference rate.
    """

    name: str
    dimensions: int
    weight: float
    gradient: float
    step: float


def tensor_statistics(model: torch.nn.Module, rate: float) -> tuple[TensorStatistics, ...]:
    """Of all parameters, after a backward pass."""
    return tuple(_statistics(name, parameter, rate) for name, parameter in model.named_parameters())


def _statistics(name: str, parameter: torch.Tensor, rate: float) -> TensorStatistics:
    weight = 10 ** scale(parameter.detach())
    gradient = 10 ** (FLOOR if parameter.grad is None else scale(parameter.grad))
    return TensorStatistics(name, parameter.ndim, weight, gradient, rate / weight)


def statistics_signs(tensors: Sequence[TensorStatistics], embedding: str) -> Iterator[Sign]:
    """A matrix too heavy to learn with the others, and a gradient out of all proportion to the
    others.
    """
    matrices = [tensor for tensor in tensors if tensor.dimensions >= 2]
    weights = [math.log10(tensor.weight) for tensor in matrices]
    gradients = [
        math.log10(tensor.gradient)
        for tensor in matrices
        if math.log10(tensor.gradient) > FLOOR / 2
    ]
    if not gradients:
        yield Sign(Check.GRADIENT, embedding, math.inf, "no gradient reaches any matrix")
        return
    weight, gradient = statistics.median(weights), statistics.median(gradients)
    for tensor, decades in zip(matrices, weights, strict=True):
        limit = HEAVY_EMBEDDING if tensor.name == embedding else HEAVY_MATRIX
        yield _heavy(tensor, decades - weight, limit)
        yield _gradient(tensor, math.log10(tensor.gradient) - gradient)


def _heavy(tensor: TensorStatistics, over: float, limit: float) -> Sign:
    sentence = (
        f"{tensor.name} is {10**over:.3g} x the median matrix, so that a step of the reference "
        f"rate changes it by {tensor.step:.2g} of itself"
    )
    return Sign(Check.MATRIX, tensor.name, over - limit, sentence)


def _gradient(tensor: TensorStatistics, over: float) -> Sign:
    sentence = f"the gradient of {tensor.name} is {10 ** max(over, FLOOR):.3g} x the median"
    return Sign(Check.GRADIENT, tensor.name, over - EXPLODING, sentence)
