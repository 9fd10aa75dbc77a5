"""Handing extrinsics to the node, in the order of their nonces."""

from __future__ import annotations

import asyncio

from iotapretrain.chain.node import Node, Submitted
from iotapretrain.chain.rpc.heads import HeadWatcher
from iotapretrain.chain.rpc.line import Asker
from iotapretrain.chain.rpc.methods import invalid_transaction
from iotapretrain.errors import RefusedError

SUBMIT = "author_submitExtrinsic"
PATIENCE_SECONDS = 1.0
"""How long an extrinsic may wait for its predecessors, of which a client may send many at once."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.1


class Submissions:
    """The way into the chain."""

    def __init__(self, node: Node, watcher: HeadWatcher) -> None:
        self._node, self._watcher = node, watcher

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
