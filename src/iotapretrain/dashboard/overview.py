"""Questions of the page Overview: the whole network at a glance, and what happened last."""

from __future__ import annotations

import sqlite3

import msgspec

from iotapretrain.dashboard.api_types import Activity, LeftOut, Overview, Payee, Standing
from iotapretrain.dashboard.hub_admission import Omission
from iotapretrain.dashboard.index import shown
from iotapretrain.dashboard.names import People, thinned
from iotapretrain.dashboard.validators_page import left_out
from iotapretrain.observe import events
from iotapretrain.observe.events import AnyEvent

SPARKS = 60
NEWEST = 40
NOTICES = 8
"""Of records that are left out: they must not push out everything else."""
PAYEES = 12
NEWS = """
SELECT body FROM events WHERE kind IN ('acted', 'audited', 'published', 'round-finished',
        'train-finished', 'train-started', 'validator-started')
    OR kind = 'model-fetched'
        AND json_extract(body, '$.outcome') NOT IN ('evaluated', 'infrastructure')
    ORDER BY time DESC, id DESC LIMIT ?
"""
PAID = """
SELECT * FROM neurons WHERE block = (SELECT max(block) FROM epochs) AND emission > 0
ORDER BY emission DESC LIMIT ?
"""
COUNTED = """
SELECT (SELECT count(DISTINCT hotkey) FROM models) miners,
    (SELECT count(DISTINCT validator) FROM rounds) validators,
    (SELECT count(*) FROM rounds) rounds,
    (SELECT count(DISTINCT hotkey) FROM (
        SELECT hotkey, outcome FROM models WHERE round IN
            (SELECT max(id) FROM rounds GROUP BY competition, validator)
        UNION SELECT hotkey, outcome FROM verdicts
    ) WHERE outcome IN ('model', 'bad_hash', 'inadmissible')) refused,
    (SELECT count(*) FROM audits WHERE held) audits_held,
    (SELECT count(*) FROM audits WHERE NOT held) audits_failed
"""
"""Refused are hotkeys whose newest verdict by any validator is no score."""


def overview(
    people: People,
    network: str,
    netuid: int,
    block: int | None,
    problem: str | None,
    ended: int | None = None,
) -> Overview:
    """`ended` is the last block of all, of a network whose clock was stopped."""
    (counted,) = people.index.rows(COUNTED)
    return shown(
        Overview,
        counted,
        network=network,
        netuid=netuid,
        block=block,
        chain_problem=problem,
        ended=ended,
        competitions=tuple(_standing(people, rounds) for rounds in people.leading()),
        payees=people.seen(Payee, PAID, (PAYEES,)),
        activity=tuple(_activity(people)),
    )


def _standing(people: People, rows: list[sqlite3.Row]) -> Standing:
    newest = rows[-1]
    hotkey = newest["champion_hotkey"]
    model = people.index.row(
        "SELECT repository FROM judged WHERE round = ? AND hotkey = ?",
        (newest["id"], newest["champion"]),
    )
    return shown(
        Standing,
        newest,
        id=newest["competition"],
        name=newest["competition_name"],
        rounds=len(rows),
        champion=people.who(hotkey) if hotkey else None,
        repository=model["repository"] if model else None,
        losses=tuple(
            (row["block"], row["loss"]) for row in thinned(rows, SPARKS) if row["loss"] is not None
        ),
    )


def _activity(people: People) -> list[Activity]:
    rows = people.index.rows(NEWS, (NEWEST,))
    told = [_told(people, msgspec.json.decode(row["body"], type=AnyEvent)) for row in rows]
    told += [_left_out(people, each) for each in left_out(people, NOTICES)]
    said = sorted(filter(None, told), key=lambda each: each.time, reverse=True)
    return [msgspec.structs.replace(each, detail=people.named(each.detail)) for each in said]


def _left_out(people: People, found: LeftOut) -> Activity:
    """Where the page says what it does not show, and why."""
    whose = "hotkeys without a permit" if found.who is None else _name(people, found.who.hotkey)
    title = f"Not shown of {whose}: {found.reason}"
    if found.reason == Omission.SKIPPED:
        title = f"{whose} has skipped sync blocks"
    hotkey = None if found.who is None else found.who.hotkey
    return Activity(found.time, "bad", title, f"{found.number} {found.sentence}", hotkey)


def _name(people: People, hotkey: str) -> str:
    return people.names.get(hotkey) or f"{hotkey[:6]}…{hotkey[-4:]}"


def _speaker(people: People, source: str) -> str:
    role, _, who = source.partition(":")
    return _name(people, who) if role in ("validator", "miner") else who or role


def _told(people: People, event: AnyEvent) -> Activity | None:
    match event:
        case events.Acted():
            return Activity(event.time, "plain", f"{event.actor}: {event.what}", event.why)
        case events.Published():
            title = f"{_name(people, event.hotkey)} published a model for {event.competition}"
            detail = (
                f"{event.repository}, committed in block {event.block}, judged from block "
                f"{event.judged_from_block} on"
            )
            return Activity(event.time, "plain", title, detail, event.hotkey)
        case events.TrainStarted():
            title = f"{_speaker(people, event.source)} trains {event.architecture}"
            detail = f"{event.parameters:,} parameters for {event.competition}, from {event.origin}"
            return Activity(event.time, "plain", title, detail)
        case events.TrainFinished(held_out_loss=loss):
            title = f"{_speaker(people, event.source)} stopped training: {event.reason}"
            detail = f"{event.tokens:,} tokens"
            detail += "" if loss is None else f", held-out loss {loss:.4f}"
            return Activity(event.time, "plain", title, detail)
        case events.ValidatorStarted():
            title = f"{_speaker(people, event.source)} came up"
            return Activity(event.time, "plain", title, f"{event.rounds} rounds in its journal")
        case events.ModelFetched():
            title = f"{_speaker(people, event.source)} refused {_name(people, event.hotkey)}"
            detail = "; ".join(event.reasons) or event.outcome
            return Activity(event.time, "bad", title, detail, event.hotkey, event.competition)
        case events.RoundFinished():
            return _decided(people, event)
        case events.Audited():
            return _audited(people, event)
    return None


def _decided(people: People, event: events.RoundFinished) -> Activity:
    title = f"{_speaker(people, event.source)} decided round {event.round}"
    champion, loss = event.champion_hotkey, event.champion_loss
    if champion is None or loss is None:
        return Activity(event.time, "plain", title, "No model had a score.")
    detail = f"{_name(people, champion)} leads {event.models} models at {loss:.4f} nats a token"
    return Activity(event.time, "good", title, detail, champion, event.competition)


def _audited(people: People, event: events.Audited) -> Activity:
    tone, verdict = ("good", "holds") if event.held else ("bad", "does not hold")
    title = f"Audit: round {event.round} of {_name(people, event.validator)} {verdict}"
    found = "; ".join(event.differences)
    detail = found or "Recomputed from the published record, to the last digit."
    return Activity(event.time, tone, title, detail, event.validator)
