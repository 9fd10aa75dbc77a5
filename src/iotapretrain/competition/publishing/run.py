"""From a folder to a model that validators judge, by steps of which each may be the last for now.

    inspect -> upload, private -> download and compare -> commit -> read back -> open to everybody

Private until committed, else a watcher commits to the same bytes first (competition, 3.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.publishing import uploading
from iotapretrain.competition.publishing.checks_before import Inspector, check_admitted, local_hash
from iotapretrain.competition.publishing.committing import Writer
from iotapretrain.competition.publishing.offer import (
    Offer,
    check_original,
    is_used,
    own_model,
    place_of,
)
from iotapretrain.competition.publishing.steps import Intent, Notes, Steps
from iotapretrain.competition.records.committed import CommittedModel, read_ground
from iotapretrain.competition.records.opinions import network_id
from iotapretrain.errors import CorruptModelError, RefusedModelError
from iotapretrain.hub.protocol import Commit, Hub
from iotapretrain.net.retry import Clock
from iotapretrain.observe.events import Published
from iotapretrain.observe.read_records import read_events
from iotapretrain.observe.sink import Lines

if TYPE_CHECKING:
    from bittensor import Wallet

Say = Callable[[str], None]
RECORDS = "records.jsonl"


@dataclass(frozen=True)
class Publication:
    """What was published. `already`: nothing was left to do."""

    model: CommittedModel
    model_hash: str
    judged_from: int
    already: bool


@dataclass(frozen=True)
class Publisher:
    """Who publishes, where, and how a model is inspected. `clock` tells seconds since 1970."""

    client: ChainClient
    wallet: Wallet
    hub: Hub
    inspect: Inspector
    clock: Clock
    say: Say

    async def publish(self, offer: Offer, wait: bool = False) -> Publication:
        """Do what is left to do; `wait` for the chain's next turn where it is not now."""
        hotkey = str(self.wallet.hotkey.ss58_address)
        with Notes.beside(offer.folder) as notes:
            model_hash = await asyncio.to_thread(local_hash, offer.folder)
            ground = await read_ground(self.client, offer.netuid)
            model = own_model(offer, ground, hotkey)
            bound = model is not None and model.commitment.binds(model_hash, hotkey)
            already = model is not None and bound and await self._has(model.commit)
            if model is None or not already:
                uid = place_of(offer, ground, hotkey)
                check_original(offer, ground, hotkey, model_hash)
                steps = notes.begin(await self._intent(offer, hotkey, model_hash))
                used = is_used(ground, offer.repository)
                steps, commit = await self._bring(offer, notes, steps, used)
                commitment = offer.commitment(commit.id, model_hash, hotkey)
                block = await self._commit(offer, notes, steps, commitment.text, wait)
                model = CommittedModel(hotkey, uid, block, commitment)
            notes.clear()
            opened = await asyncio.to_thread(uploading.show, self.hub, model.repository)
            judged_from = offer.judged_from(model.block)
            publication = Publication(model, model_hash, judged_from, already and not opened)
            announce(offer, publication, self.clock())
            return publication

    async def _has(self, commit: Commit) -> bool:
        return await asyncio.to_thread(uploading.has, self.hub, commit)

    async def _intent(self, offer: Offer, hotkey: str, model_hash: str) -> Intent:
        return Intent(
            model_hash=model_hash,
            hotkey=hotkey,
            network=await network_id(self.client),
            netuid=offer.netuid,
            competition=offer.competition.id,
            hub=self.hub.name,
            repository=str(offer.repository),
        )

    async def _bring(
        self, offer: Offer, notes: Notes, steps: Steps, used: bool
    ) -> tuple[Steps, Commit]:
        """Have the model on the hub, as nobody but its owner can see yet."""
        commit = steps.commit
        if commit is None or not await self._has(commit):
            await asyncio.to_thread(check_admitted, offer.folder, self.inspect)
            self.say("inspected: validators would admit it")
            commit = await asyncio.to_thread(uploading.upload, offer, self.hub, used)
            steps = notes.write(replace(steps, uploaded=commit.id, compared=False))
            self.say(f"uploaded, private: {commit}")
        if not steps.compared:
            await self._compare(offer, notes, steps, commit)
            steps = notes.write(replace(steps, compared=True))
            self.say(f"downloaded again: model hash {steps.intent.model_hash}")
        return steps, commit

    async def _compare(self, offer: Offer, notes: Notes, steps: Steps, commit: Commit) -> None:
        expected, most = steps.intent.model_hash, offer.competition.constraints.max_bytes
        try:
            await asyncio.to_thread(
                uploading.compare, commit, self.hub, expected, notes.check, most
            )
        except (CorruptModelError, RefusedModelError):
            notes.write(replace(steps, uploaded=None))
            raise

    async def _commit(self, offer: Offer, notes: Notes, steps: Steps, text: str, wait: bool) -> int:
        """Have the commitment on the chain; its block."""
        writer = Writer(self.client, self.wallet, offer.netuid, self.clock)
        block = await writer.settle(text, steps.sent)
        if block is None:
            await writer.wait_for_turn(wait, self.say)
            notes.write(replace(steps, sent=self.clock()))
            block = await writer.write(text)
        self.say(f"committed in block {block}, and read back: {text}")
        return block


def announce(offer: Offer, publication: Publication, now: float) -> None:
    """Add it, once, to the records of the training run that the model lies in, if it is in one."""
    records = offer.folder.resolve().parent / RECORDS
    if not records.is_file() or _is_announced(records, publication):
        return
    model = publication.model
    sink = Lines(records)
    sink.emit(
        Published(
            time=now,
            source=f"miner:{model.hotkey}",
            hotkey=model.hotkey,
            competition=offer.competition.name,
            repository=str(model.repository),
            commit=model.commitment.commit,
            model_hash=publication.model_hash,
            block=model.block,
            judged_from_block=publication.judged_from,
        )
    )
    sink.close()


def _is_announced(records: Path, publication: Publication) -> bool:
    model = publication.model
    return any(
        isinstance(event, Published)
        and (event.commit, event.block) == (model.commitment.commit, model.block)
        for event in read_events(records)
    )
