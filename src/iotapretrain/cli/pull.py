"""`iota pull`: the bytes of a committed model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import answer
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.option_groups import Workplace, with_groups
from iotapretrain.cli.workplace import CompetitionName, find_competition

if TYPE_CHECKING:
    from iotapretrain.hub.fetch import Progress

CacheFolder = Annotated[
    Path | None,
    typer.Option("--cache", envvar="IOTA_HUB_CACHE", help="Default: below the user's cache."),
]


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
    chosen, hub = find_competition(competition), place.open_hub()
    from iotapretrain.competition.records.find_model import bring, find_model
    from iotapretrain.hub.fetched_model import model_hash
    from iotapretrain.hub.model_cache import ModelCache, default_folder

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


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A bar on the terminal, if there is one."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title)
        yield lambda done, total: bar.update(task, completed=done, total=total)
