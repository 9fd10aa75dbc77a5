"""Who may take part, and the sentence for who may not."""

from __future__ import annotations

import math

import pytest

from iotapretrain.errors import ConfigError, InputError
from iotapretrain.rules.competition.size_limits import PROJECTIONS, NormRule, refuse, refuse_norms

BOUNDS = 572_000_000, 772_000_000
ALLOWED = ["LlamaForCausalLM", "GPT2LMHeadModel"]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (571_999_999, "571,999,999 parameters; at least 572,000,000 needed"),
        (572_000_000, None),
        (772_000_000, None),
        (772_000_001, "772,000,001 parameters; at most 772,000,000 allowed"),
    ],
)
def test_both_bounds_are_inside(parameters: int, sentence: str | None) -> None:
    assert refuse(parameters, *BOUNDS, "LlamaForCausalLM", ALLOWED) == sentence


def test_a_refusal_says_what_would_be_allowed() -> None:
    refusal = refuse(600_000_000, *BOUNDS, "Malware", ALLOWED)
    assert refusal is not None
    assert refusal.startswith("architecture")
    assert refusal == "architecture Malware; allowed: GPT2LMHeadModel, LlamaForCausalLM"


def norms(layers: int, **changed: list[float]) -> dict[str, list[float]]:
    return {projection: [90.0] * layers for projection in PROJECTIONS} | changed


def test_norms_at_the_hard_bound_pass_and_above_it_do_not() -> None:
    assert refuse_norms(norms(10, q_proj=[1000.0] + [90.0] * 9), NormRule()) is None
    refusal = refuse_norms(norms(10, q_proj=[90.0] * 9 + [1000.001]), NormRule())
    assert refusal is not None
    assert "layer 9: q_proj" in refusal


def test_the_share_of_layers_above_soft_may_reach_its_bound() -> None:
    """18 of 120 norms are 15 %."""
    at = norms(20, **{projection: [201.0] * 3 + [200.0] * 17 for projection in PROJECTIONS})
    assert refuse_norms(at, NormRule()) is None
    above = at | {"q_proj": [201.0] * 4 + [200.0] * 16}
    assert refuse_norms(above, NormRule()) is not None


@pytest.mark.parametrize("norm", [math.nan, math.inf])
def test_a_norm_that_is_no_number_is_above_every_bound(norm: float) -> None:
    """Compared the other way round, as the original does, NaN passes."""
    assert refuse_norms(norms(10, v_proj=[norm] + [90.0] * 9), NormRule()) is not None


def test_a_model_without_layers_cannot_be_judged() -> None:
    for empty in ({}, norms(0), norms(4, q_proj=[])):
        with pytest.raises(InputError, match="no layers"):
            refuse_norms(empty, NormRule())


@pytest.mark.parametrize(
    "bounds", [{"soft": 0.0}, {"soft": 2000.0}, {"hard": math.inf}, {"share": 1.5}, {"share": -0.1}]
)
def test_impossible_rules_are_refused(bounds: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        NormRule(**bounds)
