"""Questions of the page Miner: everything about one hotkey, and what would make it win."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator

from iotapretrain.dashboard.api_types import Curve, Descent, Judgement, MinerPage, Miners, Prospect
from iotapretrain.dashboard.competition_page import DESCENTS
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
    number = people.number(hotkey)
    if number is None:
        raise InputError(f"hotkey {hotkey}: no record and no epoch names it")
    epochs = people.index.rows(
        "SELECT block, emission FROM epochs WHERE hotkey = ? ORDER BY block", (number,)
    )
    (newest,) = people.index.rows("SELECT max(block) block FROM epochs")
    leader = next((people.number(each.hotkey) for each in people.validators()), None)
    return MinerPage(
        who=people.who(hotkey),
        registered=bool(epochs) and epochs[-1]["block"] == newest["block"],
        earned=sum(row["emission"] for row in epochs),
        epochs=tuple((row["block"], row["emission"]) for row in epochs[-POINTS:]),
        models=people.seen(
            Descent,
            f"{DESCENTS} WHERE e.hotkey = ? GROUP BY c.id ORDER BY block DESC LIMIT ?",
            (leader, number, MODELS),
        ),
        judgements=tuple(_judgements(people, number)),
        curves=tuple(_curves(people, number)),
        prospects=() if schedule is None else tuple(_prospects(people, schedule, hotkey)),
    )


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


def _curves(people: People, number: int) -> Iterator[Curve]:
    """One a competition, as its leading validator saw it."""
    for competition, name in people.index.rows(
        "SELECT DISTINCT r.competition, r.competition_name FROM rounds r JOIN models m "
        "ON m.round = r.id WHERE m.hotkey = ? ORDER BY 1",
        (number,),
    ):
        seen = people.index.rows(
            "SELECT decided_at, score, champion_score, standing FROM judged WHERE hotkey = ? AND "
            "competition = ? AND validator_hotkey = ? ORDER BY number",
            (number, competition, people.validators(competition)[0].hotkey),
        )
        kept = thinned(seen, POINTS)
        yield Curve(competition, name, *(tuple(row[column] for row in kept) for column in range(4)))


def _prospects(people: People, schedule: Schedule, hotkey: str) -> Iterator[Prospect]:
    """For every competition that has a champion, by the schedule that is known."""
    known = {each.name: each for each in schedule.competitions}
    for rounds in people.leading():
        competition = known.get(rounds[0]["competition_name"])
        newest = next((each for each in reversed(rounds) if each["loss"] is not None), None)
        if competition is not None and newest is not None:
            mine = people.index.row(
                "SELECT * FROM judged WHERE round = ? AND address = ?", (newest["id"], hotkey)
            )
            yield _prospect(competition, newest, mine, hotkey)


def _prospect(
    competition: Competition, newest: sqlite3.Row, mine: sqlite3.Row | None, hotkey: str
) -> Prospect:
    epsilon, now = competition.rules.epsilon, newest["block"]
    champion = DatedLoss(newest["loss"], newest["champion_block"])
    needed = needed_loss(epsilon, champion, now)
    score = mine["score"] if mine else None
    if newest["champion_hotkey"] == hotkey:
        ever = needed_loss(epsilon, champion, math.inf)
        leads = (
            f"It leads. A later model must be below {needed:.6f} now, and below {ever:.6f} once "
            "epsilon has decayed."
        )
        return Prospect(competition.id, competition.name, (leads,), None, score)
    rule = (
        f"A new commitment wins now with a loss below {needed:.6f}; the best has "
        f"{champion.loss:.6f}, and its advantage is {float(epsilon.at(now - champion.block)):.3%}."
    )
    own = "Its model has no score in the newest round; its verdict says why."
    if mine is not None and score is not None:
        own = _with_what_it_has(competition, DatedLoss(score, mine["block"]), champion, now)
    return Prospect(competition.id, competition.name, (rule, own), needed, score)


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
