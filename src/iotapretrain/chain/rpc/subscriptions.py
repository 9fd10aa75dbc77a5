"""What a client can subscribe to: streams of news, by the method that starts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from iotapretrain.chain.node import Submitted
from iotapretrain.chain.rpc.heads import HeadWatcher, NodeThread
from iotapretrain.chain.rpc.methods import MOST_KEYS, Methods
from iotapretrain.chain.rpc.params import Params

MOST_MISSED_HEADS = 64
"""A client that lags further behind skips blocks."""

News = AsyncIterator[object]


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of subscription: what its news are called, which method ends it, how it starts."""

    news: str
    end: str
    start: Callable[[Params], Awaitable[News]]


class Topics:
    """All kinds of subscription."""

    def __init__(self, methods: Methods, watcher: HeadWatcher, thread: NodeThread) -> None:
        self._methods, self._watcher, self._thread = methods, watcher, thread
        self.by_method = self._table()
        self.ends = frozenset(topic.end for topic in self.by_method.values())

    def _table(self) -> dict[str, Topic]:
        new = Topic("chain_newHead", "chain_unsubscribeNewHeads", self._new_heads)
        every = Topic("chain_allHead", "chain_unsubscribeAllHeads", self._new_heads)
        final = Topic(
            "chain_finalizedHead", "chain_unsubscribeFinalizedHeads", self._finalized_heads
        )
        version = Topic(
            "state_runtimeVersion", "state_unsubscribeRuntimeVersion", self._runtime_version
        )
        return {
            "chain_subscribeNewHeads": new,
            "chain_subscribeAllHeads": every,
            "chain_subscribeFinalizedHeads": final,
            "state_subscribeRuntimeVersion": version,
            "state_subscribeStorage": Topic(
                "state_storage", "state_unsubscribeStorage", self._storage
            ),
            "author_submitAndWatchExtrinsic": Topic(
                "author_extrinsicUpdate", "author_unwatchExtrinsic", self._submission
            ),
        }

    async def _new_heads(self, _: Params) -> News:
        return self._headers(self._watcher.newest)

    async def _finalized_heads(self, _: Params) -> News:
        return self._headers(self._watcher.finalized)

    async def _headers(self, reached: Callable[[int], Awaitable[int]]) -> News:
        told = await reached(0) - 1
        while True:
            newest = await reached(told + 1)
            for number in range(max(told + 1, newest - MOST_MISSED_HEADS + 1), newest + 1):
                yield await self._thread.ask(self._methods.header, number)
            told = newest

    async def _runtime_version(self, _: Params) -> News:
        return self._once_and_silence(self._methods.runtime_version())

    async def _once_and_silence(self, value: object) -> News:
        yield value
        await asyncio.Event().wait()

    async def _storage(self, params: Params) -> News:
        return self._changes(params.hexes(0, MOST_KEYS))

    async def _changes(self, keys: list[bytes]) -> News:
        known: dict[str, object] = {}
        block = await self._watcher.newest(0)
        while True:
            state = await self._thread.ask(self._methods.changes, block, keys)
            values = dict(state["changes"])
            changed = {
                key: value
                for key, value in values.items()
                if key not in known or known[key] != value
            }
            if changed:
                known |= changed
                yield {"block": state["block"], "changes": list(changed.items())}
            block = await self._watcher.newest(block + 1)

    async def _submission(self, params: Params) -> News:
        submitted = await self._thread.ask(self._methods.submit, params.hex(0))
        await self._watcher.look()
        return self._progress(submitted)

    async def _progress(self, submitted: Submitted) -> News:
        yield "ready"
        await self._watcher.newest(submitted.block)
        block_hash = await self._thread.ask(self._methods.block_hash, submitted.block)
        yield {"inBlock": block_hash}
        await self._watcher.finalized(submitted.block)
        yield {"finalized": block_hash}
