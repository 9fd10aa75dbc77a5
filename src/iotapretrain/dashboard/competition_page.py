"""Questions of the page Competition: who leads, since when, and who stems from whom."""

from __future__ import annotations

import sqlite3
from itertools import count

import msgspec

from iotapretrain.dashboard.api_types import (
    CompetitionPage,
    Descent,
    Duels,
    DuelsPage,
    Lineage,
    Place,
    Reign,
    Who,
)
from iotapretrain.dashboard.index import shown
from iotapretrain.dashboard.names import People, thinned
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import to_beat

POINTS = 400
"""Of a line: more than a screen can tell apart."""
LINEAGE = 200
DESCENTS = """
SELECT h.hotkey address, e.uid, coalesce(repository_of(c.text), c.text) repository,
    coalesce(revision_of(c.text), '') revision, min(e.block) block,
    min(CASE WHEN e.validator = ? THEN e.score END) score, cards.title, cards.parent, cards.loss
    FROM entries e JOIN hotkeys h ON h.id = e.hotkey JOIN commitments c ON c.id = e."commitment"
    LEFT JOIN cards ON cards."commitment" = c.id
"""
"""Models by commitment; the first value is the number of the validator whose scores count."""


def competition_page(
    people: People, competition: int, validator: str | None, places: int
) -> CompetitionPage:
    """As one validator sees it: the one that was asked for, or the one with most stake."""
    watchers = people.validators(competition)
    chosen = _chosen(watchers, competition, validator)
    rounds = people.rounds(competition, chosen.hotkey)
    if not rounds:
        raise InputError(f"competition {competition}: no round of {chosen.hotkey} is known here")
    newest = rounds[-1]
    champions, history = _history(people, rounds)
    return shown(
        CompetitionPage,
        newest,
        id=competition,
        name=newest["competition_name"],
        validator=chosen,
        validators=tuple(watchers),
        tasks=msgspec.json.decode(newest["tasks"]),
        models=_models(people, newest, competition),
        board=tuple(_board(people, newest, competition, places)),
        champions=tuple(champions),
        history=tuple(history),
        decay=_decay(people, newest["id"], newest["block"]),
    )


def duels_page(people: People, competition: int, validator: str | None) -> DuelsPage:
    """Of the newest round that this validator decided."""
    chosen = _chosen(people.validators(competition), competition, validator)
    row = people.index.row(
        "SELECT body FROM duels JOIN hotkeys h ON h.id = validator "
        "WHERE competition = ? AND h.hotkey = ?",
        (competition, chosen.hotkey),
    )
    duels = Duels() if row is None else msgspec.json.decode(row["body"], type=Duels)
    who = [people.who(*pair) for pair in zip(duels.hotkeys, duels.uids, strict=True)]
    return DuelsPage(tuple(who), duels)


def lineage(people: People, competition: int) -> Lineage:
    """The newest models, each with the best score that the validator with most stake gave it."""
    leader = people.number(_chosen(people.validators(competition), competition, None).hotkey)
    since = people.index.row(
        "SELECT block FROM entries WHERE competition = ? ORDER BY block DESC LIMIT 1 OFFSET ?",
        (competition, LINEAGE * len(people.validators(competition))),
    )
    newest = people.seen(
        Descent,
        f"{DESCENTS} WHERE e.competition = ? AND e.block > ? "
        "GROUP BY c.id ORDER BY block DESC LIMIT ?",
        (leader, competition, since["block"] if since else -1, LINEAGE),
    )
    return Lineage(newest[::-1])


def _chosen(watchers: list[Who], competition: int, validator: str | None) -> Who:
    for who in watchers:
        if validator in (None, who.hotkey):
            return who
    if watchers:
        raise InputError(f"validator {validator}: it has no round of competition {competition}")
    raise InputError(f"competition {competition}: no round of it is known here")


def _board(people: People, newest: sqlite3.Row, competition: int, places: int) -> list[Place]:
    """The newest round's models by weight, then score; then those it did not meet: what an older
    round said, or the refusal that kept them out of every round."""
    met = people.index.rows(
        "SELECT * FROM judged WHERE round = ? "
        "ORDER BY weight DESC, score IS NULL, score, uid LIMIT ?",
        (newest["id"], places),
    )
    ranks = count(1)
    board = [
        _place(people, row, newest, None if row["score"] is None else next(ranks)) for row in met
    ]
    seen = (newest["validator"], competition)
    older = people.index.rows(
        "SELECT m.* FROM judged m JOIN newest n ON n.round = m.round AND n.hotkey = m.hotkey WHERE "
        "n.validator = ? AND n.competition = ? AND n.round != ? ORDER BY n.number DESC, m.uid "
        "LIMIT ?",
        (*seen, newest["id"], places),
    )
    refused = people.index.rows(
        "SELECT *, max(time) FROM refusals r WHERE validator = ?1 AND competition = ?2 AND NOT "
        "EXISTS (SELECT 1 FROM newest n WHERE n.validator = ?1 AND n.competition = ?2 AND "
        "n.hotkey = r.hotkey) GROUP BY hotkey ORDER BY time DESC LIMIT ?3",
        (*seen, places),
    )
    board += [_place(people, row) for row in (*older, *refused)]
    return board[:places]


def _models(people: People, newest: sqlite3.Row, competition: int) -> int:
    """How many there are to be shown."""
    (row,) = people.index.rows(
        "SELECT count(*) FROM (SELECT hotkey FROM newest WHERE validator = ?1 AND competition = ?2 "
        "UNION SELECT hotkey FROM refusals WHERE validator = ?1 AND competition = ?2)",
        (newest["validator"], competition),
    )
    return int(row[0])


def _place(
    people: People, row: sqlite3.Row, newest: sqlite3.Row | None = None, rank: int | None = None
) -> Place:
    return shown(
        Place,
        row,
        who=people.who(row["address"], row["uid"]),
        rank=rank,
        round=row["number"],
        tasks=msgspec.json.decode(row["tasks"]) if row["tasks"] else {},
        champion=newest is not None and row["hotkey"] == newest["champion"],
        reasons=people.reasons(row["reasons"]),
    )


def _history(people: People, rounds: list[sqlite3.Row]) -> tuple[list[Who], list[Reign]]:
    kept = thinned(rounds, POINTS)
    hotkeys = list(dict.fromkeys(row["champion_hotkey"] for row in kept if row["champion"]))
    numbers = {hotkey: place for place, hotkey in enumerate(hotkeys)}
    champions = [people.who(hotkey) for hotkey in hotkeys]
    reigns = [
        shown(Reign, row, champion=numbers.get(row["champion_hotkey"]), to_beat=_to_beat(row))
        for row in kept
    ]
    return champions, reigns


def _to_beat(row: sqlite3.Row) -> float | None:
    known = row["loss"] is not None and row["epsilon"] is not None
    return to_beat(row["loss"], row["epsilon"]) if known else None


def _decay(people: People, round_: int, block: int) -> tuple[tuple[int, float], ...]:
    """Epsilon by age, as the newest round used it: one point a model."""
    rows = people.index.rows(
        "SELECT DISTINCT ? - block age, epsilon FROM models WHERE round = ? AND epsilon NOT NULL "
        "ORDER BY age",
        (block, round_),
    )
    return tuple((row["age"], row["epsilon"]) for row in thinned(rows, POINTS))
