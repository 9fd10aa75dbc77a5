"""Everything public about one uid: the chain's numbers, and each validator's reasons for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.records.committed import Ground, read_ground
from iotapretrain.competition.records.miner_account import Account, account
from iotapretrain.competition.records.opinions import (
    Silence,
    Source,
    by_stake,
    is_of,
    network_id,
    newest,
    with_past,
)
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.competition.records.whole_history import WholeHistory
from iotapretrain.errors import HubError, InputError
from iotapretrain.hub.protocol import Hub
from iotapretrain.rules.competition.schedule import Schedule


@dataclass(frozen=True)
class Explanation:
    """A uid at a block; `rows` holds what each validator's row on the chain gives it, by uid."""

    uid: int
    hotkey: str
    block: int
    committed: str | None
    incentive: float
    emission: int
    rows: Mapping[int, float]
    accounts: tuple[Account, ...]
    silences: tuple[Silence, ...]


async def explain(
    client: ChainClient,
    hub: Hub,
    netuid: int,
    uid: int,
    schedule: Schedule,
    number: int | None = None,
) -> Explanation:
    """From the newest records about it of each validator and competition, or from one round's."""
    ground = await read_ground(client, netuid)
    if not 0 <= uid < len(ground.metagraph):
        raise InputError(f"uid {uid}: subnet {netuid} has uids 0 to {len(ground.metagraph) - 1}")
    hotkey = ground.metagraph.hotkeys[uid]
    network = await network_id(client)
    weights = await client.weights(netuid, ground.block)
    competitions = [each.id for each in schedule.active(ground.block)]
    accounts: list[Account] = []
    silences: list[Silence] = []
    for source in await with_past(client, ground, by_stake(ground)):
        try:
            records = list(_records(hub, source, network, ground, competitions, hotkey, number))
        except HubError as error:
            silences.append(Silence(source, str(error)))
            continue
        told = (account(record, hotkey) for record in records)
        accounts += [each for each in told if each is not None]
    return Explanation(
        uid=uid,
        hotkey=hotkey,
        block=ground.block,
        committed=ground.text(hotkey),
        incentive=float(ground.metagraph.incentive[uid]),
        emission=int(ground.metagraph.emission[uid]),
        rows={validator: row[uid] for validator, row in weights.items() if uid in row},
        accounts=tuple(accounts),
        silences=tuple(silences),
    )


def _records(
    hub: Hub,
    source: Source,
    network: str,
    ground: Ground,
    competitions: list[int],
    hotkey: str,
    number: int | None,
) -> Iterator[RoundRecord]:
    """A validator's record of that round, or its newest of each competition about the hotkey."""
    netuid = ground.metagraph.netuid
    if number is not None:
        rounds = WholeHistory(hub, source.repositories)
        if number in rounds.numbers() and is_of(rounds.read(number), source, network, netuid):
            yield rounds.read(number).record
        return
    for competition in competitions:
        record = newest(hub, source, network, netuid, competition, about=hotkey)
        if record is not None:
            yield record
