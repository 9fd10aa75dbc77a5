"""The original's draws, against CPython's global generator as the original used it."""

from __future__ import annotations

import random
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.conformance.original import (
    UidCycle,
    config_pages,
    in_force,
    seeded,
    shuffle_truncate,
    simple_pages,
    spec_version,
)
from iotapretrain.errors import InputError

BIG = str(2**255 + 12345)


@pytest.mark.parametrize(
    ("seed", "same_as"), [("12", 12), ("-12", -12), (BIG, int(BIG)), ("a", "a")]
)
def test_numbers_seed_as_numbers_and_text_as_text(seed: str, same_as: int | str) -> None:
    random.seed(same_as)
    assert seeded(seed).random() == random.random()


def test_pages_come_in_the_order_of_the_global_generator() -> None:
    configs = [("a", 1000), ("b", 77)]
    random.seed(int(BIG))
    offset = random.randint(0, 49)
    name, rows = random.choice(configs)
    start = offset + random.randint(0, (rows - offset + 1) // 50 - 1) * 50
    assert config_pages(BIG, configs, 50, 1) == (offset, [(name, start)])


def test_a_small_dataset_ends_after_a_hundred_repeats() -> None:
    _, pages = config_pages("7", [("only", 220)], 50, 10)
    assert len(pages) == len(set(pages)) == 4


def test_pages_of_the_simple_loader_repeat() -> None:
    assert len(set(simple_pages("1", 2, 10))) == 2


def test_nothing_global_is_touched() -> None:
    random.seed(3)
    before = random.getstate()
    shuffle_truncate("1", 10, 5)
    assert random.getstate() == before


@pytest.mark.parametrize("configs", [[], [("empty", 0)]])
def test_configurations_without_a_page_are_refused(configs: list[tuple[str, int]]) -> None:
    with pytest.raises(InputError):
        config_pages("1", configs, 50, 1)


def test_the_version_key_collides() -> None:
    assert spec_version("4.6.2") == spec_version("4.5.12") == 4062


uids = st.sets(st.integers(0, 30), min_size=1, max_size=8)


@given(uids, st.integers(0, 40), st.integers(0, 30))
def test_the_walk_is_the_sorted_circle(members: set[int], start: int, count: int) -> None:
    ordered = sorted(members)
    first = next((place for place, uid in enumerate(ordered) if uid >= start), 0)
    taken, _ = UidCycle.over(members, start).take(count)
    assert taken == list(islice(cycle(ordered), first, first + count))


@given(uids, st.integers(0, 12), st.integers(0, 12))
def test_taking_in_two_parts_is_taking_at_once(members: set[int], one: int, two: int) -> None:
    walk = UidCycle.over(members, 7)
    first, rest = walk.take(one)
    second, _ = rest.take(two)
    assert first + second == walk.take(one + two)[0]


@given(uids, uids, st.integers(0, 9))
def test_new_uids_do_not_send_the_walk_back(old: set[int], new: set[int], count: int) -> None:
    _, walk = UidCycle.over(old, 0).take(count)
    [following], _ = walk.replace(new).take(1)
    assert following == min([uid for uid in new if uid >= walk.place] or new)


def test_an_empty_subnet_keeps_the_place() -> None:
    walk = UidCycle.over([5, 9], 9).replace([])
    with pytest.raises(InputError, match="none to walk over"):
        walk.take(1)
    assert walk.replace([5, 9]).take(2)[0] == [9, 5]


@given(st.lists(st.integers(0, 12), max_size=6), st.integers(0, 15))
def test_the_last_entry_that_has_begun_is_in_force(starts: list[int], block: int) -> None:
    """As the original says it, word for word, whatever the order of the list."""
    begun = [place for place, start in enumerate(starts) if start <= block]
    in_range = [place for place, blocks in enumerate(in_force(starts)) if block in blocks]
    assert in_range == begun[-1:]
