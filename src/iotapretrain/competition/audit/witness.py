"""What the chain bears witness to: the seed, who committed what and when, and the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.audit.model_checks import Dated
from iotapretrain.competition.records.committed import Ground, ground_at
from iotapretrain.competition.records.opinions import network_id
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.rules.sampling import sync_block


@dataclass(frozen=True)
class WeightRow:
    """A validator's weights by hotkey, the block at which it set them, and who was there then."""

    weights: Mapping[str, float]
    block: int
    registered: frozenset[str]


@dataclass(frozen=True)
class Witness:
    """All that an audit needs of the chain. None is what it no longer keeps, or not yet has."""

    network: str
    sync_block: int
    sync_hash: str | None
    dated: Mapping[str, Dated | None]
    registered: frozenset[str] | None
    row: WeightRow


async def hear(
    client: ChainClient, ground: Ground, record: RoundRecord, validator: int, cadence: int
) -> Witness:
    """Ask the chain about a record; `ground` is the subnet now, `validator` a uid of it."""
    netuid = ground.metagraph.netuid
    known = 0 <= record.block <= ground.block
    then = await ground_at(client, netuid, record.block) if known else None
    synced = sync_block(max(record.block, 0), cadence)
    return Witness(
        network=await network_id(client),
        sync_block=synced,
        sync_hash=(await client.block_hash(synced)).hex() if known else None,
        dated=await _dates(client, netuid, record, then),
        registered=None if then is None else frozenset(then.metagraph.hotkeys),
        row=await row_of(client, ground, validator),
    )


async def _dates(
    client: ChainClient, netuid: int, record: RoundRecord, then: Ground | None
) -> dict[str, Dated | None]:
    """Of each model, its commitment at the round's block; if that was another, at its own block.

    A model stays in the field until the commitment that replaces it may be judged.
    """
    dated: dict[str, Dated | None] = {}
    for model in record.models:
        seen = None if then is None else _dated(then, model.hotkey)
        if seen is not None and seen.text != model.commitment and 0 <= model.block < record.block:
            earlier = await ground_at(client, netuid, model.block)
            if earlier is not None and earlier.text(model.hotkey) == model.commitment:
                seen = Dated(seen.uid, model.commitment, _dated(earlier, model.hotkey).block)
        dated[model.hotkey] = seen
    return dated


def _dated(ground: Ground, hotkey: str) -> Dated:
    commitment = ground.commitments.by_hotkey.get(hotkey)
    block = None if commitment is None else commitment.block
    return Dated(ground.metagraph.uid(hotkey), ground.text(hotkey), block)


async def row_of(client: ChainClient, ground: Ground, validator: int) -> WeightRow:
    """As it was set; a uid that was given to a newcomer since would lend it the old weight."""
    netuid, block = ground.metagraph.netuid, int(ground.metagraph.last_update[validator])
    then = await ground_at(client, netuid, block) or ground
    row = (await client.weights(netuid, then.block)).get(validator, {})
    hotkeys = then.metagraph.hotkeys
    return WeightRow({hotkeys[uid]: share for uid, share in row.items()}, block, frozenset(hotkeys))
