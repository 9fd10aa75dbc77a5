"""`iota publish`: a model goes to the hub and its commitment to the chain."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import answer, echo
from iotapretrain.cli.network_options import AsJson, WalletFolder, WalletName, with_wallet
from iotapretrain.cli.option_groups import Workplace, with_groups
from iotapretrain.cli.workplace import CompetitionName, TokenizerPlace, check_folder, find_scheduled

if TYPE_CHECKING:
    from bittensor import Wallet

    from iotapretrain.chain.client import ChainClient
    from iotapretrain.competition.publishing.run import Publication


@with_groups
def publish(
    place: Workplace,
    folder: Annotated[Path, typer.Argument(help="A folder with config.json and *.safetensors.")],
    competition: CompetitionName,
    repo: Annotated[str, typer.Option(help="NAMESPACE/NAME on the hub; made where it is missing.")],
    wallet: WalletName,
    wallets: WalletFolder = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the chain takes the next commitment.")
    ] = False,
    licence: Annotated[str, typer.Option(help="For the model card: an identifier.")] = "mit",
    tokenizer: TokenizerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Publish a model: inspect, upload unseen, compare, commit, open to everybody.

    May be run again at any time: what is done already is not done twice.

    Example: iota publish net/miners/miner-1/run/model --competition tiny/nano --repo alice/nano
    --network net --wallet miner-1
    """
    from iotapretrain.data.tokenizer import load_tokenizer
    from iotapretrain.hub.protocol import RepositoryId

    check_folder(folder)
    schedule, chosen = find_scheduled(competition)
    repository = RepositoryId.parse(repo)
    opened_tokenizer = load_tokenizer(tokenizer or chosen.constraints.tokenizer)

    from iotapretrain.competition.publishing.checks_before import OwnInspection
    from iotapretrain.competition.publishing.offer import Offer
    from iotapretrain.competition.publishing.run import Publisher
    from iotapretrain.data.page_cache import PageCache, default_folder
    from iotapretrain.models.worker import Budget
    from iotapretrain.rules.sampling import sync_block

    files = opened_tokenizer.files()
    offer = Offer(folder, repository, chosen, schedule, place.netuid, licence, files)
    opened = place.open_hub(repository.namespace)
    say = partial(echo, err=True)

    async def run(client: ChainClient, signer: Wallet) -> tuple[Publication, str]:
        head, _ = await client.head()
        sync_hash = (await client.block_hash(sync_block(head, schedule.sync_cadence))).hex()
        texts = PageCache(default_folder())
        inspect = OwnInspection(chosen, opened_tokenizer, texts, sync_hash, Budget())
        publisher = Publisher(client, signer, opened, inspect, time.time, say)
        publication = await publisher.publish(offer, wait)
        return publication, await client.how_far(publication.judged_from)

    _report(*with_wallet(place.network, wallet, wallets, run), as_json)


def _report(publication: Publication, away: str, as_json: bool) -> None:
    model = publication.model
    document = {
        "already_published": publication.already,
        "repository": str(model.repository),
        "commit": model.commitment.commit,
        "model_hash": publication.model_hash,
        "commitment": model.commitment.text,
        "hotkey": model.hotkey,
        "uid": model.uid,
        "block": model.block,
        "judged_from_block": publication.judged_from,
    }
    state = "already published" if publication.already else "published"
    published = f"{state}: {model.commit}, committed in block {model.block}"
    looked_at = f"validators look at it from block {publication.judged_from} on{away}"
    answer(document, as_json, published, looked_at)
