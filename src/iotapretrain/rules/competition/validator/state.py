"""What a validator knows. A value: every record gives a new one (`apply`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from iotapretrain.rules.competition.attempts import History, Outcome
from iotapretrain.rules.competition.standings import Standings
from iotapretrain.rules.competition.validator.journal_records import Reason, RoundOpened


@dataclass(frozen=True)
class Look:
    """What became of a hotkey's present commitment, and how often looking at it failed so far."""

    at: int
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    digests: tuple[str, ...] = ()
    failures: tuple[Outcome, ...] = ()

    @property
    def admitted(self) -> bool:
        return self.outcome is Outcome.EVALUATED

    @property
    def digest(self) -> str | None:
        """The model hash; None where the content was never known to be its owner's."""
        return self.digests[0] if self.digests else None


@dataclass(frozen=True, order=True)
class Origin:
    """The earliest commitment to a content, whoever saw it first, and whoever has left since."""

    block: int
    hotkey: str


@dataclass(frozen=True)
class Tally:
    """How often something failed, and at which sync block last."""

    block: int
    count: int


@dataclass(frozen=True)
class State:
    """Everything by hotkey; `origins` and `alike`, by digest, are kept for ever.

    `missed` counts how often in a row a model could not be scored, `tries` the rounds of a
    competition that were given up at one sync block. `done` holds the sync block of each
    competition's last round, `kept` who meets again, `turn` the competition whose turn was last.
    `unpublished` says where in the journal the signed records lie that nobody else has yet.
    """

    version: str = ""
    salt: int = 0
    history: History = field(default_factory=History)
    looks: Mapping[str, Look] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    alike: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missed: Mapping[str, Tally] = field(default_factory=dict)
    standings: Standings = field(default_factory=Standings)
    kept: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    done: Mapping[int, int] = field(default_factory=dict)
    tries: Mapping[int, Tally] = field(default_factory=dict)
    turn: int | None = None
    opened: RoundOpened | None = None
    rounds: int = 0
    previous: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    unpublished: Mapping[int, int] = field(default_factory=dict)
