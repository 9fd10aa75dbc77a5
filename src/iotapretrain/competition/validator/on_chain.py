"""What a validator reads of the chain, and says there: weights, and where its records are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from iotapretrain import __version__
from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.records.committed import model_commitment
from iotapretrain.competition.records.public_rounds import rounds_commitment, rounds_repository
from iotapretrain.errors import ChainError
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.rules.competition.retention import top_miners
from iotapretrain.rules.competition.validator.subnet_view import View
from iotapretrain.rules.competition.validator.weights_due import (
    chain_weights,
    version_number,
    weights_due,
)

if TYPE_CHECKING:
    from bittensor import Wallet

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


async def set_weights_if_due(
    client: ChainClient,
    wallet: Wallet,
    netuid: int,
    weights: Mapping[str, float],
    every: int,
) -> tuple[int, dict[int, float]] | None:
    """The block at which weights were found due, and what was set; None where nothing was."""
    if not weights:
        return None
    block, _ = await client.head()
    metagraph = await client.metagraph(netuid, block)
    uid = metagraph.uid(wallet.hotkeypub.ss58_address)
    if uid is None:
        raise ChainError(f"{wallet.hotkeypub.ss58_address} has no uid on subnet {netuid} any more")
    limit = int((await client.hyperparameters(netuid))["weights_rate_limit"])
    since = int(metagraph.last_update[uid]), int(metagraph.registered[uid])
    if not weights_due(*since, limit, block, every):
        return None
    chosen = chain_weights(weights, {key: at for at, key in enumerate(metagraph.hotkeys)})
    if not chosen:
        return None
    await client.set_weights(wallet, netuid, chosen, version_number(__version__))
    return block, chosen


async def say_where(
    client: ChainClient,
    wallet: Wallet,
    netuid: int,
    where: RepositoryId,
    digest: str | None,
    every: int,
) -> bool:
    """Commit where our records are and which is the newest; False if that is to be said later.

    Without a digest, or so soon after the last one, whatever is said of the same repository stays.
    A model that is committed is never written over: its miner would be out of every round.
    """
    block, _ = await client.head()
    commitments = await client.commitments(netuid, block)
    ours = commitments.by_hotkey.get(wallet.hotkeypub.ss58_address)
    text = rounds_commitment(where, digest)
    if ours is not None:
        said = ours.data.decode(errors="replace")
        if model_commitment(said) is not None:
            raise ChainError(model_stays(wallet.hotkeypub.ss58_address))
        if said == text:
            return True
        if rounds_repository(said) == where and (digest is None or block - ours.block < every):
            return False
    await client.commit(wallet, netuid, text.encode())
    return True


def model_stays(hotkey: str) -> str:
    """Why a miner's hotkey does not become a validator's."""
    return f"{hotkey}: its commitment names a model; validate with another hotkey"
