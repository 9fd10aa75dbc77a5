"""How fast this machine is: at plain products, the measure of a run's speed, and at a plan."""

from __future__ import annotations

import resource
import time

import msgspec
import torch

from iotapretrain.net.retry import Clock
from iotapretrain.training import shape
from iotapretrain.training.network import fresh, prepared
from iotapretrain.training.optimiser import Optimiser
from iotapretrain.training.plan import RunPlan
from iotapretrain.training.ranks import alone

TRIES = 5
STEPS = 3
SHARE = 0.9
"""Of the time goes into steps; the rest into text, measurements and checkpoints."""


def matmul_peak(
    device: torch.device, dtype: torch.dtype, clock: Clock = time.perf_counter
) -> float:
    """Operations a second of a square product in `dtype`: the best of a few tries, in 0.2 s."""
    side = 8192 if device.type == "cuda" else 768
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(TRIES):
        _wait(device)
        started = clock()
        left @ right
        _wait(device)
        seconds.append(clock() - started)
    return 2.0 * side**3 / min(seconds)


def memory_bytes(device: torch.device) -> int:
    """The most memory that was in use so far: of the device, or of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def tokens_in(plan: RunPlan, seconds: float) -> int:
    """Tokens that training by this plan gets through in that time, on this device alone.

    It is measured before the plan is fixed: `--seconds` becomes a number of tokens.
    """
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


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
