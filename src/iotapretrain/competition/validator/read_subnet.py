"""Reading the chain: the newest sync block, and the subnet as it stood there."""

from __future__ import annotations

import asyncio

from iotapretrain.chain.client import ChainClient
from iotapretrain.rules.competition.retention import top_miners
from iotapretrain.rules.competition.validator.subnet_view import View

LARGE_STAKE = 50_000 * 10**9
"""Rao that make a validator's opinion worth a look (10.5)."""
MIN_SHARE = 0.05


async def read_view(client: ChainClient, netuid: int, block: int, hotkey: str) -> View:
    """The subnet at a block, as the validator `hotkey` sees it: one read of each kind, no retries
    across blocks, so that nothing of another block can mix in.
    """
    block_hash, metagraph, commitments, rows = await asyncio.gather(
        client.block_hash(block),
        client.metagraph(netuid, block),
        client.commitments(netuid, block),
        client.weights(netuid, block),
    )
    own = metagraph.uid(hotkey)
    others = {uid: tuple(row.items()) for uid, row in rows.items() if uid != own}
    texts = {
        hotkey: (each.block, each.data.decode("ascii"))
        for hotkey, each in commitments.by_hotkey.items()
        if each.data.isascii()
    }
    paid = top_miners(
        metagraph.stake.tolist(),
        metagraph.validator_permit.tolist(),
        others,
        LARGE_STAKE,
        MIN_SHARE,
    )
    return View.of(
        block,
        block_hash.hex(),
        {hotkey: uid for uid, hotkey in enumerate(metagraph.hotkeys)},
        texts,
        frozenset(metagraph.hotkeys[uid] for uid in paid if uid < len(metagraph)),
    )
