"""What the log of a run holds: everything that was asked, decided and seen, and nothing else.

Every record has its time `at`, in milliseconds of the orchestrator's clock; `until` is the deadline
of what it begins. Digests are hexadecimal. What participants say is signed by them: the log keeps
author and signature beside the record. Whatever a participant can write is checked when it is made:
what is once in the log is folded by everybody, for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from iotapretrain.errors import InputError

Phase = Literal["train", "announce", "publish", "agree"]
"""Of a stage's epoch: from one merge to the next."""
LONGEST_NAME, MOST_LINKS, MOST_RECEIPTS = 128, 4_096, 1_024
SLOWEST = 1e6
"""Seconds a sample, and samples a second: beyond it a number is none that a machine has."""

_DIGEST = re.compile("[0-9a-f]{64}")
_SHORT_DIGEST = re.compile("([0-9a-f]{32})?")
_BOUND_DIGESTS = re.compile("([0-9a-f]{64}){1,4096}")


def _check(pattern: re.Pattern[str], what: str, *digests: str) -> None:
    for digest in digests:
        if pattern.fullmatch(digest) is None:
            raise InputError(f"{what}: {digest[:20]!r} is no digest in lower-case hexadecimal")


def _check_names(*names: str) -> None:
    for name in names:
        if not (0 < len(name) <= LONGEST_NAME and name.isascii() and name.isprintable()):
            raise InputError(f"name {name[:20]!r}: give 1 to {LONGEST_NAME} printable characters")


def _check_number(what: str, number: float) -> None:
    if not 1 / SLOWEST <= number <= SLOWEST:
        raise InputError(f"{what} {number}: give {1 / SLOWEST:g} to {SLOWEST:g}")


@dataclass(frozen=True)
class SwarmOpened:
    """The run begins: the digest of its file, and what every stage starts from."""

    run: str
    bases: tuple[str, ...]
    at: int


@dataclass(frozen=True)
class MinerJoined:
    """A miner is there, with its node key, determinism class and measured samples a second.

    `kept` says that it comes back with all that it did since its stage's last merge.
    """

    hotkey: str
    node: str
    machine: str
    speed: float
    kept: bool
    at: int

    def __post_init__(self) -> None:
        _check_names(self.hotkey, self.node, self.machine)
        _check_number("samples a second:", self.speed)


@dataclass(frozen=True)
class ValidatorJoined:
    """A validator will audit from now on, in one determinism class."""

    hotkey: str
    machine: str
    at: int

    def __post_init__(self) -> None:
        _check_names(self.hotkey, self.machine)


@dataclass(frozen=True)
class MinerLeft:
    """A miner gets no routes any more, until it joins again."""

    hotkey: str
    reason: Literal["left", "silent", "convicted"]
    at: int


@dataclass(frozen=True)
class StagesAssigned:
    """Where these miners work from now on; each fetches the base of its stage."""

    stages: tuple[tuple[str, int], ...]
    at: int


@dataclass(frozen=True)
class BaseHeld:
    """A miner holds a base of its stage: if it is the present one, it is ready."""

    hotkey: str
    stage: int
    base: str
    at: int

    def __post_init__(self) -> None:
        _check(_DIGEST, "base", self.base)


@dataclass(frozen=True)
class EpochOpened:
    """A stage trains on from a base; why the epoch before came to no merge, if it did not.

    Members `left_out` had published what could not be merged; it stays with them.
    """

    stage: int
    epoch: int
    base: str
    left_out: tuple[str, ...]
    problem: str
    until: int
    at: int


@dataclass(frozen=True)
class DeadlineMoved:
    """A stage goes on waiting, for a reason, until a later moment."""

    stage: int
    reason: str
    until: int
    at: int


@dataclass(frozen=True)
class RoutesIssued:
    """Routes from number `first` on: by stage the number of a miner. They expire together."""

    first: int
    miners: tuple[tuple[int, ...], ...]
    until: int
    at: int


@dataclass(frozen=True)
class HopMoved:
    """A hop whose miner did not answer goes to another of its stage, once.

    The miner of the hop before asks for it, naming the silent `miner`; the record names the one
    that comes in its place.
    """

    hotkey: str
    route: int
    stage: int
    miner: int
    at: int


@dataclass(frozen=True)
class RoutesDropped:
    """Routes that came to nothing."""

    routes: tuple[int, ...]
    reason: str
    at: int


