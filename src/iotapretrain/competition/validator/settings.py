"""What a validator is told (whose it is, which competitions, how patient it is), and its world."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from blake3 import blake3

from iotapretrain.competition.records.round_record import SignedRound
from iotapretrain.competition.validator.score_field import Score
from iotapretrain.data import page_cache as text_cache
from iotapretrain.errors import InputError
from iotapretrain.hub import model_cache
from iotapretrain.hub.protocol import Hub, RepositoryId
from iotapretrain.models.worker import Worker
from iotapretrain.net.retry import Clock, Patience
from iotapretrain.observe.sink import Sink
from iotapretrain.rules.competition.schedule import Schedule
from iotapretrain.rules.competition.validator.weights_due import WEIGHTS_EVERY


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`state` is the folder of everything that a restart needs; `journal` may lie elsewhere.

    `rounds` counts what the journal holds, so that a run that was killed and one that was not end
    at the same place. `once` stops when there is nothing to do.
    """

    netuid: int
    schedule: Schedule
    schedule_text: str
    state: Path
    repository: RepositoryId
    journal: str | None = None
    rounds: int | None = None
    once: bool = False
    weights_every: int = WEIGHTS_EVERY
    poll: float = 12.0
    """Seconds between two looks at the chain while there is nothing to do: a block."""
    longest_pause: float = 300.0
    """Seconds between two tries of what is down."""

    def __post_init__(self) -> None:
        if self.weights_every < 1 or (self.rounds is not None and self.rounds < 1):
            raise InputError("rounds and weights-every: give 1 or more")
        if not 0 < self.poll <= self.longest_pause:
            raise InputError(f"poll: {self.poll:g} s is not above 0, to {self.longest_pause:g} s")

    @property
    def schedule_digest(self) -> str:
        """By which records say under which file they were made."""
        return blake3(self.schedule_text.encode()).hexdigest()

    @property
    def journal_place(self) -> str | Path:
        return self.journal or self.state / "journal.sqlite"


@dataclass(frozen=True)
class World:
    """All that is outside, but for the chain. `worker` opens models to inspect them, on one thread;
    `published` hears of every record that is public, `idle` for what there is nothing to do until
    when. `clock` dates events, and nothing else.
    """

    hub: Hub
    score: Score
    worker: Worker
    sink: Sink
    models: model_cache.ModelCache
    texts: text_cache.PageCache
    patience: Patience = field(default_factory=lambda: Patience(tries=4, seconds=60.0))
    published: Callable[[SignedRound], None] = lambda _signed: None
    idle: Callable[[str], None] = lambda _said: None
    clock: Clock = time.time
    rng: Random = field(default_factory=Random)
