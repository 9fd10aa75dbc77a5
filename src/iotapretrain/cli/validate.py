"""`iota validate`: judge everybody's models, round after round."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import echo, print_json
from iotapretrain.cli.network_options import (
    AsJson,
    WalletFolder,
    WalletName,
    find_wallet,
    with_wallet,
)
from iotapretrain.cli.option_groups import ScheduledWorkplace, Workplace, with_groups
from iotapretrain.cli.workplace import Metrics, Wandb
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from bittensor import Wallet

    from iotapretrain.chain.client import ChainClient
    from iotapretrain.competition.validator.run import Scoring
    from iotapretrain.competition.validator.settings import Settings, World
    from iotapretrain.hub.protocol import Hub, RepositoryId
    from iotapretrain.rules.competition.schedule import Schedule

LONGEST_PAUSE = 300.0


@dataclass(frozen=True)
class ValidatorOptions:
    """How a validator works."""

    state: Annotated[
        Path | None, typer.Option(help="Everything a restart needs. Default: by wallet.")
    ] = None
    journal: Annotated[
        str | None,
        typer.Option(metavar="POSTGRESQL", help="Keep the journal there instead of in --state."),
    ] = None
    records: Annotated[
        str | None,
        typer.Option(
            metavar="NAMESPACE/NAME",
            help="Where records are published. Default on a folder: WALLET/rounds.",
        ),
    ] = None
    rounds: Annotated[
        int | None, typer.Option(help="Stop once there are so many rounds in all.", min=1)
    ] = None
    once: Annotated[bool, typer.Option("--once", help="Do what is due now, then stop.")] = False
    race: Annotated[
        bool, typer.Option("--race/--no-race", help="Drop hopeless models early, or score all.")
    ] = True
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Score on the workers of a Ray cluster.")
    ] = None
    workers: Annotated[
        int | None, typer.Option(help="Models scored at once. Default: one a core.", min=1)
    ] = None
    weights_every: Annotated[
        int, typer.Option(metavar="BLOCKS", help="Blocks between two settings of weights.", min=1)
    ] = 300
    poll: Annotated[
        float, typer.Option(metavar="SECONDS", help="Between two looks at an idle chain.", min=0.05)
    ] = 12.0

    def scoring(self, schedule: Schedule) -> Scoring:
        """Who scores, and what scoring one model may take."""
        from iotapretrain.competition.validator.run import Scoring
        from iotapretrain.models.worker import Budget, allowance, machine_bytes

        asked = [each.constraints for each in schedule.competitions]
        budget = allowance(Budget(), asked, machine_bytes() if self.ray is None else None)
        workers = self.workers or len(os.sched_getaffinity(0))
        return Scoring(workers, self.race, self.ray, budget)


@with_groups
def validate(
    wallet: WalletName,
    place: ScheduledWorkplace,
    options: ValidatorOptions,
    wallets: WalletFolder = None,
    metrics: Metrics = None,
    wandb: Wandb = None,
    as_json: AsJson = False,
) -> None:
    """Fetch, inspect and score models, decide rounds, publish signed records, set weights.

    Everything is in a journal: after a stop or a crash the same command goes on where it was.

    Example: iota validate --network net --wallet validator-1 --rounds 3
    """
    schedule, text = place.schedule()
    owner = wallet.partition("/")[0]
    repository = _repository(options.records, place, owner)
    find_wallet(place.network, wallet, wallets)
    hub = place.open_hub(owner)

    from iotapretrain.competition.validator.settings import Settings

    folder = options.state or _own_folder(place, wallet)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # results nobody has yet, and secrets
    settings = Settings(
        netuid=place.netuid,
        schedule=schedule,
        schedule_text=text,
        state=folder,
        repository=repository,
        longest_pause=max(options.poll, LONGEST_PAUSE),
        journal=options.journal,
        rounds=options.rounds,
        once=options.once,
        weights_every=options.weights_every,
        poll=options.poll,
    )
    scoring = options.scoring(schedule)
    with _world(settings, hub, scoring, metrics, wandb) as world:
        done = with_wallet(
            place.network,
            wallet,
            wallets,
            lambda client, signer: _until_stopped(settings, client, signer, world),
        )
    if as_json:
        print_json({"rounds": done, "state": str(folder)})


@contextmanager
def _world(
    settings: Settings, hub: Hub, scoring: Scoring, metrics: str | None, wandb: str | None
) -> Iterator[World]:
    """All that a validator works with; its workers and sinks end with the block."""
    from iotapretrain.cli.narration import Narration
    from iotapretrain.competition.records.original_format import original_format
    from iotapretrain.competition.validator.run import INSPECTION, open_score
    from iotapretrain.competition.validator.settings import World
    from iotapretrain.data import page_cache as text_cache
    from iotapretrain.hub import model_cache
    from iotapretrain.models.worker import Worker, allowance, machine_bytes
    from iotapretrain.observe.sink import Several, open_sinks

    asked = [each.constraints for each in settings.schedule.competitions]
    with (
        open_sinks(settings.state / "records.jsonl", metrics=metrics, wandb=wandb) as sinks,
        open_score(settings.state, scoring) as score,
        Worker(allowance(INSPECTION, asked, machine_bytes())) as worker,
    ):
        yield World(
            hub=hub,
            score=score,
            worker=worker,
            sink=Several(sinks, Narration()),
            models=model_cache.ModelCache(model_cache.default_folder()),
            texts=text_cache.PageCache(text_cache.default_folder()),
            idle=partial(echo, err=True),
            published=lambda signed: sinks.log(original_format(signed.record, time.time())),
        )


async def _until_stopped(
    settings: Settings, client: ChainClient, wallet: Wallet, world: World
) -> int | None:
    """The number of rounds; None when a signal ended it first, which loses nothing."""
    from iotapretrain.competition.validator.run import validate as run

    task = asyncio.create_task(run(settings, client, wallet, world))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return None


def _own_folder(place: Workplace, wallet: str) -> Path:
    """In the folder of a network on this machine, else where the user's data is."""
    name = wallet.replace("/", "-")
    if place.folder is not None:
        return place.folder / "validators" / name
    data = os.environ.get("XDG_DATA_HOME")
    home = Path(data) if data else Path.home() / ".local" / "share"
    return home / "iotapretrain" / "validators" / name


def _repository(records: str | None, place: Workplace, owner: str) -> RepositoryId:
    """On a folder the wallet's name says who we are."""
    from iotapretrain.hub.protocol import RepositoryId

    if records is not None:
        return RepositoryId.parse(records)
    if not place.hub_is_folder:
        raise InputError("where do the records go? --records NAMESPACE/NAME, a repository of yours")
    return RepositoryId(owner, "rounds")
