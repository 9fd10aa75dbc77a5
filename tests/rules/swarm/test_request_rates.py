"""How often a signer and an address may ask."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.rules.swarm.signed_request import (
    BUCKET_MS,
    HOT_MS,
    MOST_ADDRESSES,
    NORMAL_MS,
    Refusal,
    SignerMemory,
    spend_address,
    take,
)
from tests.rules.swarm.signed_requests import NOW, Reason, judged, request_of

# --- rates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cost", "burst"), [(NORMAL_MS, 5), (HOT_MS, 50)])
def test_a_burst_and_then_one_at_a_time(cost: int, burst: int) -> None:
    full_at = 0
    for _ in range(burst):
        wait, full_at = take(full_at, cost, NOW)
        assert wait == 0
    assert take(full_at, cost, NOW)[0] == cost
    assert take(full_at, cost, NOW + cost - 1)[0] == 1
    assert take(full_at, cost, NOW + cost)[0] == 0


def test_a_clock_set_back_makes_nobody_wait_longer_than_for_one_token() -> None:
    _, full_at = take(0, NORMAL_MS, NOW + 3_600_000)
    assert take(full_at, NORMAL_MS, NOW) == (NORMAL_MS, NOW + BUCKET_MS + NORMAL_MS)


def test_a_signer_that_asks_too_often_is_told_how_long_to_wait() -> None:
    memory = SignerMemory(full_at_ms=NOW + BUCKET_MS)
    outcome = judged(request_of(), memory)
    assert outcome == Refusal(Reason.SIGNER_TOO_FAST, retry_after_ms=NORMAL_MS)
    assert judged(request_of(), memory, NOW + NORMAL_MS)


@given(st.lists(st.integers(0, 3_000), max_size=60), st.sampled_from([NORMAL_MS, HOT_MS]))
def test_no_stretch_of_time_lets_more_through(gaps: list[int], cost: int) -> None:
    """Against counting: in any stretch at most the burst, and one for each `cost` of it."""
    now, full_at, granted = NOW, 0, []
    for gap in gaps:
        now += gap
        wait, after = take(full_at, cost, now)
        if wait == 0:
            granted.append(now)
            full_at = after
        else:
            assert take(full_at, cost, now + wait)[0] == 0
            assert take(full_at, cost, now + wait - 1)[0] == 1
    for first, start in enumerate(granted):
        for last in range(first, len(granted)):
            assert last - first + 1 <= (BUCKET_MS + granted[last] - start) // cost
    assert all(a <= b for a, b in pairwise(granted))


def test_an_address_that_asks_too_often_is_refused_before_anything_is_read() -> None:
    buckets: dict[str, int] = {}
    for _ in range(5):
        spent = spend_address(buckets, "192.0.2.1", NORMAL_MS, NOW)
        assert isinstance(spent, dict)
        buckets = spent
    refused = spend_address(buckets, "192.0.2.1", NORMAL_MS, NOW)
    assert refused == Refusal(Reason.ADDRESS_TOO_FAST, "192.0.2.1", NORMAL_MS)
    assert isinstance(spend_address(buckets, "192.0.2.2", NORMAL_MS, NOW), dict)
    assert spend_address(buckets, "192.0.2.2", NORMAL_MS, NOW + BUCKET_MS) == {
        "192.0.2.2": NOW + BUCKET_MS + NORMAL_MS
    }


def test_addresses_are_bounded_and_the_busiest_are_kept() -> None:
    buckets = {f"a{number}": NOW + 2 + number for number in range(MOST_ADDRESSES)}
    spent = spend_address(buckets, "new", NORMAL_MS, NOW)
    assert isinstance(spent, dict)
    assert len(spent) == MOST_ADDRESSES
    assert spent.keys() ^ buckets.keys() == {"new", "a0"}
