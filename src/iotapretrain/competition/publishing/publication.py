"""A model that everybody can read and that stands on the chain, and the record of that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iotapretrain.competition.publishing.offer import Offer
from iotapretrain.competition.records.committed import CommittedModel
from iotapretrain.observe.events import Published
from iotapretrain.observe.read_records import read_events
from iotapretrain.observe.sink import Lines

RECORDS = "records.jsonl"


@dataclass(frozen=True)
class Publication:
    """What was published. `already`: nothing was left to do."""

    model: CommittedModel
    model_hash: str
    judged_from: int
    already: bool


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
