"""What a validator's journal holds: everything that it learned and decided, and nothing else.

A record is also the command that asks for it (`decide`), but for `Committed` and `Left`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from iotapretrain.rules.competition.attempts import Outcome


@dataclass(frozen=True)
class Reason:
    """Why something was refused: a code for programs, a sentence for people, what it is about."""

    code: str
    sentence: str
    item: str = ""


@dataclass(frozen=True)
class Begun:
    """A validator came up under another version of the code; `salt` is that of its fingerprints."""

    version: str
    salt: int


@dataclass(frozen=True)
class Committed:
    """A hotkey's commitment of a model was read, and differs from the last."""

    hotkey: str
    block: int
    text: str


@dataclass(frozen=True)
class Left:
    """These hotkeys have no model any more: gone, or committed to something else."""

    hotkeys: tuple[str, ...]


@dataclass(frozen=True)
class Looked:
    """The model of a commitment was fetched and inspected at a sync block.

    EVALUATED says that it is admitted. `digests` names the content once it is known to be the
    owner's: the model hash, and that of the weights alone; `alike` the hashes of other models that
    are the same but for noise.
    """

    hotkey: str
    block: int
    text: str
    at: int
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    digests: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A model of a round's field; `alone` is scored while no other model is."""

    hotkey: str
    uid: int
    block: int
    text: str
    digest: str
    alone: bool = False


@dataclass(frozen=True)
class Refused:
    """A model that stands in the competition and takes no part, and why."""

    hotkey: str
    uid: int
    block: int
    text: str
    outcome: Outcome
    reasons: tuple[Reason, ...]
    digest: str | None


@dataclass(frozen=True)
class RoundOpened:
    """A round's field is fixed. `left` names those with averages who are no longer registered."""

    round: int
    competition: int
    block: int
    seed_hash: str
    field: tuple[Entry, ...]
    refused: tuple[Refused, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """How the evaluation of one model ended; a score that is only estimated counts as one here."""

    hotkey: str
    outcome: Outcome
    score: float | None = None


@dataclass(frozen=True)
class RoundClosed:
    """A round was decided; `digest` is that of its signed record.

    `averages` are all standings after it and `weights` what follows for the chain. `place` is the
    record's own place in the journal, where the signed record lies beside it.
    """

    round: int
    digest: str
    attempts: tuple[Attempt, ...]
    champion: str | None
    kept: tuple[str, ...]
    averages: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    place: int = 0


@dataclass(frozen=True)
class RoundGivenUp:
    """A round could not be scored for a reason that is not the models'; it does not count.

    `missed` names those who could not be scored while others could. `held` says that the hub was
    away for everybody: then this was no try.
    """

    round: int
    reason: str
    missed: tuple[str, ...] = ()
    held: bool = False


@dataclass(frozen=True)
class RoundPublished:
    """The signed record of a round is where everybody finds it."""

    round: int


Record = (
    Begun | Committed | Left | Looked | RoundOpened | RoundClosed | RoundGivenUp | RoundPublished
)
