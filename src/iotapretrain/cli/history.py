"""`iota history`: the champion's loss over time."""

from __future__ import annotations

from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import PrintedTable, print_json, tell
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.option_groups import Workplace, with_groups
from iotapretrain.cli.workplace import CompetitionName, Publishing, find_scheduled

if TYPE_CHECKING:
    from iotapretrain.chain.client import ChainClient
    from iotapretrain.competition.records.reign import ChampionReign


@with_groups
def history(
    place: Workplace,
    competition: CompetitionName,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Also draw it.", show_default=False)
    ] = None,
    validator: Publishing = None,
    rounds: Annotated[int, typer.Option(help="Look at so many newest records.", min=1)] = 1000,
    as_json: AsJson = False,
) -> None:
    """Show the champion's loss round by round, from a validator's public records.

    Example: iota history --competition tiny/nano --plot history.png
    """
    from iotapretrain.competition.records.committed import read_ground
    from iotapretrain.competition.records.opinions import (
        find_validator,
        network_id,
        rounds_of,
        with_past,
    )
    from iotapretrain.competition.records.reign import plot as draw
    from iotapretrain.competition.records.reign import reigns, unrecorded
    from iotapretrain.competition.records.whole_history import WholeHistory

    schedule, chosen = find_scheduled(competition)
    hub = place.open_hub()

    async def read(client: ChainClient) -> tuple[list[ChampionReign], list[int], str | None]:
        ground = await read_ground(client, place.netuid)
        (source,) = await with_past(client, ground, [find_validator(ground, validator)])
        name = await network_id(client)
        told = WholeHistory(hub, source.repositories)
        records = list(rounds_of(told, source, name, place.netuid, chosen.id, rounds))
        skipped = unrecorded(records, ground.block, schedule.sync_cadence)
        return reigns(records, skipped, told.twice()), skipped, source.trail.cut

    found, skipped, cut = place.ask(read)
    if plot is not None:
        draw(f"{chosen.name}: loss of the champion", found, plot)
    if as_json:
        print_json(list(map(asdict, found)))
        return
    _show(chosen.name, found, skipped)
    if cut is not None:
        tell(f"  Not all of its past may have been read: {cut}")
    if plot is not None:
        tell(f"{plot}")


def _show(name: str, found: list[ChampionReign], skipped: list[int]) -> None:
    columns = ("round", "block", "uid", "loss", "models", "new", "skipped")
    fields = attrgetter("round", "block", "uid", "loss", "models", "crowned", "skipped")
    note = "Each round has its own pages, so that losses move a little without any new model."
    note += f" {len(skipped)} sync blocks up to now have no record of it."
    if doubled := [str(each.round) for each in found if each.twice]:
        note += f" Of round {', '.join(doubled)} there is another record in an earlier repository."
    title = f"{name}: the champion round by round"
    PrintedTable(title, columns, [*map(fields, found)], note).show()
