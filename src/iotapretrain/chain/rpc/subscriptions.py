"""What a client can subscribe to: streams of news, by the method that starts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from iotapretrain.chain.node import Submitted
from iotapretrain.chain.rpc.heads import HeadWatcher, NodeThread
from iotapretrain.chain.rpc.methods import MOST_KEYS, Methods
from iotapretrain.chain.rpc.params import Params
from iotapretrain.chain.rpc.submissions import Submissions

MOST_MISSED_HEADS = 64
"""A client that lags further behind skips blocks."""

News = AsyncIterator[object]


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of subscription: what its news are called, and which method ends it."""

    news: str
    end: str


WATCH = "author_submitAndWatchExtrinsic"
TOPICS = {
    "chain_subscribeNewHeads": Topic("chain_newHead", "chain_unsubscribeNewHeads"),
    "chain_subscribeAllHeads": Topic("chain_allHead", "chain_unsubscribeAllHeads"),
    "chain_subscribeFinalizedHeads": Topic(
        "chain_finalizedHead", "chain_unsubscribeFinalizedHeads"
    ),
    "state_subscribeRuntimeVersion": Topic(
        "state_runtimeVersion", "state_unsubscribeRuntimeVersion"
    ),
    "state_subscribeStorage": Topic("state_storage", "state_unsubscribeStorage"),
    WATCH: Topic("author_extrinsicUpdate", "author_unwatchExtrinsic"),
}
"""By the method that subscribes."""

ENDS = frozenset(topic.end for topic in TOPICS.values())


class Subscriptions:
    """Starts the news of every topic."""

    def __init__(
        self,
        methods: Methods,
        submissions: Submissions,
        watcher: HeadWatcher,
        thread: NodeThread,
    ) -> None:
        self._methods, self._submissions = methods, submissions
        self._watcher, self._thread = watcher, thread
        self._starts: dict[str, Callable[[Params], Awaitable[News]]] = {
            "chain_subscribeNewHeads": self._new_heads,
            "chain_subscribeAllHeads": self._new_heads,
            "chain_subscribeFinalizedHeads": self._finalized_heads,
            "state_subscribeRuntimeVersion": self._runtime_version,
            "state_subscribeStorage": self._storage,
            WATCH: self._submission,
        }

    async def start(self, method: str, params: Params) -> News:
        """Do what the method asks for at once, and give what there will be to tell."""
        return await self._starts[method](params)

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
        return self._progress(await self._submissions.submit(params.hex(0)))

    async def _progress(self, submitted: Submitted) -> News:
        yield "ready"
        await self._watcher.newest(submitted.block)
        block_hash = await self._thread.ask(self._methods.block_hash, submitted.block)
        yield {"inBlock": block_hash}
        await self._watcher.finalized(submitted.block)
        yield {"finalized": block_hash}
