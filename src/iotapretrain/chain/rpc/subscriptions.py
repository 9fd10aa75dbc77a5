"""What a client can subscribe to: streams of news, by the method that starts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from blake3 import blake3

from iotapretrain.chain.node import Node, Submitted
from iotapretrain.chain.rpc.line import Asker, HeadWatcher
from iotapretrain.chain.rpc.methods import MOST_KEYS, Methods, invalid_transaction
from iotapretrain.chain.rpc.wire import Params
from iotapretrain.errors import RefusedError

SUBMIT = "author_submitExtrinsic"
PATIENCE_SECONDS = 1.0
"""How long an extrinsic may wait for its predecessors, of which a client may send many at once."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.1


MOST_MISSED_HEADS = 64
"""A client that lags further behind skips blocks."""

MARK_BYTES = 16

News = AsyncIterator[object]


WATCH = "author_submitAndWatchExtrinsic"
TOPICS = {
    "chain_subscribeNewHeads": "chain_newHead",
    "chain_subscribeAllHeads": "chain_allHead",
    "chain_subscribeFinalizedHeads": "chain_finalizedHead",
    "state_subscribeRuntimeVersion": "state_runtimeVersion",
    "state_subscribeStorage": "state_storage",
    WATCH: "author_extrinsicUpdate",
}
"""What the news of each kind of subscription are called, by the method that starts it."""

ENDS = frozenset(
    "author_unwatchExtrinsic" if start == WATCH else start.replace("_subscribe", "_unsubscribe")
    for start in TOPICS
)


class Subscriptions:
    """Starts the news of every topic, and takes extrinsics, which can be one."""

    def __init__(self, node: Node, methods: Methods, watcher: HeadWatcher, key_bytes: int) -> None:
        self._node, self._methods, self._watcher = node, methods, watcher
        self._key_bytes = key_bytes

    async def submit(self, asker: Asker, extrinsic: bytes) -> Submitted:
        """Give an extrinsic its place in a block; RpcError says why it gets none."""
        waited, pause = 0.0, FIRST_PAUSE_SECONDS
        while True:
            try:
                submitted = await asker.ask(self._node.submit, extrinsic)
            except RefusedError as refused:
                if refused.reason != "Future" or waited >= PATIENCE_SECONDS:
                    raise invalid_transaction(refused) from None
            else:
                await self._watcher.look()
                return submitted
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def start(self, method: str, params: Params, asker: Asker) -> News:
        """Do what the method asks for at once, and give what there will be to tell."""
        match method:
            case "chain_subscribeFinalizedHeads":
                return self._headers(asker, finalized=True)
            case "state_subscribeRuntimeVersion":
                return self._once_and_silence(self._methods.runtime_version())
            case "state_subscribeStorage":
                return self._changes(asker, self._keys(params))
            case "author_submitAndWatchExtrinsic":
                return self._progress(asker, await self.submit(asker, params.hex(0)))
        return self._headers(asker)

    def weight(self, method: str, params: Params) -> int:
        """How many things a subscription watches."""
        if method != "state_subscribeStorage":
            return 1
        return max(len(self._keys(params)), 1)

    def _keys(self, params: Params) -> list[bytes]:
        return params.hexes(0, MOST_KEYS, self._key_bytes)

    async def _headers(self, asker: Asker, finalized: bool = False) -> News:
        told = await self._watcher.newest(0, finalized) - 1
        while True:
            newest = await self._watcher.newest(told + 1, finalized)
            for number in range(max(told + 1, newest - MOST_MISSED_HEADS + 1), newest + 1):
                yield await asker.anew().ask(self._methods.header, number)
            told = newest

    async def _once_and_silence(self, value: object) -> News:
        yield value
        await asyncio.Event().wait()

    async def _changes(self, asker: Asker, keys: list[bytes]) -> News:
        known: dict[str, bytes] = {}
        block = await self._watcher.newest(0)
        while True:
            state = await asker.anew().ask(self._methods.changes, block, keys)
            marks = {key: _mark(value) for key, value in state["changes"]}
            changed = [each for each in state["changes"] if known.get(each[0]) != marks[each[0]]]
            if changed:
                known |= marks
                yield {"block": state["block"], "changes": changed}
            block = await self._watcher.newest(block + 1)

    async def _progress(self, asker: Asker, submitted: Submitted) -> News:
        yield "ready"
        await self._watcher.newest(submitted.block)
        block_hash = await asker.anew().ask(self._methods.block_hash, submitted.block)
        yield {"inBlock": block_hash}
        await self._watcher.newest(submitted.block, finalized=True)
        yield {"finalized": block_hash}


def _mark(value: str | None) -> bytes:
    """By what a value is told from another, as values themselves can be large."""
    return b"" if value is None else blake3(value.encode()).digest(MARK_BYTES)
