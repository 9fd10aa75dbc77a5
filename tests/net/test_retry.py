"""Deadlines end, pauses grow to their limit, and no two clients keep step."""

from __future__ import annotations

from random import Random

import pytest

from iotapretrain.errors import InputError
from iotapretrain.net.retry import Deadline, pause


def test_a_deadline_counts_on_its_own_clock() -> None:
    now = [100.0]
    deadline = Deadline.after(5.0, lambda: now[0])
    assert deadline.left() == 5.0
    now[0] = 107.0
    assert deadline.left() == -2.0


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_deadline_leaves_time(seconds: float) -> None:
    with pytest.raises(InputError, match="leaves no time"):
        Deadline.after(seconds)


def test_pauses_double_up_to_the_longest_and_keep_half_of_it() -> None:
    rng = Random(1)
    for failures, most in enumerate([1.0, 2.0, 4.0, 8.0, 10.0, 10.0], start=1):
        drawn = [pause(failures, 1.0, 10.0, rng) for _ in range(200)]
        assert most / 2 <= min(drawn) < most * 0.6
        assert most * 0.9 < max(drawn) <= most


def test_clients_do_not_keep_step() -> None:
    assert pause(3, 1.0, 10.0, Random(1)) != pause(3, 1.0, 10.0, Random(2))
