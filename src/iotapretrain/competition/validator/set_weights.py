"""Setting weights on the chain, and saying there where our records are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from iotapretrain import __version__
from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.records.public_rounds import rounds_commitment, rounds_repository
from iotapretrain.errors import ChainError
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.rules.competition.validator.weights_due import (
    chain_weights,
    version_number,
    weights_due,
)

if TYPE_CHECKING:
    from bittensor import Wallet


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
    """
    block, _ = await client.head()
    commitments = await client.commitments(netuid, block)
    ours = commitments.by_hotkey.get(wallet.hotkeypub.ss58_address)
    text = rounds_commitment(where, digest)
    if ours is not None:
        said = ours.data.decode(errors="replace")
        if said == text:
            return True
        if rounds_repository(said) == where and (digest is None or block - ours.block < every):
            return False
    await client.commit(wallet, netuid, text.encode())
    return True
