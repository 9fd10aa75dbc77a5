"""`iota pull`: the bytes of a committed model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import echo, print_json
from iotapretrain.cli.hub import CacheFolder, progress_bar
from iotapretrain.cli.network_options import AsJson, Netuid, with_client
from iotapretrain.cli.workplace import (
    CompetitionName,
    HubAddress,
    Network,
    find_competition,
    find_hub,
)

if TYPE_CHECKING:
    from iotapretrain.chain.client import ChainClient
    from iotapretrain.competition.records.committed import CommittedModel


def pull(
    which: Annotated[str, typer.Argument(metavar="best|uid:N", help="Whose model.")],
    competition: CompetitionName,
    to: Annotated[Path, typer.Option(help="The new folder.")],
    network: Network = "net",
    netuid: Netuid = 1,
    hub: HubAddress = None,
    cache: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Bring a committed model here: verified, and bound to the hotkey that committed to it.

    Example: iota pull best --competition tiny/nano --to champion --network net
    """
    from iotapretrain.competition.records.find_model import bring, find_model
    from iotapretrain.hub.fetched_model import model_hash
    from iotapretrain.hub.model_cache import ModelCache, default_folder

    chosen, opened = find_competition(competition), find_hub(hub, network)

    async def find(client: ChainClient) -> CommittedModel:
        return await find_model(client, opened, netuid, chosen, which)

    found = with_client(network, find)
    kept = ModelCache(cache or default_folder())
    with progress_bar(str(found.commit)) as progress:
        bring(found, opened, kept, chosen.constraints.max_bytes, progress)
    with kept.hold(found.commit) as model:
        model.copy_to(to)
        digest = model_hash(model)
    if as_json:
        print_json(
            {
                "folder": str(to),
                "uid": found.uid,
                "hotkey": found.hotkey,
                "block": found.block,
                "repository": str(found.repository),
                "commit": found.commitment.commit,
                "model_hash": digest,
                "loss": found.loss,
            }
        )
        return
    echo(f"{to}: {found.commit} of uid {found.uid}, committed in block {found.block}")
