"""Questions of the page Validators: who judges, how much of the field, and in what agreement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from iotapretrain.dashboard.api_types import (
    AuditSeen,
    LeftOut,
    Series,
    ValidatorsPage,
    Watcher,
    Who,
)
from iotapretrain.dashboard.left_out import NOBODY, SENTENCES
from iotapretrain.dashboard.names import People, thinned
from iotapretrain.observe.events import Audited

MOST = 64
AUDITS = 100
POINTS = 200


def validators_page(people: People) -> ValidatorsPage:
    """Every validator whose records are known."""
    known = people.validators()[:MOST]
    weights = [_newest_weights(people, who) for who in known]
    agreement = tuple(tuple(overlap(left, right) for right in weights) for left in weights)
    audits = _audits(people)
    rounds, coverage = _coverage(people, known)
    stakes = [_stake(people, who) for who in known]
    rows = tuple(
        _watcher(people, who, _with_others(agreement, stakes, place), audits, coverage[place])
        for place, who in enumerate(known)
    )
    told = tuple(left_out(people, AUDITS))
    return ValidatorsPage(rows, agreement, rounds, coverage, tuple(audits[:AUDITS]), told)


def left_out(people: People, most: int) -> Iterator[LeftOut]:
    """Records of the hub that are not shown, and sync blocks without one, the newest told first."""
    rows = people.index.rows("SELECT * FROM left_out ORDER BY time DESC, hotkey LIMIT ?", (most,))
    for row in rows:
        who = None if row["hotkey"] == NOBODY else people.who(row["hotkey"])
        sentence = SENTENCES[row["reason"]]
        yield LeftOut(who, row["reason"], sentence, row["number"], row["time"])


def overlap(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    """The share of the weights that two validators give alike: sum of min(left, right)."""
    return sum(min(share, right.get(hotkey, 0.0)) for hotkey, share in left.items())


def _with_others(
    agreement: Sequence[Sequence[float]], stakes: Sequence[int], place: int
) -> float | None:
    """The mean agreement with the others by their stake; without a chain all count alike."""
    counts = stakes if sum(stakes) else [1] * len(stakes)
    others = [n for n in range(len(counts)) if n != place and counts[n]]
    total = sum(counts[n] for n in others)
    return sum(agreement[place][n] * counts[n] for n in others) / total if total else None


def _stake(people: People, who: Who) -> int:
    row = people.index.row(
        "SELECT e.stake FROM epochs e JOIN hotkeys h ON h.id = e.hotkey WHERE h.hotkey = ? "
        "ORDER BY e.block DESC LIMIT 1",
        (who.hotkey,),
    )
    return 0 if row is None else int(row["stake"])


def _watcher(
    people: People, who: Who, agreement: float | None, audits: list[AuditSeen], coverage: Series
) -> Watcher:
    number = people.number(who.hotkey)
    row = people.index.row(
        "SELECT count(*) rounds, max(round) round, max(block) block, sum(NOT sealed) unsealed "
        "FROM rounds WHERE validator = ?",
        (number,),
    )
    chain = people.index.row(
        "SELECT * FROM epochs WHERE hotkey = ? ORDER BY block DESC LIMIT 1", (number,)
    )
    if row is None:
        raise LookupError(who.hotkey)
    mine = [audit.held for audit in audits if audit.validator.hotkey == who.hotkey]
    return Watcher(
        who=who,
        stake=chain["stake"] if chain else None,
        trust=chain["trust"] if chain else None,
        permit=bool(chain["permit"]) if chain else None,
        rounds=row["rounds"],
        round=row["round"],
        block=row["block"],
        unsealed=row["unsealed"],
        coverage=coverage.values[-1] if coverage.values else None,
        agreement=agreement,
        weights_block=_weights_block(people, who, chain["updated"] if chain else None),
        audits_held=sum(mine),
        audits_failed=len(mine) - sum(mine),
    )


def _weights_block(people: People, who: Who, updated: int | None) -> int | None:
    row = people.index.row(
        "SELECT json_extract(body, '$.block') FROM events WHERE kind = 'weights-set' AND "
        "source = ? ORDER BY id DESC LIMIT 1",
        (f"validator:{who.hotkey}",),
    )
    return updated if row is None else int(row[0])


def _newest_weights(people: People, who: Who) -> dict[str, float]:
    row = people.index.row(
        "SELECT weights FROM rounds r JOIN hotkeys h ON h.id = r.validator WHERE h.hotkey = ? "
        "ORDER BY r.round DESC LIMIT 1",
        (who.hotkey,),
    )
    return {} if row is None else msgspec.json.decode(row["weights"], type=dict[str, float])


def _coverage(people: People, known: Sequence[Who]) -> tuple[tuple[int, ...], tuple[Series, ...]]:
    """By round, the share of the field that ended with a verdict rather than our own failure."""
    rows = people.index.rows(
        "SELECT h.hotkey, r.round, r.scored, r.models, (SELECT count(*) FROM models m WHERE "
        "m.round = r.id AND m.outcome = 'infrastructure') failed FROM rounds r JOIN hotkeys h "
        "ON h.id = r.validator WHERE r.round > (SELECT max(round) FROM rounds) - ?",
        (POINTS,),
    )
    shares = {
        (row["hotkey"], row["round"]): 1 - row["failed"] / row["models"]
        for row in rows
        if row["models"]
    }
    rounds = thinned(sorted({number for _, number in shares}), POINTS)
    series = tuple(
        Series(who, tuple(shares.get((who.hotkey, number)) for number in rounds)) for who in known
    )
    return tuple(rounds), series


def _audits(people: People) -> list[AuditSeen]:
    rows = people.index.rows("SELECT body FROM events WHERE kind = 'audited' ORDER BY id DESC")
    found = [msgspec.json.decode(row["body"], type=Audited) for row in rows]
    return [
        AuditSeen(
            audit.time,
            audit.source.partition(":")[2] or audit.source,
            people.who(audit.validator),
            audit.round,
            audit.held,
            tuple(audit.differences),
        )
        for audit in found
    ]
