"""A model with its loss, as one module: what is sharded, compiled and trained."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from iotapretrain.models.config import Config
from iotapretrain.models.layout import Model, build
from iotapretrain.models.losses import OutputHead
from iotapretrain.training.plan import RunPlan

LOGITS_AT_ONCE = 1 << 28
"""Logits held for the backward pass; beyond it they are computed in pieces, twice."""


class LossNetwork(nn.Module):
    """Mean loss of rows of tokens; every row predicts all its tokens but the first."""

    def __init__(self, model: Model, layers: int, precision: torch.dtype) -> None:
        super().__init__()
        self.model, self.precision = model, precision
        self.blocks = _blocks(model, layers)
        self.vocabulary = len(_weight(model.get_output_embeddings()))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """The mean of -ln p(next token), in float32."""
        with torch.autocast(
            rows.device.type, self.precision, enabled=self.precision != torch.float32
        ):
            hidden = self.model.base_model(rows, use_cache=False)[0][:, :-1]
            return mean_label_loss(OutputHead.of(self.model), hidden, rows[:, 1:])


def mean_label_loss(head: OutputHead, hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean of -ln p(label) over all positions, in float32, under the caller's autocast."""

    def total(hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        logits = functional.linear(hidden, head.weight, head.bias).float()
        if head.bound is not None:
            logits = head.bound * torch.tanh(logits / head.bound)
        return functional.cross_entropy(logits, labels, reduction="sum")

    hidden, labels = hidden.flatten(0, 1), labels.flatten()
    pieces = max(1, -(-len(labels) * len(head.weight) // LOGITS_AT_ONCE))
    if pieces == 1:
        return total(hidden, labels) / len(labels)
    chunks = zip(hidden.chunk(pieces), labels.chunk(pieces), strict=True)
    sums = [checkpoint(total, *chunk, use_reentrant=False) for chunk in chunks]
    return torch.stack(sums).sum() / len(labels)


def prepared(model: Model, config: Config, plan: RunPlan) -> LossNetwork:
    """A model made ready for training: float32 weights that take gradients."""
    model.float().requires_grad_(True).train()
    if plan.recompute:
        model.activation_checkpointing_enable({"use_reentrant": False})
    network = LossNetwork(model, config.layers, getattr(torch, plan.precision))
    if plan.compile:
        for block in network.blocks:
            block.compile()
    return network


def fresh(config: Config, seed: int) -> Model:
    """An untrained model, the same for a seed, by its class's own rules of initialisation.

    The standard deviation is sqrt(2 / 5d) for width d (Nguyen and Salazar 2019), which is the usual
    0.02 at d = 1,000 and does not starve small models.
    """
    model = build(config)
    width = _weight(model.get_input_embeddings()).shape[1]
    model.config.initializer_range = (2 / (5 * width)) ** 0.5
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model.init_weights()
    model.tie_weights()
    return model


def flops_per_token(network: LossNetwork, length: int) -> float:
    """6 operations a weight of the layers' matrices and the head, and attention backwards only.

    Embeddings are looked up, not multiplied.
    """
    head = _weight(network.model.get_output_embeddings())
    inner = (each for block in network.blocks for each in block.parameters() if each.ndim > 1)
    multiplied = head.numel() + sum(each.numel() for each in inner)
    return 6.0 * multiplied + 6.0 * len(network.blocks) * head.shape[1] * length


def _weight(module: nn.Module) -> torch.Tensor:
    return module.get_parameter("weight")


def _blocks(model: Model, layers: int) -> tuple[nn.Module, ...]:
    """The model's layers, by whatever name its class calls them."""
    return next(
        tuple(module)
        for module in model.modules()
        if isinstance(module, nn.ModuleList) and len(module) == layers
    )
