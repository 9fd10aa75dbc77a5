from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.data.ranges import PagePatience
from iotapretrain.errors import ChangedSourceError, InputError, UnavailableSourceError
from iotapretrain.net.retry import PassingFault, retry_after


class Clock:
    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    def patience(self, **limits: float) -> PagePatience:
        return PagePatience(
            clock=lambda: self.time, sleep=self.sleep, rng=random.Random(1), **limits
        )


def failing(times: int, after: float | None = None) -> Callable[[], str]:
    count = itertools.count(1)

    def attempt() -> str:
        if next(count) <= times:
            raise PassingFault("web", "HTTP 503", after)
        return "text"

    return attempt


def test_what_passes_is_tried_again() -> None:
    clock = Clock()
    patience = clock.patience()
    assert patience.keep_trying(failing(3), patience.deadline()) == "text"
    assert len(clock.pauses) == 3


def test_after_the_last_attempt_it_gives_up_and_says_so() -> None:
    clock = Clock()
    patience = clock.patience(tries=3)
    with pytest.raises(UnavailableSourceError, match="web: HTTP 503; gave up after 3 attempts"):
        patience.keep_trying(failing(99), patience.deadline())
    assert len(clock.pauses) == 2


def test_pauses_double_within_jitter_up_to_the_longest() -> None:
    clock = Clock()
    patience = clock.patience(tries=9, first_pause=1.0, longest_pause=10.0)
    patience.keep_trying(failing(8), patience.deadline())
    for pause, whole in zip(clock.pauses, [1, 2, 4, 8, 10, 10, 10, 10], strict=True):
        assert whole / 2 <= pause <= whole
    assert len(set(clock.pauses)) == 8


def test_a_server_that_asks_for_time_gets_it() -> None:
    clock = Clock()
    patience = clock.patience()
    patience.keep_trying(failing(1, after=50.0), patience.deadline())
    assert 50.25 <= clock.pauses[0] <= 50.5
    assert len(clock.pauses) == 1


def test_a_server_that_asks_for_more_than_is_left_ends_it_at_once() -> None:
    clock = Clock()
    patience = clock.patience()
    with pytest.raises(UnavailableSourceError, match="after 1 attempts"):
        patience.keep_trying(failing(1, after=3600.0), patience.deadline())
    assert clock.pauses == []


@given(st.integers(1, 20), st.floats(0.0, 5.0), st.floats(1.0, 300.0), st.integers(0, 9))
def test_the_deadline_is_never_passed(attempts: int, first: float, page: float, seed: int) -> None:
    clock = Clock()
    patience = PagePatience(
        attempts,
        first,
        30,
        page,
        clock.sleep,
        lambda: clock.time,
        random.Random(seed),
        silence_seconds=1,
        attempt_seconds=1,
    )
    with pytest.raises(UnavailableSourceError):
        patience.keep_trying(failing(99), patience.deadline())
    assert clock.time < page


def test_other_errors_are_not_tried_again() -> None:
    calls = []

    def attempt() -> None:
        calls.append(1)
        raise ChangedSourceError("web", "another file")

    patience = Clock().patience()
    with pytest.raises(ChangedSourceError):
        patience.keep_trying(attempt, patience.deadline())
    assert len(calls) == 1


@pytest.mark.parametrize(
    "limits",
    [
        {"silence_seconds": 0.0},
        {"silence_seconds": 61.0},
        {"attempt_seconds": 200.0},
        {"tries": 0},
        {"first_pause": 31.0},
        {"first_pause": -1.0},
    ],
)
def test_limits_out_of_order_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(
        InputError,
        match=r"silence ≤ attempt ≤ page|tries >= 1 and 0 <= first_pause <= longest_pause",
    ):
        PagePatience(**limits)


def test_retry_after_is_seconds_or_a_date() -> None:
    now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    assert retry_after("120", now) == 120.0
    assert retry_after("Thu, 01 Jan 2026 12:01:30 GMT", now) == 90.0
    assert retry_after("Thu, 01 Jan 2026 11:00:00 GMT", now) == 0.0
    assert retry_after("Thu, 01 Jan 2026 12:01:30 -0000", now) == 90.0
    for nonsense in ("soon", "²", "", "Thu, 99 Jan 2026 12:01:30 GMT", "-3"):
        assert retry_after(nonsense, now) is None
    assert retry_after("9" * 400, now) == float("inf")
    assert retry_after(None, now) is None
