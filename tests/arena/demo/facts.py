"""A network in which everything went as it should; tests spoil one thing each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from iotapretrain.arena.demo.facts import AuditFact, NetworkFacts
from iotapretrain.arena.demo.roles import Actor, Role
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    RaceRecord,
    RoundRecord,
)
from iotapretrain.rules.competition.validator.journal_records import Reason

CAST = (
    Actor("vera", Role.HONEST_VALIDATOR, ()),
    Actor("victor", Role.HONEST_VALIDATOR, ()),
    Actor("loki", Role.LIAR, ()),
    Actor("alice", Role.HONEST_MINER, ()),
    Actor("carol", Role.HONEST_MINER, ()),
    Actor("copycat", Role.CHEAT, (), caught_by=("copy",)),
    Actor("babbler", Role.CHEAT, (), caught_by=("unreasonable",)),
)


def model(hotkey: str, score: float | None, *codes: str, weight: float = 0.0) -> ModelRecord:
    """A line of a round's record."""
    return ModelRecord(
        uid=1,
        hotkey=hotkey,
        block=10,
        commitment="",
        digest=None,
        outcome="evaluated",
        reasons=tuple(Reason(code, f"because of {code}") for code in codes),
        score=score,
        weight=weight,
    )


def record(number: int, champion: str, score: float, **changes: Any) -> RoundRecord:
    """A round that this champion won, and in which both cheats were caught."""
    models = (
        model(champion, score, weight=1.0),
        model("5copycat", None, "copy"),
        model("5babbler", None, "unreasonable"),
    )
    given: dict[str, Any] = {
        "code_version": "0",
        "network": "",
        "netuid": 1,
        "validator": "5vera",
        "round": number,
        "previous": None,
        "competition": 0,
        "competition_name": "nano",
        "schedule_digest": "",
        "block": 10 * number,
        "sync_block": 10 * number,
        "seed_hash": "",
        "tasks": (),
        "race": RaceRecord(0.001, 5, 8),
        "models": models,
        "champion": champion,
        "standings": {},
        "weights": {},
    }
    return RoundRecord(**(given | changes))


ROUNDS = (record(1, "5alice", 2.5), record(2, "5carol", 2.1))

GOOD = NetworkFacts(
    cast=CAST,
    hotkeys={actor.name: f"5{actor.name}" for actor in CAST},
    emission={"alice": 600, "carol": 395, "copycat": 0, "babbler": 5},
    validator_trust={"vera": 1.0, "victor": 0.98, "loki": 0.02},
    rounds={"vera": ROUNDS, "victor": ROUNDS, "loki": ROUNDS},
    audits=(
        AuditFact("vera", 2, True, ()),
        AuditFact("victor", 2, True, ()),
        AuditFact("loki", 2, False, ("the loss of 5babbler is 5.4, not 1.1",)),
    ),
    chain_problem=None,
)


def spoilt(**changes: Any) -> NetworkFacts:
    """The same with something else in it."""
    return replace(GOOD, **changes)
