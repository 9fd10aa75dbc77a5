"""Questions of the page Miner: everything about one hotkey, and what would make it win."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from iotapretrain.dashboard.api_types import Curve, Descent, Judgement, MinerPage, Miners, Prospect
from iotapretrain.dashboard.competition_page import DESCENTS, descent_of
from iotapretrain.dashboard.index import shown
from iotapretrain.dashboard.names import People, thinned
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.schedule import Competition, Schedule
from iotapretrain.rules.competition.winning_block import DatedLoss, first_winning_block, needed_loss

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


def miner_page(people: People, schedule: Schedule | None, hotkey: str) -> MinerPage:
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
        prospects=() if schedule is None else tuple(_prospects(people, schedule, hotkey)),
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
        "SELECT * FROM refusals WHERE hotkey = ? ORDER BY time DESC LIMIT ?", (number, MODELS)
    )
    judged = people.index.rows(
        "SELECT * FROM judged WHERE hotkey = ? ORDER BY decided_at DESC, round LIMIT ?",
        (number, JUDGEMENTS),
    )
    return [_judgement(people, row) for row in (*refused, *judged)]


def _judgement(people: People, row: sqlite3.Row) -> Judgement:
    return shown(
        Judgement,
        row,
        validator=people.who(row["validator_hotkey"]),
        round=row["number"],
        block=row["decided_at"],
        reasons=people.reasons(row["reasons"]),
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
            "SELECT decided_at, score, champion_score, standing FROM judged WHERE hotkey = ? AND "
            "competition = ? AND validator_hotkey = ? ORDER BY number",
            (number, competition, watcher.hotkey),
        ),
        POINTS,
    )
    return Curve(
        competition,
        name,
        tuple(row["decided_at"] for row in rows),
        tuple(row["score"] for row in rows),
        tuple(row["champion_score"] for row in rows),
        tuple(row["standing"] for row in rows),
    )


def _prospects(people: People, schedule: Schedule, hotkey: str) -> Iterator[Prospect]:
    """For every competition in which the miner was judged, by the schedule that is known."""
    names = {each.name: each for each in schedule.competitions}
    for row in people.index.rows(
        "SELECT DISTINCT competition, competition_name name FROM rounds ORDER BY 1"
    ):
        competition, watchers = names.get(row["name"]), people.validators(row["competition"])
        rounds = people.rounds(row["competition"], watchers[0].hotkey)
        won = [each for each in rounds if each["champion_score"] is not None]
        if competition is not None and won:
            newest = won[-1]
            mine = people.index.row(
                "SELECT * FROM judged WHERE round = ? AND address = ?", (newest["id"], hotkey)
            )
            yield _prospect(competition, newest, mine, hotkey)


def _prospect(
    competition: Competition, newest: sqlite3.Row, mine: sqlite3.Row | None, hotkey: str
) -> Prospect:
    epsilon, now = competition.rules.epsilon, newest["block"]
    champion = DatedLoss(newest["champion_score"], newest["champion_block"])
    score = mine["score"] if mine else None
    if newest["champion_hotkey"] == hotkey:
        sentences = [
            f"It leads. A later model must be below {needed_loss(epsilon, champion, now):.6f} "
            f"now, and below {champion.loss * (1 - epsilon.floor):.6f} once epsilon has decayed.",
        ]
        return Prospect(competition.id, competition.name, tuple(sentences), None, score)
    needed = needed_loss(epsilon, champion, now)
    sentences = [
        f"A new commitment wins now with a loss below {needed:.6f}; the best has "
        f"{champion.loss:.6f}, and its advantage is {float(epsilon.at(now - champion.block)):.3%}."
    ]
    if mine is None or score is None:
        sentences.append("Its model has no score in the newest round; its verdict says why.")
    else:
        sentences.append(
            _with_what_it_has(competition, DatedLoss(score, mine["block"]), champion, now)
        )
    return Prospect(competition.id, competition.name, tuple(sentences), needed, score)


def _with_what_it_has(
    competition: Competition, model: DatedLoss, champion: DatedLoss, now: int
) -> str:
    epsilon = competition.rules.epsilon
    block = first_winning_block(epsilon, model, champion, now)
    if block is None:
        gap = model.loss / champion.loss - 1
        return (
            f"The model it has, at {model.loss:.6f}, never beats the best as both stand: it is "
            f"{gap:.3%} worse."
        )
    if block <= now:
        return f"The model it has, at {model.loss:.6f}, beats the best by these losses already."
    return (
        f"The model it has, at {model.loss:.6f}, beats the best from block {block} on, "
        f"{block - now} blocks from now, if losses stay as they are."
    )
