"""From a number of parameters to a network that a competition admits."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from iotapretrain.errors import InputError
from iotapretrain.models.architectures import ARCHITECTURES
from iotapretrain.models.header_checks import Limits
from iotapretrain.training import planning
from iotapretrain.training.shape import checked, derived, middle_size, parameters_of
from tests.training.small import COMPETITION


def limits(smallest: int, largest: int, vocabulary: int, positions: int) -> Limits:
    sizes = {"min_parameters": smallest, "max_parameters": largest, "sequence_length": positions}
    return Limits(replace(COMPETITION.constraints, **sizes), vocabulary)


ROOM = limits(300_000, 1_500_000, 257, 128)
LARGE = limits(3_200_000_000, 3_400_000_000, 100_277, 4_096)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_architecture_comes_near_its_size(architecture: str) -> None:
    document = derived(700_000, architecture, ROOM, {})
    assert abs(math.log(parameters_of(document) / 700_000)) < 0.3
    config = checked(document)
    assert (config.vocabulary, config.positions) == (257, 128)


def test_a_narrow_competition_is_met() -> None:
    document = derived(middle_size(LARGE.constraints), "LlamaForCausalLM", LARGE, {})
    assert 3_200_000_000 <= parameters_of(document) <= 3_400_000_000
    assert not document["tie_word_embeddings"]
    assert 50 <= document["hidden_size"] / document["num_hidden_layers"] <= 150


def test_given_keys_go_before_derived_ones() -> None:
    given = {"num_hidden_layers": 5, "hidden_size": 96, "num_attention_heads": 3}
    document = derived(700_000, "LlamaForCausalLM", ROOM, given | {"num_key_value_heads": 3})
    assert {key: document[key] for key in given} == given


@pytest.mark.parametrize(
    ("size", "architecture", "given", "message"),
    [
        (10, "LlamaForCausalLM", {}, "300,000 to 1,500,000"),
        (700_000, "MambaForCausalLM", {}, "unknown"),
        (700_000, "LlamaForCausalLM", {"hidden_act": "boom"}, "hidden_act"),
        (700_000, "LlamaForCausalLM", {"num_attention_heads": 7}, "[model]"),
    ],
    ids=["size", "architecture", "activation", "heads"],
)
def test_says_what_cannot_be(
    size: int, architecture: str, given: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        derived(size, architecture, ROOM, given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rate_and_batch_follow_the_published_law() -> None:
    """The law's own example: 67 billion parameters, 2 trillion tokens (DeepSeek, table 2)."""
    compute = planning.operations(67_000_000_000, 2_000_000_000_000)
    assert planning.highest_rate(compute, "muon") == pytest.approx(3.2e-4, rel=0.3)
    tokens = planning.batch_sequences(compute, 2_000_000_000_000, 4_096) * 4_096
    assert tokens == pytest.approx(18.9e6, rel=0.3)


def test_short_runs_still_take_many_steps() -> None:
    batch = planning.batch_sequences(planning.operations(650_000, 2_000_000), 2_000_000, 128)
    assert batch % 8 == 0
    assert 2_000_000 / (batch * 128) >= 300
