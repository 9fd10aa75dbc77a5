"""Greedy continuations of our own."""

from __future__ import annotations

import pytest
import torch
import transformers

from iotapretrain.errors import InputError
from iotapretrain.models.sanity import check_sanity, continuations
from iotapretrain.models.verdict import Code
from tests.models import zoo


def slowly(model: transformers.PreTrainedModel, prompts: torch.Tensor) -> torch.Tensor:
    ids = prompts
    with torch.inference_mode():
        for _ in range(20):
            ids = torch.cat([ids, model(ids).logits[:, -1].argmax(1, keepdim=True)], dim=1)
    return ids[:, prompts.shape[1] :]


def prompts(length: int = 100) -> torch.Tensor:
    return torch.randint(zoo.VOCABULARY, (2, length), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", zoo.SHAPES)
def test_every_architecture_continues_as_if_it_had_no_memory(name: str) -> None:
    model = zoo.network(name)
    assert torch.equal(continuations(model, prompts()), slowly(model, prompts()))


def test_generation_settings_of_the_repository_are_ignored() -> None:
    model = zoo.network("LlamaForCausalLM")
    expected = continuations(model, prompts())
    model.generation_config.do_sample = True
    model.generation_config.repetition_penalty = 9.0
    assert torch.equal(continuations(model, prompts()), expected)


def test_a_model_that_says_one_thing_is_unreasonable() -> None:
    model = zoo.network("PhiForCausalLM")
    with torch.no_grad():
        model.lm_head.bias[7] = 1e6
    finding = check_sanity(model, prompts(120))
    assert finding is not None
    assert finding.code == Code.UNREASONABLE


def test_one_pair_that_is_reasonable_clears_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weak honest models stutter on some texts."""
    stutter, speech = [7] * 20, list(range(20))
    said = torch.tensor([stutter, stutter, stutter, speech])
    monkeypatch.setattr("iotapretrain.models.sanity.continuations", lambda *_: said)
    model = zoo.network("GPT2LMHeadModel")
    assert check_sanity(model, prompts(100).repeat(2, 1)) is None
    said = torch.tensor([stutter] * 4)
    assert check_sanity(model, prompts(100).repeat(2, 1)) is not None


def test_a_varied_model_is_reasonable() -> None:
    assert check_sanity(zoo.network("LlamaForCausalLM", seed=1), prompts(100)) is None


@pytest.mark.parametrize("shape", [(1, 120), (2, 99), (240,)])
def test_too_little_text(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="sanity"):
        check_sanity(zoo.network("GPT2LMHeadModel"), torch.zeros(shape, dtype=torch.long))
