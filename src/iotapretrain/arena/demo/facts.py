"""What is known about a demo network when it ends: gathered once, judged afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord


class Role(StrEnum):
    """What an actor is there for."""

    HONEST_MINER = "honest miner"
    CHEAT = "cheat"
    HONEST_VALIDATOR = "honest validator"
    LIAR = "liar"
    """A validator that reports losses which it never measured."""


@dataclass(frozen=True)
class Member:
    """One of the cast. A cheat is caught by one of these verdicts; a liar lies for a friend."""

    name: str
    role: Role
    hotkey: str
    caught_by: tuple[str, ...] = ()
    friend: str | None = None


@dataclass(frozen=True)
class AuditFact:
    """What recomputing a validator's newest round found."""

    validator: str
    round: int
    held: bool
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Everything that the expectations look at. Keys are names of the cast."""

    cast: tuple[Member, ...]
    emission: Mapping[str, int]
    """Rao that each miner earned while the network ran."""
    validator_trust: Mapping[str, float]
    rounds: Mapping[str, tuple[RoundRecord, ...]]
    audits: tuple[AuditFact, ...]
    chain_problem: str | None
    """The first record of the chain that does not hold."""
    unexpected_ends: Mapping[str, str] = field(default_factory=dict)
    """Actors that ended before they were done, and their last words."""

    def named(self, text: str) -> str:
        """The same with names of the cast in place of their hotkeys."""
        for member in self.cast:
            text = text.replace(member.hotkey, member.name)
        return text

    def members(self, role: Role) -> tuple[Member, ...]:
        """Those of one role, in the order of the cast."""
        return tuple(member for member in self.cast if member.role is role)

    def judged(self, validator: str, hotkey: str) -> tuple[ModelRecord, ...]:
        """Every line that a validator's rounds hold about a hotkey, oldest first."""
        return tuple(
            model
            for record in self.rounds.get(validator, ())
            for model in record.models
            if model.hotkey == hotkey
        )

    def share(self, names: tuple[Member, ...]) -> float:
        """The part of all miners' emission that these earned; 0 while nobody earned anything."""
        total = sum(self.emission.values())
        return sum(self.emission.get(each.name, 0) for each in names) / total if total else 0.0

    def champion_losses(self) -> tuple[float, ...]:
        """The champion's loss round by round, over all honest validators, by block."""
        records = [
            record
            for member in self.members(Role.HONEST_VALIDATOR)
            for record in self.rounds.get(member.name, ())
        ]
        ordered = sorted(records, key=lambda record: record.block)
        return tuple(
            model.score
            for record in ordered
            for model in record.models
            if model.hotkey == record.champion and model.score is not None
        )
