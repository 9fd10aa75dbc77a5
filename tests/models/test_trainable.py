from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from iotapretrain.arena.actors.attacks import (
    ATTACKS,
    BOTH_WAYS,
    copied,
    plant_rare,
    scale_norms,
    scale_pair,
    scale_stream,
    stream_config,
)
from iotapretrain.errors import InputError
from iotapretrain.models.trainable.parts import Parts, parts_of
from iotapretrain.models.trainable.probe import Probe, probe
from iotapretrain.models.trainable.traces import trace
from iotapretrain.models.trainable.training import Recipe
from iotapretrain.models.verdict import Code, ProbeCheck
from tests.models.tiny import ARCHITECTURES, fresh, mean_loss, sequences, trained

EPSILON = 0.005
PAGES = sequences(16, 1_000)
STATIC = Recipe(steps=0)
LIKE_HABITS = ("rare-neurons", "planted-neurons", "stream")
"""At strength 10 they look like what gradient descent at a high rate, or Muon, make of a model."""


def parts_in(model: Any) -> Parts:
    parts = parts_of(model.config, model.state_dict())
    assert parts is not None
    return parts


def items(judged: Probe) -> set[str]:
    """All that any suspicious sign names."""
    return {sign.item for sign in judged.signs if sign.suspicious}


@pytest.mark.parametrize("make", [fresh, trained])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_honest_model_is_not_flagged(architecture: str, make: Any) -> None:
    judged = probe(make(architecture), PAGES)
    assert judged.findings == ()
    assert judged.score < 0
    assert judged.training is not None
    assert judged.training.after < judged.training.before


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_an_honest_model_is_not_flagged_in_any_dtype(dtype: torch.dtype) -> None:
    model = trained("llama").to(dtype)
    assert probe(model, PAGES).findings == ()
    assert model.dtype == dtype


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_writers_that_began_at_zero_are_not_flagged(architecture: str) -> None:
    model = fresh(architecture)
    state = model.state_dict()
    for block in parts_in(model).blocks:
        for writer in block.writers:
            writer.matrix(state).zero_()
    assert probe(model, PAGES, STATIC).findings == ()
    state = model.state_dict()
    for block in parts_in(model).blocks:
        for writer in block.writers:
            writer.matrix(state).normal_(std=1e-4)
    assert probe(model, PAGES, STATIC).findings == ()


@pytest.mark.parametrize("attack", sorted(ATTACKS))
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_attack_that_keeps_the_loss_is_flagged(architecture: str, attack: str) -> None:
    model = trained(architecture)
    parts, own = parts_in(model), mean_loss(model, PAGES)
    traces = trace(model, parts, PAGES)
    weakest = 40.0 if attack in LIKE_HABITS else 10.0
    for strength in (weakest, 1e6, *((1 / weakest, 1e-6) if attack in BOTH_WAYS else ())):
        state = ATTACKS[attack](model.state_dict(), parts, traces, strength)
        rigged = trained(architecture, state)
        if abs(mean_loss(rigged, PAGES) - own) <= EPSILON * own:
            assert probe(rigged, PAGES, STATIC).score > 0, strength


def test_a_stream_scaled_down_with_its_epsilon_is_flagged() -> None:
    model = trained("llama")
    config = type(model.config).from_dict(stream_config(model.config.to_dict(), 0.1))
    rigged = type(model)(config)
    rigged.load_state_dict(scale_stream(model.state_dict(), parts_in(model), 0.1))
    judged = probe(rigged, PAGES, STATIC)
    assert {"rms_norm_eps", "model.embed_tokens.weight"} <= items(judged)


def test_findings_name_the_scaled_tensor_and_by_how_much() -> None:
    model = trained("llama")
    state = scale_pair(model.state_dict(), parts_in(model), "value-output", 1e3, layers=(1,))
    (finding, *_) = probe(trained("llama", state), PAGES, STATIC).findings
    assert finding.code is Code.SABOTAGE
    assert finding.item == "model.layers.1.self_attn.v_proj.weight"
    assert "its partner model.layers.1.self_attn.o_proj.weight" in finding.sentence
    factor = float(finding.sentence.split(" is ")[1].split(" x ")[0])
    assert factor == pytest.approx(1e6, rel=0.2)


def test_findings_name_the_part_of_a_fused_tensor() -> None:
    model = trained("gpt2")
    state = scale_pair(model.state_dict(), parts_in(model), "query-key", 100, layers=(0,))
    (finding, *_) = probe(trained("gpt2", state), PAGES, STATIC).findings
    assert "transformer.h.0.attn.c_attn.weight (query)" in finding.sentence


