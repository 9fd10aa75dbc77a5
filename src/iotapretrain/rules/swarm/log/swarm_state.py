"""What a run's log comes to: who is there, where every stage stands, what is under way.

States are values: a record makes a new one (`fold_records.py`) and changes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.log.swarm_records import Phase, Receipt


@dataclass(frozen=True)
class SwarmTerms:
    """What a run's file says of members, deadlines (milliseconds) and audits.

    A stage merges once its members have done `samples` each, or at the deadline `train`. `announce`
    to `agree` are the longest that a merge waits in each phase: it waits no longer than twice as
    long as that phase lately took, but at least `grace`.
    """

    stages: int
    samples: int = 64
    least: int = 2
    slots: int = 16
    hop: int = 60_000
    train: int = 900_000
    announce: int = 60_000
    publish: int = 300_000
    agree: int = 300_000
    grace: int = 10_000
    silence: int = 60_000
    evidence: int = 600_000
    audit_share: float = 0.1
    policy: str = "ours"

    def __post_init__(self) -> None:
        times = (self.hop, self.train, self.announce, self.publish, self.agree, self.grace)
        counts = (self.stages, self.samples, self.slots, self.silence, self.evidence, *times)
        if min(counts) < 1 or self.least < 2 or not 0 < self.audit_share <= 1:
            raise InputError(
                "swarm terms: give stages, samples, slots and times of 1 or more, 2 or more members"
                " to a merge, and a share of audits above 0, up to 1"
            )

    @property
    def route_time(self) -> int:
        """From a route's issue until it is dropped: there and back, a hop's time each."""
        return 2 * self.stages * self.hop

    def longest(self, phase: Phase) -> int:
        """How long a stage may be in a phase before something follows from it."""
        limits = (self.train, self.announce, self.publish, self.agree)
        return limits[("train", "announce", "publish", "agree").index(phase)]


@dataclass(frozen=True)
class Member:
    """A miner: `stage` is kept when it leaves, so that it finds its work when it comes back.

    `holds` is the base that it last said it holds; `done` are verified hops that no merge has yet,
    `merged` is the last epoch of its stage that its change entered; `booked` and `owed` are the
    orchestrator's book of it (`routing.py`).
    """

    number: int
    node: str
    machine: str
    seconds: float
    stage: int | None = None
    holds: str = ""
    present: bool = True
    convicted: bool = False
    done: int = 0
    merged: int = -1
    booked: int = 0
    owed: int = 0


@dataclass(frozen=True)
class SwarmRoute:
    """A sample under way: the miner's number and its receipt, by stage."""

    miners: tuple[int, ...]
    filed: tuple[Receipt | None, ...]
    until: int
    moved: bool = False


@dataclass(frozen=True)
class Change:
    """A member's part in a merge; `weight` is its verified hops when it announced it."""

    digest: str
    weight: int
    links: tuple[str, ...]
    blob: str = ""
    """Where it lies, once it is published."""


@dataclass(frozen=True)
class StageEpoch:
    """Where a stage stands between two merges.

    `voters` hold the base that is merged upon, `entered` are the changes that are merged; `lengths`
    has how long each phase lately took, and `merges` counts those that came to a new base.
    """

    epoch: int
    base: str
    phase: Phase = "train"
    since: int = 0
    until: int = 0
    changes: Mapping[str, Change] = field(default_factory=dict)
    voters: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()
    signed: Mapping[str, SignedBase] = field(default_factory=dict)
    lengths: Mapping[Phase, tuple[int, ...]] = field(default_factory=dict)
    merges: int = 0


class SignedBase(NamedTuple):
    """What a member signed: members agree where both are the same."""

    base: str
    left_out: tuple[str, ...]


class StepPlace(NamedTuple):
    """A step of a miner: the one that a beacon drew."""

    hotkey: str
    stage: int
    epoch: int
    step: int


@dataclass(frozen=True)
class Challenge:
    """A step that is to be replayed: by whom, what was filed and given, and who said what."""

    validators: tuple[str, ...]
    link: str
    machine: str
    until: int
    evidence: str = ""
    verdicts: tuple[tuple[str, str, str], ...] = ()
    """Validator, evidence, link."""


@dataclass(frozen=True)
class FiledEpoch:
    """Links of an epoch that wait for their beacon; `block` was known when it ended."""

    stage: int
    epoch: int
    block: int
    links: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class SwarmState:
    """Behind one record of the log."""

    terms: SwarmTerms
    run: str = ""
    at: int = 0
    members: Mapping[str, Member] = field(default_factory=dict)
    hotkeys: tuple[str, ...] = ()
    """By number."""
    validators: Mapping[str, str] = field(default_factory=dict)
    stages: tuple[StageEpoch, ...] = ()
    routes: Mapping[int, SwarmRoute] = field(default_factory=dict)
    """Under way; the first expires first."""
    next_route: int = 0
    block: tuple[int, str] = (0, "")
    unaudited: tuple[FiledEpoch, ...] = ()
    challenges: Mapping[StepPlace, Challenge] = field(default_factory=dict)
    doubted: frozenset[str] = frozenset()
    """Members whose receipts a neighbour's contradict, until their next audit is drawn."""
    merged_hops: int = 0

    def of_stage(self, stage: int) -> Iterator[tuple[str, Member]]:
        """The present members of a stage."""
        return (pair for pair in self.members.items() if pair[1].present and pair[1].stage == stage)

    def is_ready(self, member: Member) -> bool:
        """Whether it may get routes: it is there and holds what its stage stands on."""
        if not member.present or member.stage is None:
            return False
        return member.holds == self.stages[member.stage].base

    def ready(self, stage: int) -> list[str]:
        """The ready members of a stage."""
        return [hotkey for hotkey, member in self.of_stage(stage) if self.is_ready(member)]

    def lost_by(self, hotkey: str) -> tuple[int, ...]:
        """Routes under way that wait for an answer of a miner which does not have them any more."""
        number = self.members[hotkey].number
        return tuple(
            route
            for route, each in self.routes.items()
            if number in each.miners and each.filed[each.miners.index(number)] is None
        )

    def weighed(self, hotkeys: Iterable[str]) -> int:
        """Verified hops of these members that no merge has yet."""
        return sum(self.members[hotkey].done for hotkey in hotkeys)


def verified(filed: tuple[Receipt | None, ...]) -> tuple[bool, ...]:
    """Which hops of a route both neighbours confirm."""
    agreed = [True, *(_agree(*pair) for pair in pairwise(filed)), True]
    return tuple(
        receipt is not None and agreed[stage] and agreed[stage + 1]
        for stage, receipt in enumerate(filed)
    )


def contradicted(filed: tuple[Receipt | None, ...]) -> set[int]:
    """The stages of a route whose receipts do not go together: one of two lies, or its wire."""
    found: set[int] = set()
    for stage, (one, other) in enumerate(pairwise(filed)):
        if one is not None and other is not None and not _agree(one, other):
            found |= {stage, stage + 1}
    return found


def _agree(earlier: Receipt | None, later: Receipt | None) -> bool:
    if earlier is None or later is None:
        return False
    return (earlier.sent, earlier.returned) == (later.received, later.back)
