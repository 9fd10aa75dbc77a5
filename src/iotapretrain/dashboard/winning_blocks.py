"""What would make a miner win: the pure rule's answer for the newest round, in sentences."""

from __future__ import annotations

import sqlite3

from iotapretrain.dashboard.api_types import Prospect
from iotapretrain.dashboard.names import People
from iotapretrain.rules.competition.schedule import Competition, Schedule
from iotapretrain.rules.competition.winning_block import Entry, first_winning_block, needed_loss


def prospects_of(people: People, schedule: Schedule | None, hotkey: str) -> tuple[Prospect, ...]:
    """For every competition in which the miner was judged, by the schedule that is known."""
    if schedule is None:
        return ()
    names = {each.name: each for each in schedule.competitions}
    rows = people.index.rows(
        "SELECT DISTINCT competition, competition_name name FROM rounds ORDER BY 1"
    )
    found = (_prospect(people, row, names.get(row["name"]), hotkey) for row in rows)
    return tuple(each for each in found if each is not None)


def _prospect(
    people: People, row: sqlite3.Row, competition: Competition | None, hotkey: str
) -> Prospect | None:
    watchers = people.validators(row["competition"])
    newest = people.index.row(
        "SELECT r.*, c.hotkey champion_hotkey FROM rounds r JOIN hotkeys h ON h.id = r.validator "
        "JOIN hotkeys c ON c.id = r.champion WHERE r.competition = ? AND h.hotkey = ? "
        "AND r.champion_score NOT NULL ORDER BY r.round DESC LIMIT 1",
        (row["competition"], watchers[0].hotkey),
    )
    if newest is None or competition is None:
        return None
    mine = people.index.row(
        "SELECT m.* FROM models m JOIN hotkeys h ON h.id = m.hotkey WHERE m.round = ? AND "
        "h.hotkey = ?",
        (newest["id"], hotkey),
    )
    return _told(competition, newest, mine, hotkey)


def _told(
    competition: Competition, newest: sqlite3.Row, mine: sqlite3.Row | None, hotkey: str
) -> Prospect:
    epsilon, now = competition.rules.epsilon, newest["block"]
    champion = Entry(newest["champion_score"], newest["champion_block"])
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
        sentences.append(_with_what_it_has(competition, Entry(score, mine["block"]), champion, now))
    return Prospect(competition.id, competition.name, tuple(sentences), needed, score)


def _with_what_it_has(competition: Competition, model: Entry, champion: Entry, now: int) -> str:
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
