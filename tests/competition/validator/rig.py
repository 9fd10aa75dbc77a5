"""Validators over the small competition of `tests.competition.world`, with a quick way to score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import replace as changed

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Judged, Terms
from iotapretrain.competition.evaluation.round_pages import task_records
from iotapretrain.competition.records.public_rounds import PublicRounds
from iotapretrain.competition.records.round_record import RoundRecord, unscored
from iotapretrain.competition.validator.journal import open_memory
from iotapretrain.competition.validator.run import validate
from iotapretrain.competition.validator.score_field import Score
from iotapretrain.competition.validator.settings import Settings
from iotapretrain.competition.validator.settings import World as Outside
from iotapretrain.data.outcome import RoundText
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import Hub, RepositoryId
from iotapretrain.net.retry import Patience
from iotapretrain.observe.events import AnyEvent, ModelFetched, Waiting
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.task_score import aggregate
from iotapretrain.rules.competition.validator.state import State
from tests.chain.worlds import hotkey, keys
from tests.competition.world import NETUID, World

IMPATIENT = Patience(tries=1, first_pause=0.0, longest_pause=0.0)


class Ears:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.heard: list[AnyEvent] = []

    def emit(self, event: AnyEvent) -> None:
        self.heard.append(event)

    def close(self) -> None:
        """Nothing."""

    def waits(self) -> list[str]:
        return [event.what for event in self.heard if isinstance(event, Waiting)]

    def looks(self) -> list[str]:
        return [event.outcome for event in self.heard if isinstance(event, ModelFetched)]


@dataclass
class Oracle:
    """Scores without opening a model: by hotkey, the loss on every page; an outcome fails.

    Whoever is not named loses 3. `behaviours` says who does the same as whom on the secret rows.
    """

    losses: dict[str, float | Outcome] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)
    behaviours: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def __call__(self, contenders: Sequence[Contender], text: RoundText, terms: Terms) -> Evaluated:
        self.calls.append([each.hotkey for each in contenders])
        judged = tuple(self._judged(each, text, terms) for each in contenders)
        pages = sum(each.record.pages_scored for each in judged)
        tasks = task_records(terms.competition.tasks, text)
        return Evaluated(judged, tasks, None, pages, pages)

    def _judged(self, contender: Contender, text: RoundText, terms: Terms) -> Judged:
        loss = self.losses.get(contender.hotkey, 3.0)
        if isinstance(loss, Outcome):
            return Judged(unscored(contender, loss))
        losses = {name: (loss,) * len(batch.pages) for name, batch in text.batches.items()}
        raw = dict.fromkeys(text.batches, loss)
        missing = [each.task for each in text.missing]
        score = aggregate(terms.competition.tasks, raw, missing)
        assert score is not None
        record = changed(
            unscored(contender, Outcome.EVALUATED),
            losses=losses,
            task_scores=raw,
            score=score.value,
            pages_scored=sum(map(len, losses.values())),
        )
        behaviour = self.behaviours.get(contender.hotkey, ()) if terms.behaviour else ()
        return Judged(record, behaviour=behaviour)


@dataclass
class Rig:
    """One validator of a world: how it is started, and what became of it."""

    world: World
    name: str = "validator-1"
    place: str = "state"
    oracle: Score = field(default_factory=Oracle)
    hub: Hub | None = None
    ears: Ears = field(default_factory=Ears)
    settings: Mapping[str, Any] = field(default_factory=dict)
    idle: list[str] = field(default_factory=list)
    """What it said while it had nothing to do."""

    @property
    def state_folder(self) -> Path:
        return self.world.folder / f"{self.name}-{self.place}"

    @property
    def repository(self) -> RepositoryId:
        return RepositoryId(self.name, f"rounds-{self.place}")

    def configured(self) -> Settings:
        given = {"once": True, "poll": 0.01, "longest_pause": 0.02, "weights_every": 5}
        return Settings(
            netuid=NETUID,
            schedule=self.world.schedule,
            schedule_text=self.world.schedule_text,
            state=self.state_folder,
            repository=self.repository,
            **{**given, **self.settings},
        )

    async def run(self, client: ChainClient | None = None) -> int:
        """Do what is due, once, unless the settings say otherwise."""
        outside = Outside(
            hub=self.hub or FolderHub(self.world.folder / "hub", self.name),
            score=self.oracle,
            worker=self.world.worker,
            sink=self.ears,
            idle=self.idle.append,
            models=self.world.models,
            texts=self.world.text,
            patience=IMPATIENT,
            rng=Random(1),
        )
        return await validate(
            self.configured(), client or self.world.client, keys(self.name), outside
        )

    async def state(self) -> State:
        """What its journal says, read as a restart would."""
        network = (await self.world.client.block_hash(0)).hex()
        place = self.configured().journal_place
        journal, memory = open_memory(place, network, NETUID, hotkey(self.name))
        with journal, memory:
            return memory.state

    def records(self) -> list[RoundRecord]:
        """What it has published."""
        hub = FolderHub(self.world.folder / "hub", self.name)
        public = PublicRounds(hub, self.repository)
        return [public.read(number).record for number in public.numbers()]


def without_author(record: RoundRecord) -> RoundRecord:
    """The record as anybody else would have written it."""
    from msgspec.structs import replace as changed

    return changed(record, validator="", previous=None)
