"""What a demo ends with: who was paid and why, who was caught and by what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iotapretrain.arena.demo.expectations import CheckedExpectation
from iotapretrain.arena.demo.facts import Member, NetworkFacts
from iotapretrain.arena.demo.roles import Role


def document(
    facts: NetworkFacts, findings: Sequence[CheckedExpectation], seconds: float
) -> dict[str, Any]:
    """The report as data."""
    losses = facts.champion_losses()
    return {
        "held": all(finding.held for finding in findings),
        "seconds": round(seconds, 1),
        "expectations": [
            {"name": each.name, "held": each.held, "sentence": each.sentence} for each in findings
        ],
        "miners": [_miner(facts, member) for member in facts.cast if member.name in facts.emission],
        "validators": [
            _validator(facts, member)
            for member in facts.cast
            if member.name in facts.validator_trust
        ],
        "champion_loss": {"first": losses[0], "last": losses[-1]} if losses else None,
    }


def markdown(report: dict[str, Any]) -> str:
    """The same for people."""
    verdict = "Every expectation held." if report["held"] else "Not every expectation held."
    lines = [f"# The demo network: {verdict}", ""]
    lines += [f"It ran for {report['seconds']:.0f} seconds.", ""]
    lines += ["| expected | held | found |", "| --- | --- | --- |"]
    lines += [
        f"| {each['name']} | {'yes' if each['held'] else '**no**'} | {each['sentence']} |"
        for each in report["expectations"]
    ]
    lines += ["", "| miner | role | share of pay | loss | why |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {each['name']} | {each['role']} | {each['share']:.1%} | {_number(each['loss'])}"
        f" | {each['why']} |"
        for each in report["miners"]
    ]
    lines += ["", "| validator | role | rounds | consensus | audit |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {each['name']} | {each['role']} | {each['rounds']} | {each['trust']:.3f}"
        f" | {each['audit']} |"
        for each in report["validators"]
    ]
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _miner(facts: NetworkFacts, member: Member) -> dict[str, Any]:
    judged = [
        model
        for validator in facts.members(Role.HONEST_VALIDATOR)
        for model in facts.judged(validator.name, member.hotkey)
    ]
    scores = [model.score for model in judged if model.score is not None]
    sentences = [reason.sentence for model in judged for reason in model.reasons]
    won = sum(model.weight > 0.5 for model in judged)
    said = facts.named(sentences[-1]) if sentences else "no verdict yet"
    why = f"won {won} rounds" if won else said
    return {
        "name": member.name,
        "role": str(member.role),
        "hotkey": member.hotkey,
        "emission_rao": facts.emission[member.name],
        "share": facts.share((member,)),
        "loss": scores[-1] if scores else None,
        "why": why,
    }


def _validator(facts: NetworkFacts, member: Member) -> dict[str, Any]:
    audit = next((each for each in facts.audits if each.validator == member.name), None)
    said = "none" if audit is None else "holds" if audit.held else audit.differences[0]
    return {
        "name": member.name,
        "role": str(member.role),
        "hotkey": member.hotkey,
        "rounds": len(facts.rounds.get(member.name, ())),
        "trust": facts.validator_trust[member.name],
        "audit": said,
    }
