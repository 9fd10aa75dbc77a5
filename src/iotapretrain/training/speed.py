"""How fast this machine is: at plain products, the measure of a run's speed, and at a plan."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import msgspec
import torch

from iotapretrain.net.retry import Clock
from iotapretrain.training import shape
from iotapretrain.training.network import fresh, prepared
from iotapretrain.training.optimiser import Optimiser
from iotapretrain.training.plan import RunPlan
from iotapretrain.training.ranks import alone

TRIES = 5
STEPS = 4
MEASURED = 0.03
LONGEST_SECONDS = 5.0
"""Steps are measured for this share of the time and no longer, but at least so many of them."""
SHARE = 0.9
"""Of the time goes into steps; the rest into text, measurements and checkpoints."""
EVALUATIONS = 2
"""Before the first step and after the last; more take time only from runs that have it."""


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


def tokens_in(plan: RunPlan, seconds: float, clock: Clock = time.perf_counter) -> int:
    """Tokens that training by this plan gets through in that time, on this device alone.

    It is measured before the plan is fixed: `--seconds` becomes a number of tokens. The mean counts
    and not the best step: on a machine that others use, too, no run is as fast as its best step.
    """
    config, ranks = shape.checked(plan.model), alone()
    plain = msgspec.structs.replace(plan, compile=False)
    network = prepared(fresh(config, plan.seed), config, plain)
    ranks.place(network)
    optimiser = Optimiser(network, plan.optimiser)
    length = plan.data.sequence_length
    generator = torch.Generator().manual_seed(plan.seed)
    rows = torch.randint(config.vocabulary, (plan.at_once, length), generator=generator)
    rows = rows.to(ranks.device)

    def step() -> None:
        torch.autograd.backward(network(rows))
        optimiser.step(0.0).item()

    step()  # allocates what the others find
    rate = rows.numel() * _rate(step, min(MEASURED * seconds, LONGEST_SECONDS), clock)
    evaluated = EVALUATIONS * plan.data.held_out_sequences * length // 3  # forward is a third
    return max(plan.step_tokens, int(rate * SHARE * seconds) - evaluated)


def _rate(step: Callable[[], None], seconds: float, clock: Clock) -> float:
    """Steps a second, over this time."""
    started = now = clock()
    steps = 0
    while steps < STEPS or now - started < seconds:
        step()
        steps, now = steps + 1, clock()
    return steps / (now - started)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
