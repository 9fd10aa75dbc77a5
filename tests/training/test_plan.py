"""The learning rate over a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import ConfigError
from iotapretrain.training.plan import RateSchedule

SHARES = st.floats(0, 0.45)
SCHEDULES = st.builds(
    RateSchedule,
    shape=st.sampled_from(["cosine", "wsd"]),
    warmup=SHARES,
    decay=SHARES,
    floor=SHARES,
)


@given(SCHEDULES, st.integers(1, 500))
def test_rises_to_the_highest_rate_then_falls_to_the_floor(
    schedule: RateSchedule, steps: int
) -> None:
    shares = [schedule.share(step, steps) for step in range(steps)]
    top = shares.index(max(shares))
    assert shares[: top + 1] == sorted(shares[: top + 1])
    assert shares[top:] == sorted(shares[top:], reverse=True)
    assert all(0 < share <= 1 for share in shares)
    decays = schedule.shape == "cosine" or schedule.decay > 0
    assert steps < 20 or (shares[-1] < max(shares)) == decays


def test_the_cosine_is_half_way_down_in_the_middle() -> None:
    cosine = RateSchedule(warmup=0.0, floor=0.0)
    assert cosine.share(49, 99) == pytest.approx(0.5)


def test_wsd_stays_on_its_plateau() -> None:
    wsd = RateSchedule(shape="wsd", warmup=0.1, decay=0.2, floor=0.0)
    assert [wsd.share(step, 100) for step in (10, 50, 79)] == [1.0, 1.0, 1.0]
    assert wsd.share(89, 100) == pytest.approx(1 - 10 / 21)


@pytest.mark.parametrize(
    "values",
    [{"shape": "square"}, {"warmup": 1.0}, {"floor": -0.1}, {"shape": "wsd", "decay": 0.99}],
)
def test_refuses_what_is_no_schedule(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        RateSchedule(**values)  # type: ignore[arg-type]