@dataclass(frozen=True)
class Receipt:
    """A miner's word on its hop of a route: digests of what it received and sent, both ways.

    At the tail `sent` is empty and `loss` is there; at the head `received` and `back` are empty.
    """

    route: int
    received: str
    sent: str
    returned: str
    back: str
    seconds: float
    loss: float | None = None

    def __post_init__(self) -> None:
        _check(_SHORT_DIGEST, "receipt", self.received, self.sent, self.returned, self.back)
        _check_number("seconds of a sample:", self.seconds)
        if self.loss is not None and not abs(self.loss) <= SLOWEST:
            raise InputError(f"receipt: a loss of {self.loss}; it must be a finite number")


@dataclass(frozen=True)
class ReceiptsFiled:
    """A miner's receipts; only those that were new."""

    hotkey: str
    receipts: tuple[Receipt, ...]
    at: int

    def __post_init__(self) -> None:
        if len(self.receipts) > MOST_RECEIPTS:
            raise InputError(f"{len(self.receipts)} receipts at once; file {MOST_RECEIPTS} at most")


@dataclass(frozen=True)
class PhaseOpened:
    """A stage's merge goes on: why it does now, and until when it waits for the next phase."""

    stage: int
    epoch: int
    phase: Phase
    reason: str
    until: int
    at: int


@dataclass(frozen=True)
class ChangeAnnounced:
    """What a member binds itself to send, and the links of the steps that it is made of."""

    hotkey: str
    stage: int
    epoch: int
    change: str
    links: tuple[str, ...]
    at: int

    def __post_init__(self) -> None:
        _check(_BOUND_DIGESTS, "change", self.change)
        _check(_DIGEST, "link", *self.links)
        if len(self.links) > MOST_LINKS:
            raise InputError(f"{len(self.links)} links of an epoch; {MOST_LINKS} at most")


@dataclass(frozen=True)
class ChangePublished:
    """An announced change lies where everybody can fetch it, under `blob`."""

    hotkey: str
    stage: int
    epoch: int
    blob: str
    at: int

    def __post_init__(self) -> None:
        _check(_DIGEST, "blob", self.blob)


@dataclass(frozen=True)
class BaseSigned:
    """What a member got from all published changes, and whose of them are not in it."""

    hotkey: str
    stage: int
    epoch: int
    base: str
    left_out: tuple[str, ...]
    at: int

    def __post_init__(self) -> None:
        _check(_DIGEST, "base", self.base)
        _check_names(*self.left_out)


@dataclass(frozen=True)
class BlockSeen:
    """The hash of a block of the chain: randomness that nobody knew before."""

    block: int
    hash: str
    at: int


@dataclass(frozen=True)
class StepChallenged:
    """A beacon drew a step of a miner's epoch for a validator; it is to be handed over."""

    validator: str
    hotkey: str
    stage: int
    epoch: int
    step: int
    until: int
    at: int


@dataclass(frozen=True)
class AuditsDrawn:
    """All challenges that a beacon draws from an epoch are in the log."""

    stage: int
    epoch: int
    block: int
    at: int


@dataclass(frozen=True)
class EvidenceGiven:
    """The state before a challenged step and its inputs lie under this digest."""

    hotkey: str
    stage: int
    epoch: int
    step: int
    evidence: str
    at: int

    def __post_init__(self) -> None:
        _check(_DIGEST, "evidence", self.evidence)


@dataclass(frozen=True)
class VerdictFiled:
    """The link that a validator got by replaying a step from its evidence."""

    validator: str
    hotkey: str
    stage: int
    epoch: int
    step: int
    evidence: str
    replayed: str
    at: int

    def __post_init__(self) -> None:
        _check(_DIGEST, "evidence", self.evidence)
        if self.replayed:
            _check(_DIGEST, "replayed link", self.replayed)


@dataclass(frozen=True)
class StepSettled:
    """What a challenged step came to, and the validators whom its evidence shows to be wrong.

    A silent miner gave no evidence in time; an unheard step had no verdict in time.
    """

    hotkey: str
    stage: int
    epoch: int
    step: int
    ruling: Literal["silent", "unheard", "passed", "convicted"]
    wrong: tuple[str, ...]
    at: int


SwarmRecord = (
    SwarmOpened
    | MinerJoined
    | ValidatorJoined
    | MinerLeft
    | StagesAssigned
    | BaseHeld
    | EpochOpened
    | DeadlineMoved
    | RoutesIssued
    | HopMoved
    | RoutesDropped
    | ReceiptsFiled
    | PhaseOpened
    | ChangeAnnounced
    | ChangePublished
    | BaseSigned
    | BlockSeen
    | StepChallenged
    | AuditsDrawn
    | EvidenceGiven
    | VerdictFiled
    | StepSettled
)
