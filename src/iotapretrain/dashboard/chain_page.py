"""Questions of the page Chain: stake, weights, consensus, trust and pay, now and over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iotapretrain.dashboard.api_types import ChainPage, Neuron, Series
from iotapretrain.dashboard.names import People, thinned

LINES = 12
"""Hotkeys in a chart over time: the first by the newest value; more cannot be told apart."""
EPOCHS = 200
OVER_TIME = ("stake", "emission", "incentive", "consensus", "trust")


def chain_page(
    people: People, block: int | None, problem: str | None, ended: int | None = None
) -> ChainPage:
    """The newest epoch that was read, its weights, and what led there."""
    blocks = [row[0] for row in people.index.rows("SELECT DISTINCT block FROM epochs ORDER BY 1")]
    blocks = thinned(blocks[-4 * EPOCHS :], EPOCHS)
    epoch = blocks[-1] if blocks else None
    neurons = people.seen(Neuron, "SELECT * FROM neurons WHERE block = ? ORDER BY uid", (epoch,))
    rows = people.index.rows("SELECT validator, uid, weight FROM chain_weights WHERE weight > 0")
    given = {(row["validator"], row["uid"]): row["weight"] for row in rows}
    setters, targets = sorted({v for v, _ in given}), sorted({uid for _, uid in given})
    known = {each.who.uid: each.who for each in neurons}
    return ChainPage(
        problem=problem,
        block=block,
        ended=ended,
        epoch=epoch,
        neurons=neurons,
        setters=tuple(known.get(uid) or people.who("", uid) for uid in setters),
        targets=tuple(known.get(uid) or people.who("", uid) for uid in targets),
        weights=tuple(tuple(given.get((v, uid), 0.0) for uid in targets) for v in setters),
        blocks=tuple(blocks),
        **{column: tuple(_series(people, blocks, column)) for column in OVER_TIME},
    )


def _series(people: People, blocks: Sequence[int], column: str) -> Iterator[Series]:
    """One line for each of the hotkeys with the largest newest values above zero."""
    if not blocks:
        return
    leaders = people.index.rows(
        f"SELECT hotkey, address, max({column}) best FROM neurons e WHERE {column} > 0 AND "  # noqa: S608 -- a column of ours
        "block >= ? GROUP BY hotkey "
        f"ORDER BY (SELECT {column} FROM epochs n WHERE n.hotkey = e.hotkey AND n.block = ?) DESC, "
        "best DESC LIMIT ?",
        (blocks[0], blocks[-1], LINES),
    )
    for row in leaders:
        values = people.index.rows(
            f"SELECT block, {column} FROM epochs WHERE hotkey = ?",  # noqa: S608 -- likewise
            (row["hotkey"],),
        )
        known = dict(map(tuple, values))
        yield Series(people.who(row["address"]), tuple(map(known.get, blocks)))
