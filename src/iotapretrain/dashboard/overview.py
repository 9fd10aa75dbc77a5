"""Questions of the page Overview: the whole network at a glance, and what happened last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from iotapretrain.dashboard.api_types import Activity, LeftOut, Overview, Payee, Standing
from iotapretrain.dashboard.left_out import SKIPPED
from iotapretrain.dashboard.names import People, place_of, thinned
from iotapretrain.dashboard.validators_page import left_out
from iotapretrain.observe import events
from iotapretrain.observe.events import AnyEvent

SPARKS = 60
NEWEST = 40
NOTICES = 8
"""Of records that are left out: they must not push out everything else."""
PAYEES = 12
TOLD = (
    "acted",
    "audited",
    "published",
    "round-finished",
    "train-finished",
    "train-started",
    "validator-started",
)


def overview(
    people: People, network: str, netuid: int, block: int | None, problem: str | None
) -> Overview:
    """Everything on one page."""
    counted = people.index.row(
        "SELECT (SELECT count(DISTINCT hotkey) FROM models) miners, (SELECT count(DISTINCT "
        "validator) FROM rounds) validators, (SELECT count(*) FROM rounds) rounds, (SELECT "
        "count(*) FROM events WHERE kind = 'audited' AND json_extract(body, '$.held')) held, "
        "(SELECT count(*) FROM events WHERE kind = 'audited' AND NOT json_extract(body, '$.held'))"
        " broken"
    )
    return Overview(
        network=network,
        netuid=netuid,
        block=block,
        chain_problem=problem,
        miners=counted["miners"] if counted else 0,
        validators=counted["validators"] if counted else 0,
        rounds=counted["rounds"] if counted else 0,
        refused=_refused(people),
        audits_held=counted["held"] if counted else 0,
        audits_failed=counted["broken"] if counted else 0,
        competitions=tuple(_standings(people)),
        payees=tuple(_payees(people)),
        activity=tuple(_activity(people)),
    )


def _refused(people: People) -> int:
    """Hotkeys whose newest verdict by any validator is no score."""
    row = people.index.row(
        "SELECT count(DISTINCT hotkey) FROM (SELECT m.hotkey FROM models m WHERE m.round IN "
        "(SELECT max(id) FROM rounds GROUP BY competition, validator) AND m.outcome IN "
        "('model', 'bad_hash', 'inadmissible') UNION SELECT hotkey FROM verdicts WHERE outcome IN "
        "('model', 'bad_hash', 'inadmissible'))"
    )
    return int(row[0]) if row else 0


def _standings(people: People) -> list[Standing]:
    found = people.index.rows("SELECT DISTINCT competition FROM rounds ORDER BY competition")
    return [_standing(people, row["competition"]) for row in found]


def _standing(people: People, competition: int) -> Standing:
    watcher = people.validators(competition)[0]
    rows = people.index.rows(
        "SELECT r.*, c.hotkey champion_hotkey FROM rounds r JOIN hotkeys h ON h.id = r.validator "
        "LEFT JOIN hotkeys c ON c.id = r.champion WHERE r.competition = ? AND h.hotkey = ? "
        "ORDER BY r.round",
        (competition, watcher.hotkey),
    )
    newest = rows[-1]
    hotkey = newest["champion_hotkey"]
    return Standing(
        id=competition,
        name=newest["competition_name"],
        rounds=len(rows),
        block=newest["block"],
        models=newest["models"],
        scored=newest["scored"],
        champion=people.who(hotkey) if hotkey else None,
        repository=_repository(people, newest["id"], newest["champion"]),
        loss=newest["champion_score"],
        losses=tuple(
            (row["block"], row["champion_score"])
            for row in thinned(rows, SPARKS)
            if row["champion_score"] is not None
        ),
    )


def _repository(people: People, round_: int, champion: int | None) -> str | None:
    row = people.index.row(
        'SELECT c.text FROM models m JOIN commitments c ON c.id = m."commitment" '
        "WHERE m.round = ? AND m.hotkey = ?",
        (round_, champion),
    )
    return None if row is None else place_of(row["text"])[0]


def _payees(people: People) -> list[Payee]:
    rows = people.index.rows(
        "SELECT h.hotkey, e.uid, e.emission, e.incentive FROM epochs e JOIN hotkeys h ON "
        "h.id = e.hotkey WHERE e.block = (SELECT max(block) FROM epochs) AND e.emission > 0 "
        "ORDER BY e.emission DESC LIMIT ?",
        (PAYEES,),
    )
    return [
        Payee(people.who(row["hotkey"], row["uid"]), row["emission"], row["incentive"])
        for row in rows
    ]


def _activity(people: People) -> list[Activity]:
    marks = ", ".join("?" * len(TOLD))
    rows = people.index.rows(
        f"SELECT body FROM events WHERE kind IN ({marks}) OR (kind = 'model-fetched' AND "  # noqa: S608
        "json_extract(body, '$.outcome') NOT IN ('evaluated', 'infrastructure')) "
        "ORDER BY time DESC, id DESC LIMIT ?",
        (*TOLD, NEWEST),
    )
    decoded = (msgspec.json.decode(row["body"], type=AnyEvent) for row in rows)
    told = [_TELLERS[type(event)](people, event) for event in decoded]
    told += [_left_out(people, each) for each in left_out(people, NOTICES)]
    told.sort(key=lambda each: each.time, reverse=True)
    return [msgspec.structs.replace(each, detail=people.named(each.detail)) for each in told]


def _left_out(people: People, found: LeftOut) -> Activity:
    """Where the page says what it does not show, and why."""
    whose = "hotkeys without a permit" if found.who is None else _name(people, found.who.hotkey)
    title = f"Not shown of {whose}: {found.reason}"
    if found.reason == SKIPPED:
        title = f"{whose} has skipped sync blocks"
    hotkey = None if found.who is None else found.who.hotkey
    return Activity(found.time, "bad", title, f"{found.number} {found.sentence}", hotkey)


def _name(people: People, hotkey: str) -> str:
    return people.names.get(hotkey) or f"{hotkey[:6]}…{hotkey[-4:]}"


def _speaker(people: People, source: str) -> str:
    role, _, who = source.partition(":")
    return _name(people, who) if role in ("validator", "miner") else who or role


def _acted(_: People, event: events.Acted) -> Activity:
    return Activity(event.time, "plain", f"{event.actor}: {event.what}", event.why)


def _audited(people: People, event: events.Audited) -> Activity:
    verdict = "holds" if event.held else "does not hold"
    return Activity(
        event.time,
        "good" if event.held else "bad",
        f"Audit: round {event.round} of {_name(people, event.validator)} {verdict}",
        "; ".join(event.differences) or "Recomputed from the published record, to the last digit.",
        event.validator,
    )


def _published(people: People, event: events.Published) -> Activity:
    return Activity(
        event.time,
        "plain",
        f"{_name(people, event.hotkey)} published a model for {event.competition}",
        f"{event.repository}, committed in block {event.block}, judged from block "
        f"{event.judged_from_block} on",
        event.hotkey,
    )


def _round_finished(people: People, event: events.RoundFinished) -> Activity:
    title = f"{_speaker(people, event.source)} decided round {event.round}"
    if event.champion_hotkey is None or event.champion_loss is None:
        return Activity(event.time, "plain", title, "No model had a score.")
    detail = (
        f"{_name(people, event.champion_hotkey)} leads {event.models} models at "
        f"{event.champion_loss:.4f} nats a token"
    )
    return Activity(event.time, "good", title, detail, event.champion_hotkey, event.competition)


def _train_started(_: People, event: events.TrainStarted) -> Activity:
    title = f"{event.source.removeprefix('train:')} trains {event.architecture}"
    detail = f"{event.parameters:,} parameters for {event.competition}, from {event.origin}"
    return Activity(event.time, "plain", title, detail)


def _train_finished(_: People, event: events.TrainFinished) -> Activity:
    title = f"{event.source.removeprefix('train:')} stopped training: {event.reason}"
    loss = "" if event.held_out_loss is None else f", held-out loss {event.held_out_loss:.4f}"
    return Activity(event.time, "plain", title, f"{event.tokens:,} tokens{loss}")


def _validator_started(people: People, event: events.ValidatorStarted) -> Activity:
    title = f"{_speaker(people, event.source)} came up"
    return Activity(event.time, "plain", title, f"{event.rounds} rounds in its journal")


def _model_fetched(people: People, event: events.ModelFetched) -> Activity:
    return Activity(
        event.time,
        "bad",
        f"{_speaker(people, event.source)} refused {_name(people, event.hotkey)}",
        "; ".join(event.reasons) or event.outcome,
        event.hotkey,
        event.competition,
    )


_TELLERS: Mapping[type, Callable[[People, Any], Activity]] = MappingProxyType(
    {
        events.Acted: _acted,
        events.Audited: _audited,
        events.Published: _published,
        events.RoundFinished: _round_finished,
        events.TrainStarted: _train_started,
        events.TrainFinished: _train_finished,
        events.ValidatorStarted: _validator_started,
        events.ModelFetched: _model_fetched,
    }
)
