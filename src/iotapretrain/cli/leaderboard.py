"""`iota leaderboard`: who stands where, from public records and the chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iotapretrain.cli.console import PrintedTable, out, print_json, tell
from iotapretrain.cli.network_options import RAO, AsJson
from iotapretrain.cli.option_groups import ScheduledWorkplace, with_groups
from iotapretrain.cli.workplace import find_scheduled
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.chain.client import ChainClient
    from iotapretrain.competition.records.leaderboard import Leaderboard
    from iotapretrain.competition.records.trails import Places
    from iotapretrain.hub.protocol import Hub
    from iotapretrain.rules.competition.schedule import Competition

Chosen = Callable[[int], "tuple[tuple[Competition, ...], int]"]
"""The competitions to show at a block, and the sync cadence."""

COLUMNS = (
    *("place", "uid", "repository", "block", "loss"),
    *("win rate", "average", "incentive", "emission", "state"),
)


@with_groups
def leaderboard(
    place: ScheduledWorkplace,
    competition: Annotated[
        str | None,
        typer.Option(help="tiny/NAME, sn9/NAME or FILE.toml:NAME. Default: all that run now."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Draw it anew with every block, until interrupted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the models of a competition, best first: losses, win rates, averages, emission.

    Judgements are from the newest public record of the validator with most stake.

    Example: iota leaderboard --competition tiny/nano --network net
    """
    if watch and as_json:
        raise InputError("--watch draws for people; leave out --json, or ask again and again")
    from iotapretrain.competition.records.trails import Places

    hub, chosen, places = place.open_hub(), _chosen(competition, place), Places()

    async def show(client: ChainClient) -> None:
        boards = await _read(client, hub, place.netuid, chosen, places)
        if as_json:
            print_json([_document(board) for board in boards])
            return
        if watch:
            out.clear()
        for board in boards:
            _show(board)

    async def run(client: ChainClient) -> None:
        if not watch:
            await show(client)
            return
        async for _ in client.blocks():
            await show(client)

    place.ask(run)


async def _read(
    client: ChainClient, hub: Hub, netuid: int, chosen: Chosen, places: Places
) -> list[Leaderboard]:
    from iotapretrain.competition.records.committed import read_ground
    from iotapretrain.competition.records.leaderboard import leaderboard as made
    from iotapretrain.competition.records.opinions import (
        by_stake,
        network_id,
        read_opinions,
        recent,
        with_past,
    )
    from iotapretrain.competition.records.reign import unrecorded

    ground = await read_ground(client, netuid)
    network = await network_id(client)
    found = await with_past(client, ground, by_stake(ground), places)
    competitions, cadence = chosen(ground.block)
    boards = []
    for each in competitions:
        opinions, silences = read_opinions(hub, found, network, netuid, each.id)
        records = [
            record
            for opinion in opinions[:1]
            for record in recent(hub, opinion.source, network, netuid, each.id)
        ]
        skipped = unrecorded(records, ground.block, cadence)
        boards.append(
            made(each.name, each.id, each.models, ground, opinions, silences, records, skipped)
        )
    return boards


def _chosen(name: str | None, place: ScheduledWorkplace) -> Chosen:
    """The one that is named, or all that are active."""
    if name is not None:
        whole, found = find_scheduled(name)
        return lambda _block: ((found,), whole.sync_cadence)
    schedule = place.schedule()[0]
    return lambda block: (schedule.active(block), schedule.sync_cadence)


def _show(board: Leaderboard) -> None:
    judged = attrgetter("uid", "repository", "block", "loss", "win_rate", "standing", "incentive")
    rows = [
        (place, *judged(row), row.emission / RAO, row.state)
        for place, row in enumerate(board.rows, start=1)
    ]
    PrintedTable(f"{board.competition} at block {board.block}", COLUMNS, rows, _note(board)).show()
    for silence in board.silences:
        tell(f"  {silence.source.validator}: {silence.reason}")


def _note(board: Leaderboard) -> str:
    if board.opinion is None:
        return "No validator has published a round of it yet: nothing is judged."
    record = board.opinion.record
    return (
        f"Judged by {record.validator} in its round {record.round} at block {record.block}."
        " Average: of the weights of all rounds. Emission: coins of the last epoch."
        f" {len(board.skipped)} sync blocks of late have no record of it."
    )


def _document(board: Leaderboard) -> dict[str, Any]:
    record = None if board.opinion is None else board.opinion.record
    return {
        "competition": board.competition,
        "block": board.block,
        "validator": None if record is None else record.validator,
        "round": None if record is None else record.round,
        "judged_at_block": None if record is None else record.block,
        "skipped_sync_blocks": list(board.skipped),
        "models": [asdict(row) for row in board.rows],
        "silent": [
            {"validator": each.source.validator, "reason": each.reason} for each in board.silences
        ],
    }
