"""The stand-in keeps what a real one keeps: no work is lost, links replay, disks restore."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotapretrain.arena.swarm.participants import MakesRowsUp, SkipsSteps
from iotapretrain.arena.swarm.stand_in_stage import KEPT_STEPS, StandInStage
from iotapretrain.arena.swarm.stand_in_step import SENT_BYTES, SIZE, StandInRule, numbers
from iotapretrain.arena.swarm.virtual_loop import run_virtual
from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.merge_codes import CODES

RULE = StandInRule(stages=3, seed=5)


def stage(number: int = 1, rule: StandInRule = RULE, kind: type = StandInStage) -> StandInStage:
    made = kind(rule, 1.0)
    run_virtual(made.begin(number, rule.first_base(number)))
    return made


async def samples(on: StandInStage, routes: Iterable[int]) -> None:
    for route in routes:
        await on.forward(route, b"r" * SENT_BYTES)
        assert await on.backward(route, b"g" * SENT_BYTES) is not None


def moved(on: StandInStage, routes: Iterable[int]) -> str:
    async def work() -> str | None:
        await samples(on, routes)
        return await on.step()

    link = run_virtual(work())
    assert link is not None
    return link


@given(
    st.lists(st.sampled_from(["step", "merge", "fail", "late step"]), min_size=1, max_size=12),
    st.sampled_from(["2bit", "bf16"]),
)
@settings(deadline=None, max_examples=60)
def test_whatever_happens_no_work_is_lost_or_counted_twice(acts: list[str], code: str) -> None:
    """What merges got + what the code lost + what waits = all that steps ever moved."""
    rule = StandInRule(stages=3, seed=1, code=code)
    on = stage(rule=rule)
    merged, steps, route = np.zeros(SIZE), np.zeros(SIZE), 0
    base = numbers(on.base)[:SIZE]

    def step() -> None:
        nonlocal route, steps
        before = on.done.copy()
        moved(on, [route, route + 1])
        route, steps = route + 2, steps + (on.done - before)

    for act in acts:
        step()
        if act == "step":
            continue
        content, _ = run_virtual(on.change("me"))
        if act == "late step":
            step()
        is_in = act != "fail"
        if is_in:
            merged = merged + CODES[code].decode(content, SIZE)
            base = base - CODES[code].decode(content, SIZE) / 2  # others moved it, too
        run_virtual(on.rebase(np.concatenate([base, base * 0]).astype(np.float32).tobytes(), is_in))
        assert np.array_equal(numbers(on.base)[:SIZE], base.astype(np.float32))
    assert np.allclose(merged + numbers(on.residual) + on.done, steps, atol=1e-5)


def test_a_change_alone_moves_nothing_and_the_last_one_counts() -> None:
    on = stage()
    moved(on, [1])
    first, _ = run_virtual(on.change("me"))
    again, _ = run_virtual(on.change("me"))
    assert first == again
    moved(on, [2])
    done = on.done.copy()
    run_virtual(on.change("me"))
    run_virtual(on.rebase(on.base, merged=True))
    assert np.any(done)
    assert not np.any(on.done)


def test_a_merge_of_what_was_never_coded_is_refused() -> None:
    on = stage()
    with pytest.raises(InputError, match="no change was coded"):
        run_virtual(on.rebase(on.base, merged=True))


def test_members_of_a_merge_get_the_same_base_and_it_moves() -> None:
    members = {f"m{n}": stage() for n in range(3)}
    changes: dict[str, tuple[int, str, bytes | None]] = {}
    for n, (hotkey, each) in enumerate(members.items()):
        moved(each, [n])
        content, bound = run_virtual(each.change(hotkey))
        changes[hotkey] = (1, bound, content)
    bases = {run_virtual(each.merged(changes, 0)) for each in members.values()}
    assert len(bases) == 1
    assert bases != {members["m0"].base}
    assert None not in bases
    backwards = dict(reversed(changes.items()))
    assert {run_virtual(members["m0"].merged(backwards, 0))} == bases


def test_a_merge_needs_its_least_and_takes_nobody_elses_bytes() -> None:
    one, other = stage(), stage()
    moved(one, [1])
    content, bound = run_virtual(one.change("one"))
    assert run_virtual(one.merged({"one": (1, bound, content), "two": (1, bound, None)}, 0)) is None
    stolen = {"one": (1, bound, content), "two": (1, bound, content)}
    assert run_virtual(other.merged(stolen, 0)) is None


@pytest.mark.parametrize("crossing", [0, 1, 2])
def test_a_gradient_may_be_one_step_late(crossing: int) -> None:
    on = stage()

    async def main() -> bytes | None:
        await on.forward(9, b"r" * SENT_BYTES)
        for n in range(crossing):
            await samples(on, [n])
            await on.step()
        return await on.backward(9, b"g" * SENT_BYTES)

    assert (run_virtual(main()) is None) == (crossing > 1)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_honest_step_replays_to_its_link_wherever_it_was_done(number: int) -> None:
    """Also one whose samples crossed a step, or whose stage got another base meanwhile."""
    on, links = stage(number), []

    async def main() -> list[str]:
        replayed = []
        for n in range(5):
            await on.forward(100 + n, b"r" * SENT_BYTES)
            if number < 2:
                for late in (99 + n, 100 + n) if n % 2 else ():
                    await on.backward(late, b"g" * SENT_BYTES)
                await samples(on, [n])
            if n == 3:
                await on.change("me")
                await on.rebase(on.base[4:] + on.base[:4], merged=False)
            links.append(await on.step())
            evidence = await on.evidence(links[-1] or "")
            assert evidence is not None
            replayed.append(await StandInStage(RULE, 1.0).replay(evidence))
        return replayed

    assert run_virtual(main()) == links
    assert len({*links}) == 5


@pytest.mark.parametrize("cheat", [MakesRowsUp, SkipsSteps])
def test_a_cheats_step_replays_to_another_link(cheat: type[StandInStage]) -> None:
    on = stage(kind=cheat)
    link = moved(on, [1, 2])
    evidence = run_virtual(on.evidence(link))
    assert evidence is not None
    assert run_virtual(StandInStage(RULE, 1.0).replay(evidence)) not in ("", link)


@pytest.mark.parametrize("content", [b"", b"x", b"\x90", b"\x94\x01\xa0\xc4\x00\x90"])
def test_evidence_of_strangers_may_be_anything(content: bytes) -> None:
    assert run_virtual(StandInStage(RULE, 1.0).replay(content)) == ""


def test_old_evidence_is_gone() -> None:
    on = stage()
    first = moved(on, [0])
    for n in range(KEPT_STEPS):
        moved(on, [n])
    assert run_virtual(on.evidence(first)) is None


def test_a_disk_restores_all_but_samples_under_way() -> None:
    on = stage()
    link = moved(on, [1])
    run_virtual(on.change("me"))
    run_virtual(on.forward(7, b"r" * SENT_BYTES))
    other = StandInStage(RULE, 1.0)
    other.load(on.save())
    assert run_virtual(other.backward(7, b"g" * SENT_BYTES)) is None
    run_virtual(on.backward(7, b"g" * SENT_BYTES))
    assert np.array_equal(other.done, on.done)
    assert run_virtual(other.evidence(link)) == run_virtual(on.evidence(link))
    for each in (on, other):
        run_virtual(each.rebase(each.base, merged=True))
    assert other.base == on.base
    assert np.array_equal(other.done, on.done)


def test_passes_take_their_machines_time() -> None:
    async def took(work: Callable[[], Awaitable[object]]) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await work()
        return loop.time() - began

    on = stage()
    assert run_virtual(took(lambda: samples(on, range(10)))) == pytest.approx(10)
    tail = stage(2)
    assert run_virtual(took(lambda: tail.forward(0, b"r" * SENT_BYTES))) == pytest.approx(1)
    assert (on.turned, tail.turned) == (10, 1)
