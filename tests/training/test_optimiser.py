"""AdamW and Muon, and their state on paper."""

from __future__ import annotations

from typing import Literal

import pytest
import torch

from iotapretrain.data.page_cache import PageCache
from iotapretrain.training.network import LossNetwork, fresh, prepared
from iotapretrain.training.optimiser import Optimiser
from iotapretrain.training.plan import OptimiserPlan
from iotapretrain.training.shape import checked
from tests.training.small import plan

Name = Literal["adamw", "muon"]


@pytest.fixture
def network(cache: PageCache) -> LossNetwork:
    made = plan(cache)
    config = checked(made.model)
    return prepared(fresh(config, 0), config, made)


def step(network: LossNetwork, optimiser: Optimiser, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(257, (4, 32), generator=generator)
    torch.autograd.backward(network(rows))
    optimiser.step(0.01)


def weights(network: LossNetwork) -> dict[str, torch.Tensor]:
    return {name: each.detach().clone() for name, each in network.model.named_parameters()}


def test_the_first_step_of_adamw_moves_by_the_rate(network: LossNetwork) -> None:
    before = weights(network)
    step(network, Optimiser(network, OptimiserPlan(0.01, weight_decay=0.0)), 0)
    name = "model.layers.0.mlp.up_proj.weight"
    moved = (weights(network)[name] - before[name]).abs()
    assert moved.median() == pytest.approx(0.01, rel=1e-2)


def test_only_matrices_decay(network: LossNetwork) -> None:
    before = weights(network)
    optimiser = Optimiser(network, OptimiserPlan(0.01, weight_decay=0.5))
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step(0.01)
    for name, after in weights(network).items():
        factor = 0.995 if after.ndim > 1 else 1.0
        torch.testing.assert_close(after, before[name] * factor)


def test_muon_moves_matrices_by_orthogonal_ones(network: LossNetwork) -> None:
    before = weights(network)
    step(network, Optimiser(network, OptimiserPlan(0.01, name="muon", weight_decay=0.0)), 0)
    name = "model.layers.0.self_attn.q_proj.weight"
    values = torch.linalg.svdvals(weights(network)[name] - before[name])
    assert values.max() / values.median() < 2
    embedding = "model.embed_tokens.weight"
    moved = (weights(network)[embedding] - before[embedding]).abs().median()
    assert moved == pytest.approx(0.01, rel=1e-2)  # AdamW's own


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_goes_on_from_its_state_to_the_bit(
    network: LossNetwork, name: Name, cache: PageCache
) -> None:
    settings = OptimiserPlan(0.01, name=name)
    optimiser = Optimiser(network, settings)
    step(network, optimiser, 1)
    state = {name: tensor.clone() for name, tensor in optimiser.state().items()}
    model = weights(network)
    step(network, optimiser, 2)
    wanted = weights(network)
    with torch.no_grad():
        for parameter_name, parameter in network.model.named_parameters():
            parameter.copy_(model[parameter_name])
    again = Optimiser(network, settings)
    again.load(state)
    step(network, again, 2)
    assert all(torch.equal(wanted[key], each) for key, each in weights(network).items())
