from __future__ import annotations

import threading
import time

import pytest

from iotapretrain.net.threads import prefetched


def test_results_come_in_order_whatever_takes_longest() -> None:
    def fetch(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0.0)
        return number * number

    assert list(prefetched(fetch, range(20), workers=4)) == [n * n for n in range(20)]


def test_fetches_run_at_once_but_never_far_ahead() -> None:
    started: list[int] = []
    together = threading.Barrier(3, timeout=5)

    def fetch(number: int) -> int:
        started.append(number)
        if number < 3:
            together.wait()
        return number

    results = prefetched(fetch, range(100), workers=3)
    assert next(results) == 0
    time.sleep(0.05)
    assert len(started) <= 4
    results.close()
    time.sleep(0.05)
    assert len(started) <= 4


def test_an_error_comes_at_its_turn() -> None:
    def fetch(number: int) -> int:
        if number == 2:
            raise ValueError("no page 2")
        return number

    results = prefetched(fetch, range(5), workers=4)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="no page 2"):
        next(results)


def test_endless_items_are_fine() -> None:
    def numbers() -> object:
        number = 0
        while True:
            yield number
            number += 1

    results = prefetched(lambda number: number, numbers(), workers=2)  # type: ignore[arg-type]
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    results.close()
