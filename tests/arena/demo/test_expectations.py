"""Each expectation fails on what it is there for, alone, and says what it saw."""

from __future__ import annotations

import pytest

from iotapretrain.arena.demo.expectations import EXPECTATIONS, judge
from iotapretrain.arena.demo.facts import AuditFact, NetworkFacts
from tests.arena.demo.facts import GOOD, ROUNDS, model, record, spoilt

NOBODY_CAUGHT = tuple(
    record(each.round, each.champion or "", 2.5 - each.round / 10, models=(each.models[0],))
    for each in ROUNDS
)
FULL_ROUNDS = tuple(record(number, "5alice", 2.5 - number / 10, race=None) for number in (1, 2))

SPOILT: dict[str, tuple[NetworkFacts, str]] = {
    "everybody played": (spoilt(unexpected_ends={"alice": "no room (exit 2)"}), "alice: no room"),
    "honest miners are paid": (
        spoilt(emission={"alice": 90, "copycat": 0, "owner": 10}),
        "90.0%",
    ),
    "cheats are not paid": (spoilt(emission={"alice": 98, "babbler": 2}), "2.0%"),
    "cheats are caught": (
        spoilt(rounds={**GOOD.rounds, "victor": NOBODY_CAUGHT}),
        "victor on copycat, victor on babbler",
    ),
    "models improve": (
        spoilt(rounds={name: (ROUNDS[0], record(2, "5alice", 2.6)) for name in GOOD.rounds}),
        "from 2.500 to 2.600",
    ),
    "the race saves work": (
        spoilt(rounds=dict.fromkeys(GOOD.rounds, FULL_ROUNDS)),
        "no round of an honest validator was a race",
    ),
    "honest validators agree": (
        spoilt(validator_trust={**GOOD.validator_trust, "victor": 0.4}),
        "victor 0.400",
    ),
    "liars are overruled": (
        spoilt(validator_trust={**GOOD.validator_trust, "loki": 0.9}),
        "loki 0.900",
    ),
    "audits tell them apart": (
        spoilt(audits=(*GOOD.audits[:2], AuditFact("loki", 2, True, ()))),
        "loki: round 2 holds",
    ),
    "the chain holds": (spoilt(chain_problem="record 7 does not hold"), "record 7"),
}


def test_a_good_network_meets_every_expectation() -> None:
    assert [finding.name for finding in judge(GOOD) if not finding.held] == []


def test_every_expectation_is_tried() -> None:
    assert set(SPOILT) == set(EXPECTATIONS)


@pytest.mark.parametrize("name", SPOILT)
def test_an_expectation_fails_on_what_it_is_there_for(name: str) -> None:
    facts, words = SPOILT[name]
    failed = {finding.name: finding.sentence for finding in judge(facts) if not finding.held}
    assert list(failed) == [name]
    assert words in failed[name]


def test_nothing_is_taken_for_granted_in_a_network_where_nothing_happened() -> None:
    idle = spoilt(emission={"alice": 0}, validator_trust={}, rounds={}, audits=())
    failed = {finding.name for finding in judge(idle) if not finding.held}
    assert failed >= {
        "honest miners are paid",
        "cheats are not paid",
        "cheats are caught",
        "models improve",
        "the race saves work",
        "honest validators agree",
        "audits tell them apart",
    }


def test_an_honest_validator_that_cannot_be_audited_is_named() -> None:
    (finding,) = [
        each for each in judge(spoilt(audits=GOOD.audits[1:])) if each.name.startswith("audits")
    ]
    assert not finding.held
    assert "vera: no audit" in finding.sentence


def test_a_verdict_of_another_kind_does_not_count() -> None:
    """Refused for the wrong reason is not caught."""
    mistaken = (record(1, "5alice", 2.5, models=(model("5copycat", None, "bytes"),)), ROUNDS[1])
    facts = spoilt(rounds={**GOOD.rounds, "vera": mistaken[:1]})
    (finding,) = [each for each in judge(facts) if each.name == "cheats are caught"]
    assert "vera on copycat" in finding.sentence


def test_the_crown_of_a_liar_is_none() -> None:
    friend = (record(1, "5babbler", 0.1), record(2, "5copycat", 0.1))
    (finding,) = [
        each
        for each in judge(spoilt(rounds={**GOOD.rounds, "loki": friend}))
        if each.name == "models improve"
    ]
    assert finding.held
    assert "2 models wore the crown" in finding.sentence
