"""What this machine multiplies at most: the measure that a run's speed is given in."""

from __future__ import annotations

import time

import torch

from iotapretrain.net.retry import Clock

TRIES = 5


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
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
