"""What a demo ends with: who was paid and why, who was caught and by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from iotapretrain.arena.demo.expectations import CheckedExpectation
from iotapretrain.arena.demo.facts import NetworkFacts
from iotapretrain.arena.demo.roles import Actor, Role


def document(
    facts: NetworkFacts, findings: Sequence[CheckedExpectation], seconds: float
) -> dict[str, Any]:
    """The report as data."""
    losses = facts.champion_losses()
    return {
        "held": all(finding.held for finding in findings),
        "seconds": round(seconds, 1),
        "expectations": list(map(asdict, findings)),
        "miners": [_miner(facts, actor) for actor in facts.cast if actor.name in facts.emission],
        "validators": [
            _validator(facts, actor) for actor in facts.cast if actor.name in facts.validator_trust
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


def _head(facts: NetworkFacts, actor: Actor) -> dict[str, Any]:
    return {"name": actor.name, "role": str(actor.role), "hotkey": facts.hotkeys[actor.name]}


def _miner(facts: NetworkFacts, actor: Actor) -> dict[str, Any]:
    judged = [
        model
        for validator in facts.named_by_role(Role.HONEST_VALIDATOR)
        for model in facts.judged(validator, actor.name)
    ]
    scores = [model.score for model in judged if model.score is not None]
    sentences = [reason.sentence for model in judged for reason in model.reasons]
    said = facts.named(sentences[-1]) if sentences else "no verdict yet"
    return _head(facts, actor) | {
        "emission_rao": facts.emission[actor.name],
        "share": facts.share((actor.name,)),
        "loss": scores[-1] if scores else None,
        "why": _won(facts, actor) or said,
    }


def _won(facts: NetworkFacts, actor: Actor) -> str | None:
    """How many rounds of each honest validator it won: a round is one validator's."""
    hotkey, won = facts.hotkeys[actor.name], []
    for validator in facts.named_by_role(Role.HONEST_VALIDATOR):
        champions = [record.champion for record in facts.rounds.get(validator, ())]
        if hotkey in champions:
            won.append(f"{champions.count(hotkey)} of {len(champions)} by {validator}")
    return f"won rounds: {', '.join(won)}" if won else None


def _validator(facts: NetworkFacts, actor: Actor) -> dict[str, Any]:
    audit = next((each for each in facts.audits if each.validator == actor.name), None)
    said = "none" if audit is None else "holds" if audit.held else audit.differences[0]
    return _head(facts, actor) | {
        "rounds": len(facts.rounds.get(actor.name, ())),
        "trust": facts.validator_trust[actor.name],
        "audit": said,
    }