@pytest.mark.parametrize("strength", [10.0, 0.1])
def test_findings_name_every_rescaled_norm(strength: float) -> None:
    model = trained("mistral")
    state = scale_norms(model.state_dict(), parts_in(model), strength)
    found = items(probe(trained("mistral", state), PAGES, STATIC))
    assert {norm.weight for norm in parts_in(model).norms} <= found
    assert "model.embed_tokens.weight" not in found


def test_findings_name_the_neuron_that_lies_in_wait() -> None:
    model = trained("qwen2")
    parts = parts_in(model)
    traces = trace(model, parts, PAGES)
    quiet = [int(activity.argmin()) for activity in traces.activity]
    rigged = trained("qwen2", plant_rare(model.state_dict(), parts, traces, 1e4))
    wanted = {f"model.layers.{n}.mlp.down_proj.weight[:, {quiet[n]}]" for n in range(2)}
    assert wanted <= items(probe(rigged, PAGES, STATIC))


def test_findings_name_the_poisoned_row() -> None:
    model = trained("llama")
    state = copied(model.state_dict())
    state["model.embed_tokens.weight"][200] *= 100
    (finding, *_) = probe(trained("llama", state), PAGES, STATIC).findings
    assert finding.item == "model.embed_tokens.weight[200]"


def test_training_alone_sees_a_model_that_the_first_steps_throw_off() -> None:
    """Whatever is known about its parts."""
    model = trained("gpt2")
    state = scale_pair(model.state_dict(), parts_in(model), "query-key", 1e5)
    rigged = trained("gpt2", scale_pair(state, parts_in(model), "value-output", 1e5))
    rigged.config.model_type = "of-our-own"
    assert ProbeCheck.TRAINING in {
        sign.check for sign in probe(rigged, PAGES).signs if sign.suspicious
    }


def test_the_same_seed_gives_the_same_probe_and_leaves_the_model_alone() -> None:
    model = trained("llama")
    before = copied(model.state_dict())
    first = probe(model, PAGES, seed=3)
    assert first == probe(model, PAGES, seed=3)
    assert first.training != probe(model, PAGES, seed=4).training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_cost_is_what_the_recipe_says() -> None:
    seen = 0
    recipe = Recipe(steps=5, batch=2, rows=4, length=32)
    model = trained("llama")

    def count(_: Any, args: Any, kwargs: Any) -> None:
        nonlocal seen
        seen += (kwargs.get("input_ids") if "input_ids" in kwargs else args[0]).numel()

    model.base_model.register_forward_pre_hook(count, with_kwargs=True)
    judged = probe(model, PAGES, recipe)
    assert judged.tokens == 3 * 4 * 32 + 5 * 2 * 32 == seen


def test_statistics_hold_every_parameter() -> None:
    model = trained("gpt2")
    judged = probe(model, PAGES, STATIC)
    assert judged.training is None
    named = {tensor.name: tensor for tensor in judged.tensors}
    assert named.keys() == dict(model.named_parameters()).keys()
    for name, parameter in model.named_parameters():
        root = parameter.detach().square().mean().sqrt().item()
        assert named[name].weight == pytest.approx(root, rel=1e-4, abs=1e-30)
        assert named[name].gradient > 0


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
@pytest.mark.parametrize("value", [0.0, 0.01, math.nan, math.inf, 1e30])
def test_a_degenerate_model_gives_a_finding(architecture: str, value: float) -> None:
    model = fresh(architecture)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
    judged = probe(model, PAGES)
    assert judged.findings
    assert judged.score > 0
    assert all(finding.item for finding in judged.findings)


def test_a_broken_tensor_is_named() -> None:
    model = trained("llama")
    with torch.no_grad():
        model.get_parameter("model.layers.1.mlp.up_proj.weight")[3, 4] = math.nan
    (finding,) = probe(model, PAGES).findings
    assert finding.item == "model.layers.1.mlp.up_proj.weight"


@pytest.mark.parametrize(
    "pages", [torch.zeros(4, dtype=torch.long), torch.zeros(0, 8, dtype=torch.long),
              torch.zeros(4, 1, dtype=torch.long), torch.full((2, 8), 256)]
)  # fmt: skip
def test_pages_that_are_none_are_refused(pages: torch.Tensor) -> None:
    with pytest.raises(InputError):
        probe(fresh("llama"), pages)
