"""What the simulated world's weather and chain are: by their seed, and never impossible."""

from __future__ import annotations

import asyncio

import pytest

from iotapretrain.arena.swarm.memory_parts import SeededChain
from iotapretrain.arena.swarm.virtual_loop import run_virtual
from iotapretrain.arena.swarm.weather import PATIENCE, Chance, Cut, Weather
from iotapretrain.errors import InputError


def test_a_partition_parts_a_group_from_all_but_itself() -> None:
    cut = Cut(frozenset({"a", "b"}), frozenset(), 10, 20)
    assert cut.parts("a", "c", 15)
    assert cut.parts("c", "b", 10)
    assert not cut.parts("a", "b", 15)
    assert not cut.parts("c", "d", 15)
    assert not cut.parts("a", "c", 20)


@pytest.mark.parametrize(
    "wrong", [{"fastest": 0.0}, {"slowest": PATIENCE}, {"loss": 1.0}, {"fastest": 0.5}]
)
def test_weather_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Weather(**wrong)


def test_blocks_come_every_twelve_seconds_with_hashes_of_the_seed() -> None:
    async def main() -> list[tuple[int, str]]:
        seen = []
        for _ in range(5):
            seen.append(SeededChain(1).newest())
            await asyncio.sleep(6)
        return seen

    seen = run_virtual(main())
    assert [number for number, _ in seen] == [0, 0, 1, 1, 2]
    assert len({*seen}) == 3
    assert seen == run_virtual(main())
    assert len(seen[0][1]) == 66
    with pytest.raises(InputError):
        SeededChain(-1)


def test_chances_are_uniform_and_what_cannot_happen_draws_nothing() -> None:
    chance, same = Chance(3, "x"), Chance(3, "x")
    assert not any(chance.happens(0) for _ in range(10))
    numbers = [chance.number() for _ in range(2000)]
    assert numbers == [same.number() for _ in range(2000)]
    assert 0.45 < sum(numbers) / 2000 < 0.55
    assert {same.below(3) for _ in range(50)} == {0, 1, 2}
