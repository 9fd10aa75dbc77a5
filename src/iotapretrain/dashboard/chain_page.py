"""Questions of the page Chain: stake, weights, consensus, trust and pay, now and over time."""

from __future__ import annotations

from collections.abc import Sequence

from iotapretrain.dashboard.api_types import ChainPage, Neuron, Series, Who
from iotapretrain.dashboard.index import shown
from iotapretrain.dashboard.names import People, thinned

LINES = 12
"""Hotkeys in a chart over time: the first by the newest value; more cannot be told apart."""
EPOCHS = 200
OVER_TIME = ("stake", "emission", "incentive", "consensus", "trust")


def chain_page(people: People, block: int | None, problem: str | None) -> ChainPage:
    """The newest epoch that was read, its weights, and what led there."""
    blocks = [row[0] for row in people.index.rows("SELECT DISTINCT block FROM epochs ORDER BY 1")]
    blocks = thinned(blocks[-4 * EPOCHS :], EPOCHS)
    neurons = _neurons(people, blocks[-1]) if blocks else []
    setters, targets, weights = _weights(people)
    return ChainPage(
        problem=problem,
        block=block,
        epoch=blocks[-1] if blocks else None,
        neurons=tuple(neurons),
        setters=tuple(setters),
        targets=tuple(targets),
        weights=weights,
        blocks=tuple(blocks),
        **{column: _series(people, blocks, column) for column in OVER_TIME},
    )


def _neurons(people: People, block: int) -> list[Neuron]:
    rows = people.index.rows("SELECT * FROM neurons WHERE block = ? ORDER BY uid", (block,))
    return [shown(Neuron, row, who=people.who(row["address"], row["uid"])) for row in rows]


def _weights(people: People) -> tuple[list[Who], list[Who], tuple[tuple[float, ...], ...]]:
    """Who gave whom which share, over those who gave and those who got anything."""
    rows = people.index.rows(
        "SELECT validator, uid, weight FROM chain_weights WHERE weight > 0 ORDER BY validator, uid"
    )
    setters = sorted({row["validator"] for row in rows})
    targets = sorted({row["uid"] for row in rows})
    given = {(row["validator"], row["uid"]): row["weight"] for row in rows}
    matrix = tuple(tuple(given.get((v, uid), 0.0) for uid in targets) for v in setters)
    return _whos(people, setters), _whos(people, targets), matrix


def _whos(people: People, uids: Sequence[int]) -> list[Who]:
    rows = people.index.rows(
        "SELECT uid, address FROM neurons WHERE block = (SELECT max(block) FROM epochs)"
    )
    hotkeys = {row["uid"]: row["address"] for row in rows}
    return [people.who(hotkeys.get(uid, ""), uid) for uid in uids]


def _series(people: People, blocks: Sequence[int], column: str) -> tuple[Series, ...]:
    """One line for each of the hotkeys with the largest newest values above zero."""
    if not blocks:
        return ()
    leaders = people.index.rows(
        f"SELECT hotkey, address, max({column}) best FROM neurons e WHERE {column} > 0 AND "  # noqa: S608 -- a column of ours
        "block >= ? GROUP BY hotkey "
        f"ORDER BY (SELECT {column} FROM epochs n WHERE n.hotkey = e.hotkey AND n.block = ?) DESC, "
        "best DESC LIMIT ?",
        (blocks[0], blocks[-1], LINES),
    )
    return tuple(
        Series(people.who(row["address"]), _values(people, row["hotkey"], blocks, column))
        for row in leaders
    )


def _values(
    people: People, hotkey: int, blocks: Sequence[int], column: str
) -> tuple[float | None, ...]:
    rows = people.index.rows(
        f"SELECT block, {column} FROM epochs WHERE hotkey = ?",  # noqa: S608 -- a column of ours
        (hotkey,),
    )
    known = {row[0]: row[1] for row in rows}
    return tuple(known.get(block) for block in blocks)
