"""Did every epoch pay by a row that a published record gives?

An epoch reads the rows as they stand at the end of the block before it: whoever sets another row
just before, and the true one after, is seen at no other block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.audit.check import Check, Difference, Name, concluded
from iotapretrain.competition.audit.standing_checks import row_differences
from iotapretrain.competition.audit.witness import WeightRow, row_of
from iotapretrain.competition.records.committed import Ground, ground_at
from iotapretrain.competition.records.round_record import RoundRecord

InForce = Callable[[int], Sequence[RoundRecord]]


@dataclass(frozen=True)
class RowSeen:
    """A validator's row as it stood at an epoch or a sync block; `item` names which."""

    item: str
    row: WeightRow
    uids: Mapping[str, int]


@dataclass(frozen=True)
class Stretch:
    """What was seen of a validator's rows after a block; `gone` says what is no longer kept."""

    since: int
    seen: tuple[RowSeen, ...]
    epochs: int
    unrecorded: tuple[int, ...]
    """Sync blocks without a record."""
    gone: str | None = None


async def look_back(
    client: ChainClient, ground: Ground, hotkey: str, since: int, unrecorded: Sequence[int]
) -> Stretch:
    """From the block of `ground` back to `since`: all epochs, and the given sync blocks."""
    seen: list[RowSeen] = []
    epochs, gone, now = 0, None, ground
    while (epoch := now.metagraph.last_step) > max(since, 0):
        before = await ground_at(client, ground.metagraph.netuid, epoch - 1)
        if before is None:
            gone = f"the state before the epoch of block {epoch} and earlier is no longer kept"
            break
        now, epochs = before, epochs + 1
        seen += await _sighting(client, now, hotkey, f"epoch of block {epoch}")
    for block in unrecorded:
        at = await ground_at(client, ground.metagraph.netuid, block)
        if at is not None:
            seen += await _sighting(client, at, hotkey, f"sync block {block}")
        else:
            gone = gone or f"the state of sync block {block} is no longer kept"
    return Stretch(since, tuple(seen), epochs, tuple(unrecorded), gone)


async def _sighting(client: ChainClient, ground: Ground, hotkey: str, item: str) -> list[RowSeen]:
    """None of a validator that has no uid, or no row, at that block."""
    uid = ground.metagraph.uid(hotkey)
    if uid is None:
        return []
    row = await row_of(client, ground, uid)
    uids = {each: at for at, each in enumerate(ground.metagraph.hotkeys)}
    return [RowSeen(item, row, uids)] if row.weights else []


def check_epochs(stretch: Stretch, in_force: InForce, began: int | None) -> Check:
    """Each row is that of a record in force when it was set; `began` is when the validator said
    where its records are: rows of before need none.
    """
    found = [difference for seen in stretch.seen for difference in _false(seen, in_force, began)]
    holds = (
        f"{stretch.epochs} epochs since block {stretch.since} were paid by records;"
        f" {len(stretch.unrecorded)} sync blocks have none"
    )
    return concluded(Name.EPOCHS, found, holds, stretch.gone)


def _false(seen: RowSeen, in_force: InForce, began: int | None) -> Iterator[Difference]:
    row = seen.row
    records = in_force(row.block)
    if not records and (began is None or row.block <= began):
        return
    if any(not row_differences(row.weights, each.weights, row.registered) for each in records):
        return
    given = records[0].weights if records else {}
    for each in row_differences(row.weights, given, row.registered):
        hotkey = each.item.removeprefix("hotkey ")
        who = f"uid {seen.uids[hotkey]}, {each.item}" if hotkey in seen.uids else each.item
        item = f"{seen.item}, row of block {row.block}, {who}"
        yield Difference(Name.EPOCHS, item, each.published, each.found)
