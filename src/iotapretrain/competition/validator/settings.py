"""What a validator is told: whose it is, which competitions, and how patient it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from iotapretrain.errors import InputError
from iotapretrain.hub.protocol import RepositoryId
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
