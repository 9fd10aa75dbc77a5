"""How much memory workers get: what models of their competitions need, if the machine has it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

from iotapretrain.models.worker import Budget
from iotapretrain.rules.competition.schedule import Constraints

PROBE_BYTES = 16
"""A parameter's while training is tried: weight, gradient, and AdamW's two, in float32."""
WIDENED = 2
"""Weights of 16 bits that are computed with in 32."""


def needed_bytes(constraints: Constraints) -> int:
    """The weights of the largest model that is admitted, and of its copy for the probe."""
    widened = WIDENED if constraints.dtype == "float32" else 1
    probe = PROBE_BYTES * constraints.max_parameters if constraints.trainable else 0
    return constraints.max_bytes * widened + probe


def machine_bytes() -> int:
    """The memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def allowance(
    budget: Budget, competitions: Iterable[Constraints], most: int | None = None
) -> Budget:
    """A budget with room for the largest model beside what it gave before, for text and activity;
    with `most`, no more than the machine has. A model that then has too little waits.
    """
    largest = max((needed_bytes(each) for each in competitions), default=0)
    memory = budget.memory_bytes + largest
    return replace(budget, memory_bytes=memory if most is None else min(memory, most))
