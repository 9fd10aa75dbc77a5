"""The outer step: what the base becomes of a merge's direction."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.merge_codes import Floats
from iotapretrain.rules.swarm.reduction import OuterRule, base_digest

COUNT = 5000


def drawn(seed: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(COUNT).astype(np.float32)


def test_momentum_grows_for_twenty_epochs() -> None:
    momenta = [OuterRule().momentum(epoch) for epoch in (0, 5, 10, 20, 21, 1000)]
    assert momenta == pytest.approx([0.5, 0.6, 0.7, 0.9, 0.9, 0.9])


def test_the_outer_step_is_torchs_sgd_with_nesterov() -> None:
    rule = OuterRule(0.7, 0.9, 0.9)
    theirs = torch.nn.Parameter(torch.from_numpy(drawn(1)).clone())
    sgd = torch.optim.SGD([theirs], lr=0.7, momentum=0.9, nesterov=True)
    base, velocity = drawn(1), np.zeros(COUNT, np.float32)
    for epoch in range(5):
        theirs.grad = torch.from_numpy(drawn(10 + epoch))
        sgd.step()
        base, velocity = rule.step(base, velocity, drawn(10 + epoch), epoch)
    assert base.dtype == velocity.dtype == np.float32
    assert base == pytest.approx(theirs.detach().numpy(), abs=1e-5)


def test_a_small_outer_step_is_not_lost() -> None:
    """Far below 2^-8 of the base, at which bf16 would lose it."""
    base, small = np.ones(3, np.float32), np.full(3, 2.0**-20, np.float32)
    after, _ = OuterRule(1.0, 0.0, 0.0).step(base, np.zeros_like(base), small, 0)
    assert np.array_equal(after, base - small)


@pytest.mark.parametrize("rule", [(0, 0.5, 0.9), (2.1, 0.5, 0.9), (1, 0.9, 0.5), (1, 0.5, 1)])
def test_impossible_outer_rules_are_refused(rule: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="give a rate up to 2"):
        OuterRule(*rule)


def test_an_outer_step_without_its_momentum_is_refused() -> None:
    with pytest.raises(InputError, match="of one length"):
        OuterRule().step(drawn(1), np.zeros(0, np.float32), drawn(1), 0)


def test_the_digest_is_of_base_and_velocity() -> None:
    base, velocity = drawn(1), drawn(2)
    digest = base_digest(base, velocity)
    assert digest == base_digest(base.copy(), velocity.astype(">f4"))  # type: ignore[arg-type]  # another byte order is the point
    base[4] = np.nextafter(base[4], np.float32(9))
    assert digest != base_digest(base, velocity)
    assert digest != base_digest(drawn(1), drawn(1))
    assert base_digest(drawn(1)[:2], drawn(1)[2:4]) != base_digest(drawn(1)[:3], drawn(1)[3:4])
