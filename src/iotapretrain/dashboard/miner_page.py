"""Questions of the page Miner: everything about one hotkey."""

from __future__ import annotations

import sqlite3

from iotapretrain.dashboard.api_types import Curve, Descent, Judgement, MinerPage, Miners, Prospect
from iotapretrain.dashboard.competition_page import DESCENTS, descent_of
from iotapretrain.dashboard.names import People, place_of, thinned
from iotapretrain.errors import InputError

POINTS = 300
JUDGEMENTS = 100
MODELS = 50
MINERS = 2_000


def miners(people: People) -> Miners:
    """Everybody who can be looked up, by uid."""
    rows = people.index.rows(
        "SELECT h.hotkey, max(uid) uid FROM (SELECT hotkey, uid FROM models WHERE round IN "
        "(SELECT max(id) FROM rounds GROUP BY competition, validator) UNION SELECT hotkey, NULL "
        "FROM verdicts) found JOIN hotkeys h ON h.id = found.hotkey GROUP BY h.hotkey "
        "ORDER BY uid IS NULL, uid LIMIT ?",
        (MINERS,),
    )
    return Miners(tuple(people.who(row["hotkey"], row["uid"]) for row in rows))


def miner_page(people: People, hotkey: str, prospects: tuple[Prospect, ...]) -> MinerPage:
    """Everything that records and the chain say of it."""
    number = people.number(hotkey)
    if number is None:
        raise InputError(f"hotkey {hotkey}: no record and no epoch names it")
    epochs = people.index.rows(
        "SELECT block, emission FROM epochs WHERE hotkey = ? ORDER BY block", (number,)
    )
    newest = people.index.row("SELECT max(block) FROM epochs")
    return MinerPage(
        who=people.who(hotkey),
        registered=bool(epochs) and newest is not None and epochs[-1]["block"] == newest[0],
        earned=sum(row["emission"] for row in epochs),
        epochs=tuple((row["block"], row["emission"]) for row in epochs[-POINTS:]),
        models=tuple(_models(people, number)),
        judgements=tuple(_judgements(people, number)),
        curves=tuple(_curves(people, number)),
        prospects=prospects,
    )


def _models(people: People, number: int) -> list[Descent]:
    leader = next(iter(people.validators()), None)
    rows = people.index.rows(
        f"{DESCENTS} WHERE e.hotkey = ? GROUP BY c.id ORDER BY block DESC LIMIT ?",
        (people.number(leader.hotkey) if leader else None, number, MODELS),
    )
    return [descent_of(people, row) for row in rows]


def _judgements(people: People, number: int) -> list[Judgement]:
    """Refusals before any round, then the newest rounds."""
    refused = people.index.rows(
        "SELECT h.hotkey address, v.* FROM verdicts v JOIN hotkeys h ON h.id = v.validator "
        "WHERE v.hotkey = ? AND v.outcome != 'evaluated' ORDER BY v.time DESC LIMIT ?",
        (number, MODELS),
    )
    judged = people.index.rows(
        "SELECT h.hotkey address, r.competition, r.round number, r.block at, r.champion_score, "
        "m.*, c.text FROM models m JOIN rounds r ON r.id = m.round JOIN hotkeys h ON "
        'h.id = r.validator JOIN commitments c ON c.id = m."commitment" '
        "WHERE m.hotkey = ? ORDER BY r.block DESC, m.round LIMIT ?",
        (number, JUDGEMENTS),
    )
    return [_refusal(people, row) for row in refused] + [_judgement(people, row) for row in judged]


def _refusal(people: People, row: sqlite3.Row) -> Judgement:
    return Judgement(
        validator=people.who(row["address"]),
        competition=row["competition"],
        round=None,
        block=None,
        repository=row["repository"],
        revision=row["revision"],
        outcome=row["outcome"],
        reasons=people.reasons(row["reasons"]),
        score=None,
        weight=0.0,
        champion_score=None,
    )


def _judgement(people: People, row: sqlite3.Row) -> Judgement:
    repository, revision = place_of(row["text"])
    return Judgement(
        validator=people.who(row["address"]),
        competition=row["competition"],
        round=row["number"],
        block=row["at"],
        repository=repository,
        revision=revision,
        outcome=row["outcome"],
        reasons=people.reasons(row["reasons"]),
        score=row["score"],
        weight=row["weight"],
        champion_score=row["champion_score"],
    )


def _curves(people: People, number: int) -> list[Curve]:
    """One a competition, as its leading validator saw it."""
    competitions = people.index.rows(
        "SELECT DISTINCT r.competition, r.competition_name name FROM rounds r JOIN models m "
        "ON m.round = r.id WHERE m.hotkey = ? ORDER BY 1",
        (number,),
    )
    return [_curve(people, number, row["competition"], row["name"]) for row in competitions]


def _curve(people: People, number: int, competition: int, name: str) -> Curve:
    watcher = people.validators(competition)[0]
    rows = thinned(
        people.index.rows(
            "SELECT r.block, m.score, r.champion_score, m.standing FROM models m JOIN rounds r ON "
            "r.id = m.round JOIN hotkeys h ON h.id = r.validator WHERE m.hotkey = ? AND "
            "r.competition = ? AND h.hotkey = ? ORDER BY r.round",
            (number, competition, watcher.hotkey),
        ),
        POINTS,
    )
    return Curve(
        competition,
        name,
        tuple(row["block"] for row in rows),
        tuple(row["score"] for row in rows),
        tuple(row["champion_score"] for row in rows),
        tuple(row["standing"] for row in rows),
    )
