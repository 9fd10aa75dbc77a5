"""Virtual time: it skips, it keeps order, it knows a deadlock, and the dead do nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from iotapretrain.arena.swarm.virtual_loop import Life, heard, run_virtual
from iotapretrain.errors import RunError


def test_a_thousand_hours_take_no_time() -> None:
    async def wait() -> float:
        await asyncio.sleep(3_600_000)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert run_virtual(wait()) == 3_600_000
    assert time.monotonic() - began < 2


def test_timers_are_met_at_their_moment_and_equal_ones_in_the_order_in_which_they_were_set() -> (
    None
):
    async def main() -> list[tuple[str, float]]:
        loop, met = asyncio.get_running_loop(), []

        async def sleeper(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            met.append((name, loop.time()))

        waits = (("a", 0.3), ("b", 0.1), ("c", 0.3), ("d", 0.2), ("e", 0.1))
        await asyncio.gather(*(sleeper(*each) for each in waits))
        return met

    assert run_virtual(main()) == [("b", 0.1), ("e", 0.1), ("d", 0.2), ("a", 0.3), ("c", 0.3)]


def test_time_goes_on_however_late_it_is() -> None:
    """Where a float has no room any more between two moments, it still comes to the next."""

    async def main() -> None:
        await asyncio.sleep(1e9)
        for _ in range(100):
            await asyncio.sleep(1e-9)

    run_virtual(main())


def test_a_deadlock_is_said() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RunError, match="deadlock"):
        run_virtual(main())


def test_timeouts_are_virtual() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(50):
                await asyncio.sleep(100)
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 50


def test_all_tasks_of_a_life_end_with_it_the_oldest_first_and_those_of_others_go_on() -> None:
    ended: list[str] = []

    async def work(name: str, parts: int) -> None:
        task = asyncio.ensure_future(work(f"{name}{parts}", parts - 1)) if parts else None
        try:
            await asyncio.sleep(10)
        finally:
            ended.append(name)
        if task is not None:
            await task

    async def main() -> None:
        one, other = Life("one"), Life("other")
        kept = other.begin(work("other", 1))
        one.begin(work("one", 2))
        await asyncio.sleep(1)
        assert len(one.tasks) == 3
        one.end()
        await asyncio.sleep(1)
        assert ended == ["one", "one2", "one21"]
        assert not one.tasks
        await kept

    run_virtual(main())
    assert ended[3:] == ["other", "other1"]


def test_what_is_begun_in_a_dead_life_ends_at_its_first_wait() -> None:
    came_past = False

    async def work() -> None:
        nonlocal came_past
        await asyncio.sleep(0)
        came_past = True

    async def main() -> None:
        life = Life("dead")
        life.end()
        with pytest.raises(asyncio.CancelledError):
            life.check()
        life.begin(work())
        life.call(asyncio.ensure_future, work())
        await asyncio.sleep(5)

    run_virtual(main())
    assert not came_past


def test_who_waits_for_another_life_does_not_end_its_task() -> None:
    async def main() -> bool:
        other, waiting = Life("other"), Life("waiting")
        task = other.begin(asyncio.sleep(20, "done"))
        waiting.begin(heard(task, 100))
        await asyncio.sleep(1)
        waiting.end()
        assert not await heard(task, 5)
        return await task == "done"

    assert run_virtual(main())
