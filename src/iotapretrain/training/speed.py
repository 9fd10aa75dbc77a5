"""How fast a plan would go here, measured before it is fixed: what `--seconds` is turned into."""

from __future__ import annotations

import time

import msgspec
import torch

from iotapretrain.training import shape
from iotapretrain.training.network import fresh, prepared
from iotapretrain.training.optimiser import Optimiser
from iotapretrain.training.plan import Plan
from iotapretrain.training.ranks import alone

STEPS = 3
SHARE = 0.9
"""Of the time goes into steps; the rest into text, measurements and checkpoints."""


def tokens_in(plan: Plan, seconds: float) -> int:
    """Tokens that training by this plan gets through in that time, on this device alone."""
    config, ranks = shape.checked(plan.model), alone()
    plain = msgspec.structs.replace(plan, compile=False)
    network = prepared(fresh(config, plan.seed), config, plain)
    ranks.place(network)
    optimiser = Optimiser(network, plan.optimiser)
    length = plan.data.sequence_length
    rows = torch.zeros(plan.at_once, length, dtype=torch.int64, device=ranks.device)
    taken = []
    for _ in range(STEPS):
        started = time.perf_counter()
        torch.autograd.backward(network(rows))
        optimiser.step(0.0).item()
        taken.append(time.perf_counter() - started)
    return max(plan.step_tokens, int(rows.numel() / min(taken) * SHARE * seconds))
