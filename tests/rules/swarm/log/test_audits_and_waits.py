"""Audits in the log, from beacon to conviction; and what everybody is told of a wait."""

from __future__ import annotations

import pytest

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.swarm_state import StepPlace
from iotapretrain.rules.swarm.log.why import why
from tests.rules.swarm.log.played_swarm import PlayedSwarm, hash_of

FOUR = ("ann", "bob", "cid", "dee")


@pytest.fixture
def swarm() -> PlayedSwarm:
    """Both stages have merged once; three validators, the last of another class."""
    played = PlayedSwarm()
    for hotkey, machine in (("val", "cpu"), ("wes", "cpu"), ("xia", "gpu")):
        played.ask(records.ValidatorJoined(hotkey, machine, 0))
    played.begin(*FOUR)
    played.look(0.1, blocks=1)
    played.train()
    for deed in (played.announce, played.publish, played.sign):
        for hotkey in FOUR:
            deed(hotkey)
        played.look()
    return played


def challenged(swarm: PlayedSwarm) -> StepPlace:
    """A beacon has drawn; the first of what it drew, with its evidence there."""
    swarm.look(24.0, blocks=2)
    place = sorted(swarm.state.challenges)[0]
    swarm.ask(records.EvidenceGiven(*place, hash_of("evidence"), 0))
    return place


def verdict(swarm: PlayedSwarm, validator: str, place: StepPlace, link: str) -> None:
    said = records.VerdictFiled(validator, *place, hash_of("evidence"), link, 0)
    swarm.ask(said)


def test_a_beacon_is_no_block_that_a_miner_may_have_seen(swarm: PlayedSwarm) -> None:
    swarm.look(12.0, blocks=1)
    assert not swarm.state.challenges
    swarm.look(12.0, blocks=1)
    assert {place.hotkey for place in swarm.state.challenges} == set(FOUR)
    assert not swarm.state.unaudited
    for challenge in swarm.state.challenges.values():
        assert set(challenge.validators) == {"val", "wes"}  # of the miners' own class


def test_one_replay_that_gives_the_link_settles_it(swarm: PlayedSwarm) -> None:
    place = challenged(swarm)
    verdict(swarm, "val", place, swarm.state.challenges[place].link)
    swarm.look()
    assert swarm.of_kind(records.StepSettled)[-1].ruling == "passed"
    assert place not in swarm.state.challenges


def test_two_replays_that_give_another_link_convict_for_good(swarm: PlayedSwarm) -> None:
    place = challenged(swarm)
    for validator in ("val", "wes"):
        verdict(swarm, validator, place, hash_of("another"))
        swarm.look()
    assert swarm.of_kind(records.StepSettled)[-1].ruling == "convicted"
    assert swarm.of_kind(records.MinerLeft)[-1].reason == "convicted"
    assert all(
        swarm.state.members[place.hotkey].number not in route.miners or None not in route.filed
        for route in swarm.state.routes.values()
    )
    with pytest.raises(InputError, match="was convicted"):
        swarm.join(place.hotkey)


def test_a_lying_validator_is_named_by_an_honest_one(swarm: PlayedSwarm) -> None:
    place = challenged(swarm)
    link = swarm.state.challenges[place].link
    verdict(swarm, "val", place, hash_of("a lie"))
    swarm.look()
    assert place in swarm.state.challenges  # one alone convicts nobody
    verdict(swarm, "wes", place, link)
    swarm.look()
    assert not swarm.state.members[place.hotkey].convicted


def test_evidence_that_never_comes_is_silence_and_verdicts_that_never_come_are_not(
    swarm: PlayedSwarm,
) -> None:
    place = challenged(swarm)
    swarm.look(swarm.terms.evidence / 1000)
    rulings = {each.hotkey: each.ruling for each in swarm.of_kind(records.StepSettled)}
    assert place.hotkey not in rulings
    assert set(rulings.values()) == {"silent"}
    swarm.look(swarm.terms.evidence / 1000)
    assert swarm.of_kind(records.StepSettled)[-1].ruling == "unheard"
    assert not any(member.convicted for member in swarm.state.members.values())


@pytest.mark.parametrize(
    ("validator", "problem"), [("xia", "was not drawn"), ("val", "other evidence")]
)
def test_verdicts_of_others_and_on_other_evidence_are_refused(
    swarm: PlayedSwarm, validator: str, problem: str
) -> None:
    place = challenged(swarm)
    evidence = hash_of("evidence" if validator == "xia" else "other")
    said = records.VerdictFiled(validator, *place, evidence, hash_of("link"), 0)
    with pytest.raises(InputError, match=problem):
        swarm.ask(said)


def test_everybody_is_told_whose_turn_it_is_and_what_happens_then() -> None:
    swarm = PlayedSwarm()
    assert why(swarm.state, "ann").turn == ("ann",)
    swarm.join(*FOUR)
    assert why(swarm.state, "ann").what == "a stage"
    swarm.look()
    assert "the base of stage" in why(swarm.state, "ann").what
    swarm.hold("ann")
    others = {hotkey for hotkey in FOUR if swarm.stage_of(hotkey) != swarm.stage_of("ann")}
    assert set(why(swarm.state, "ann").turn) == others
    for hotkey in FOUR:
        swarm.hold(hotkey)
    swarm.look()
    assert "samples under way" in why(swarm.state, "ann").what
    swarm.train()
    swarm.announce("ann")
    peer = next(h for h in FOUR if h != "ann" and swarm.stage_of(h) == swarm.stage_of("ann"))
    wait = why(swarm.state, "ann")
    assert (wait.what, wait.turn) == ("announced changes", (peer,))
    assert wait.until == swarm.state.stages[swarm.stage_of("ann")].until
