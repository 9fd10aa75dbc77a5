from __future__ import annotations

from typing import Any

import pytest
import torch

from iotapretrain.arena.actors.attacks import (
    ATTACKS,
    BOTH_WAYS,
    copied,
    scale_pair,
    scale_stream,
    stream_config,
)
from iotapretrain.models.trainable.parts import Parts, parts_of
from iotapretrain.models.trainable.traces import Traces, trace
from tests.models.tiny import ARCHITECTURES, fresh, mean_loss, sequences, trained

EPSILON = 0.005
PAGES = sequences(16, 1_000)
EXACT = ("value-output", "query-key", "norms", "one-layer")
GATED = ("llama", "mistral", "qwen2")


def prepared(architecture: str) -> tuple[Any, Parts, Traces]:
    model = trained(architecture)
    parts = parts_of(model.config, model.state_dict())
    assert parts is not None
    return model, parts, trace(model, parts, PAGES)


def change(architecture: str, attack: str, strength: float) -> float:
    """Relative change of the loss that an attack brings."""
    model, parts, traces = prepared(architecture)
    state = ATTACKS[attack](model.state_dict(), parts, traces, strength)
    own = mean_loss(model, PAGES)
    return abs(mean_loss(trained(architecture, state), PAGES) - own) / own


@pytest.mark.parametrize("strength", [1e6, 0.1])
@pytest.mark.parametrize("attack", EXACT)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_exact_rescalings_keep_the_loss(architecture: str, attack: str, strength: float) -> None:
    assert change(architecture, attack, strength) < 1e-4


@pytest.mark.parametrize("strength", [10, 1e-6])
@pytest.mark.parametrize("architecture", GATED)
def test_a_gated_mlp_can_be_rescaled(architecture: str, strength: float) -> None:
    assert change(architecture, "up-down", strength) < 1e-4


@pytest.mark.parametrize("strength", [1e6, 10])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_stream_can_be_scaled_up(architecture: str, strength: float) -> None:
    """Not exactly: what stands under the root of the norms counts for less."""
    assert change(architecture, "stream", strength) < EPSILON


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_stream_scaled_down_needs_a_smaller_epsilon(architecture: str) -> None:
    model, parts, _ = prepared(architecture)
    state = scale_stream(model.state_dict(), parts, 1e-3)
    own = mean_loss(model, PAGES)
    assert abs(mean_loss(trained(architecture, state), PAGES) - own) / own > EPSILON
    config = type(model.config).from_dict(stream_config(model.config.to_dict(), 1e-3))
    rigged = type(model)(config).eval()
    rigged.load_state_dict(state)
    assert mean_loss(rigged, PAGES) == pytest.approx(own, rel=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_poisoned_row_costs_nothing_where_its_token_is_absent(architecture: str) -> None:
    assert change(architecture, "poisoned-row", 1e6) < EPSILON


@pytest.mark.parametrize("attack", sorted(ATTACKS))
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_an_attack_leaves_what_it_is_given_as_it_was(architecture: str, attack: str) -> None:
    model, parts, traces = prepared(architecture)
    before = copied(model.state_dict())
    after = ATTACKS[attack](model.state_dict(), parts, traces, 10.0)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_a_tied_head_stays_tied(attack: str) -> None:
    model, parts, traces = prepared("qwen2")
    state = ATTACKS[attack](model.state_dict(), parts, traces, 10.0)
    assert torch.equal(state["lm_head.weight"], state["model.embed_tokens.weight"])


@pytest.mark.parametrize("attack", sorted(BOTH_WAYS))
def test_an_attack_and_its_inverse_are_nothing(attack: str) -> None:
    model, parts, traces = prepared("llama")
    there = BOTH_WAYS[attack](model.state_dict(), parts, traces, 8.0)
    back = BOTH_WAYS[attack](there, parts, traces, 1 / 8)
    for name, tensor in model.state_dict().items():
        assert torch.equal(back[name], tensor), name


def test_only_the_named_layers_are_scaled() -> None:
    model, parts, _ = prepared("llama")
    state = scale_pair(model.state_dict(), parts, "up-down", 10.0, layers=(1,))
    changed = {
        name for name, old in model.state_dict().items() if not torch.equal(old, state[name])
    }
    assert changed == {f"model.layers.1.mlp.{name}_proj.weight" for name in ("up", "down")}


def test_fused_tensors_are_scaled_in_their_own_rows() -> None:
    """GPT-NeoX keeps queries, keys and values of a head together; GPT-2 one kind after another."""
    for architecture in ("gpt2", "gpt_neox"):
        model = trained(architecture)
        parts = parts_of(model.config, model.state_dict())
        assert parts is not None
        block = parts.blocks[0]
        state = copied(model.state_dict())
        for part in (block.query, block.key, block.value):
            part.matrix(state).zero_()
            offset = part.offset(state)
            assert offset is not None
            offset.zero_()
        assert not state[block.query.weight].any()
        assert block.query.bias is not None
        assert not state[block.query.bias].any()


def test_an_unknown_architecture_has_no_parts() -> None:
    model = fresh("llama")
    model.config.model_type = "of-our-own"
    assert parts_of(model.config, model.state_dict()) is None
