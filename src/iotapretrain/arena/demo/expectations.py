"""What a demo network is expected to show: from the facts to a yes or no, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from iotapretrain.arena.demo.facts import AuditFact, NetworkFacts
from iotapretrain.arena.demo.roles import Role

HONEST_SHARE = 0.95
CHEATS_SHARE = 0.01
HONEST_TRUST = 0.9
LIAR_TRUST = 0.5


@dataclass(frozen=True)
class CheckedExpectation:
    """One expectation and how it turned out."""

    name: str
    held: bool
    sentence: str


Expectation = Callable[[NetworkFacts], tuple[bool, str]]


def judge(facts: NetworkFacts) -> tuple[CheckedExpectation, ...]:
    """Every expectation, in the order of the report."""
    return tuple(CheckedExpectation(name, *expect(facts)) for name, expect in EXPECTATIONS.items())


def _everybody_played(facts: NetworkFacts) -> tuple[bool, str]:
    if not facts.unexpected_ends:
        return True, f"all {len(facts.cast)} actors did what they came for"
    said = "; ".join(f"{name}: {words}" for name, words in facts.unexpected_ends.items())
    return False, f"ended early: {said}"


def _honest_are_paid(facts: NetworkFacts) -> tuple[bool, str]:
    share = facts.share(facts.named_by_role(Role.HONEST_MINER))
    return share >= HONEST_SHARE, f"honest miners earned {share:.1%} of the miners' emission"


def _cheats_are_not_paid(facts: NetworkFacts) -> tuple[bool, str]:
    cheats = facts.named_by_role(Role.CHEAT)
    share = facts.share(cheats)
    paid = sum(facts.emission.values()) > 0
    return paid and share < CHEATS_SHARE, f"{len(cheats)} cheats earned {share:.1%} together"


def _cheats_are_caught(facts: NetworkFacts) -> tuple[bool, str]:
    """Each by the verdict that is meant for it, in the records of every honest validator."""
    cheats = [actor for actor in facts.cast if actor.role is Role.CHEAT]
    missed = [
        f"{validator} on {cheat.name}"
        for cheat in cheats
        for validator in facts.named_by_role(Role.HONEST_VALIDATOR)
        if not any(
            reason.code in cheat.caught_by
            for model in facts.judged(validator, cheat.name)
            for reason in model.reasons
        )
    ]
    if missed:
        return False, f"no such verdict by {', '.join(missed)}"
    codes = ", ".join(f"{cheat.name} ({'/'.join(cheat.caught_by)})" for cheat in cheats)
    return True, f"every honest validator caught {codes}"


def _models_improve(facts: NetworkFacts) -> tuple[bool, str]:
    losses = facts.champion_losses()
    if not losses:
        return False, "no round had a champion"
    crowned = {(each.hotkey, each.commitment) for each in facts.champions()}
    said = f"the champion's loss went from {losses[0]:.3f} to {losses[-1]:.3f}"
    models = "1 model wore" if len(crowned) == 1 else f"{len(crowned)} models wore"
    return losses[-1] < losses[0], f"{said}, and {models} the crown of an honest validator"


def _race_saves_work(facts: NetworkFacts) -> tuple[bool, str]:
    raced = [record.race for record in facts.honest_rounds() if record.race is not None]
    scored = sum(race.pages_scored for race in raced)
    full = sum(race.pages_of_full_round for race in raced)
    if not full:
        return False, "no round of an honest validator was a race"
    return scored < full, f"{scored} of {full} pages were enough to know the winner"


def _honest_validators_agree(facts: NetworkFacts) -> tuple[bool, str]:
    trust, said = _trusts(facts, Role.HONEST_VALIDATOR)
    agree = len(trust) >= 2 and all(value >= HONEST_TRUST for value in trust)
    return agree, f"consensus with the honest validators: {said}"


def _liars_are_overruled(facts: NetworkFacts) -> tuple[bool, str]:
    trust, said = _trusts(facts, Role.LIAR)
    return all(value < LIAR_TRUST for value in trust), f"consensus with the liar: {said}"


def _trusts(facts: NetworkFacts, role: Role) -> tuple[list[float], str]:
    """How far consensus is with each of a role, and the same in words."""
    trust = {name: facts.validator_trust.get(name, 0.0) for name in facts.named_by_role(role)}
    return list(trust.values()), ", ".join(f"{name} {value:.3f}" for name, value in trust.items())


def _audits_tell_them_apart(facts: NetworkFacts) -> tuple[bool, str]:
    should_hold = dict.fromkeys(facts.named_by_role(Role.HONEST_VALIDATOR), True)
    should_hold |= dict.fromkeys(facts.named_by_role(Role.LIAR), False)
    found = {audit.validator: audit for audit in facts.audits}
    wrong = [
        name
        for name, holds in should_hold.items()
        if name not in found or found[name].held != holds
    ]
    if wrong:
        return False, "; ".join(_audit_words(name, found.get(name)) for name in wrong)
    exposed = [audit for audit in facts.audits if not audit.held]
    return True, "; ".join(_audit_words(audit.validator, audit) for audit in exposed)


def _audit_words(name: str, audit: AuditFact | None) -> str:
    if audit is None:
        return f"{name}: no audit"
    if audit.held:
        return f"{name}: round {audit.round} holds"
    return f"{name}: round {audit.round} does not hold: {audit.differences[0]}"


def _the_chain_holds(facts: NetworkFacts) -> tuple[bool, str]:
    return (
        facts.chain_problem is None,
        facts.chain_problem or "replayed from its genesis: every signature, rule and coin holds",
    )


EXPECTATIONS: Mapping[str, Expectation] = {
    "everybody played": _everybody_played,
    "honest miners are paid": _honest_are_paid,
    "cheats are not paid": _cheats_are_not_paid,
    "cheats are caught": _cheats_are_caught,
    "models improve": _models_improve,
    "the race saves work": _race_saves_work,
    "honest validators agree": _honest_validators_agree,
    "liars are overruled": _liars_are_overruled,
    "audits tell them apart": _audits_tell_them_apart,
    "the chain holds": _the_chain_holds,
}
