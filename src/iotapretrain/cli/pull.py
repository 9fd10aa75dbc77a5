"""`iota pull`: the bytes of a committed model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iotapretrain.cli.console import answer
from iotapretrain.cli.hub import CacheFolder, progress_bar
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.option_groups import with_groups
from iotapretrain.cli.workplace import CompetitionName, Workplace, find_competition


@with_groups
def pull(
    place: Workplace,
    which: Annotated[str, typer.Argument(metavar="best|uid:N", help="Whose model.")],
    competition: CompetitionName,
    to: Annotated[Path, typer.Option(help="The new folder.")],
    cache: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Bring a committed model here: verified, and bound to the hotkey that committed to it.

    Example: iota pull best --competition tiny/nano --to champion --network net
    """
    from iotapretrain.competition.records.find_model import bring, find_model
    from iotapretrain.hub.fetched_model import model_hash
    from iotapretrain.hub.model_cache import ModelCache, default_folder

    chosen, hub = find_competition(competition), place.open_hub()
    found = place.ask(lambda client: find_model(client, hub, place.netuid, chosen, which))
    kept = ModelCache(cache or default_folder())
    with progress_bar(str(found.commit)) as progress:
        bring(found, hub, kept, chosen.constraints.max_bytes, progress)
    with kept.hold(found.commit) as model:
        model.copy_to(to)
        digest = model_hash(model)
    report = {
        "folder": str(to),
        "uid": found.uid,
        "hotkey": found.hotkey,
        "block": found.block,
        "repository": str(found.repository),
        "commit": found.commitment.commit,
        "model_hash": digest,
        "loss": found.loss,
    }
    said = f"{to}: {found.commit} of uid {found.uid}, committed in block {found.block}"
    answer(report, as_json, said)
