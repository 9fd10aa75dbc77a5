"""The original's draws, against CPython's global generator as the original used it."""

from __future__ import annotations

import random

import pytest

from iotapretrain.conformance.original import (
    config_pages,
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
