"""The line in front of the node."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from iotapretrain.chain.rpc.limits import Address, ClientLimits
from iotapretrain.chain.rpc.line import Line, NodeThread, Spent
from iotapretrain.chain.rpc.wire import RpcError
from iotapretrain.errors import UnfinishedError
from tests.chain.fake_node import FakeNode

LIMITS = ClientLimits()


@pytest.fixture
def line() -> Iterator[Line]:
    thread = NodeThread()
    yield Line(FakeNode(), thread, LIMITS)
    thread.close()


def noting(order: list[str], name: str) -> Callable[[], None]:
    return lambda: order.append(name)


async def test_who_has_used_least_is_asked_for_next(line: Line) -> None:
    order: list[str] = []
    first, greedy, modest = (Address(LIMITS) for _ in range(3))
    greedy.charge(3.0)
    busy = threading.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(line.ask(first, Spent(), busy.wait))
        await asyncio.sleep(0.01)
        tasks.create_task(line.ask(greedy, Spent(), noting(order, "greedy")))
        await asyncio.sleep(0.01)
        tasks.create_task(line.ask(modest, Spent(), noting(order, "modest")))
        await asyncio.sleep(0.01)
        busy.set()
    assert order == ["modest", "greedy"]


async def test_who_leaves_the_line_holds_up_nobody(line: Line) -> None:
    order: list[str] = []
    busy = threading.Event()
    asked = asyncio.create_task(line.ask(Address(LIMITS), Spent(), busy.wait))
    await asyncio.sleep(0.01)
    gone = asyncio.create_task(line.ask(Address(LIMITS), Spent(), noting(order, "gone")))
    stays = asyncio.create_task(line.ask(Address(LIMITS), Spent(), noting(order, "stays")))
    await asyncio.sleep(0.01)
    gone.cancel()
    asked.cancel()
    busy.set()
    await asyncio.wait_for(stays, 5)
    assert order == ["stays"]
    await line.ask(Address(LIMITS), Spent(), noting(order, "later"))
    assert order == ["stays", "later"]


async def test_a_question_goes_on_in_its_next_turns_until_its_message_has_had_enough(
    line: Line,
) -> None:
    left = 3

    def question() -> str:
        nonlocal left
        left -= 1
        if left:
            raise UnfinishedError
        return "done"

    spent = Spent()
    assert await line.ask(Address(LIMITS), spent, question) == "done"
    assert spent.seconds >= 3 * LIMITS.turn_overhead_seconds
    spent.seconds = LIMITS.message_seconds
    with pytest.raises(RpcError, match="Too costly"):
        await line.ask(Address(LIMITS), spent, question)
