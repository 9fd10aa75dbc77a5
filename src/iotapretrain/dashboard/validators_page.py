"""Questions of the page Validators: who judges, how much of the field, and in what agreement."""

from __future__ import annotations

import sqlite3
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
from iotapretrain.dashboard.hub_admission import NOBODY, SENTENCES
from iotapretrain.dashboard.index import shown
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
    chain = [_neuron(people, who) for who in known]
    stakes = [0 if row is None else int(row["stake"]) for row in chain]
    rows = tuple(
        _watcher(people, who, row, _with_others(agreement, stakes, place), audits, coverage[place])
        for place, (who, row) in enumerate(zip(known, chain, strict=True))
    )
    told = tuple(left_out(people, AUDITS))
    return ValidatorsPage(rows, agreement, rounds, coverage, tuple(audits[:AUDITS]), told)


def left_out(people: People, most: int) -> Iterator[LeftOut]:
    """Records of the hub that are not shown, and sync blocks without one, the newest told first."""
    rows = people.index.rows("SELECT * FROM left_out ORDER BY time DESC, hotkey LIMIT ?", (most,))
    for row in rows:
        who = None if row["hotkey"] == NOBODY else people.who(row["hotkey"])
        yield shown(LeftOut, row, who=who, sentence=SENTENCES[row["reason"]])


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


def _neuron(people: People, who: Who) -> sqlite3.Row | None:
    """As of the newest epoch that it was in."""
    return people.index.row(
        "SELECT * FROM neurons WHERE address = ? ORDER BY block DESC LIMIT 1", (who.hotkey,)
    )


def _watcher(
    people: People,
    who: Who,
    chain: sqlite3.Row | None,
    agreement: float | None,
    audits: list[AuditSeen],
    coverage: Series,
) -> Watcher:
    (told,) = people.index.rows(
        "SELECT count(*) rounds, max(round) round, max(block) block, "
        "coalesce(sum(NOT sealed), 0) unsealed FROM decided WHERE validator_hotkey = ?",
        (who.hotkey,),
    )
    mine = [audit.held for audit in audits if audit.validator.hotkey == who.hotkey]
    return shown(
        Watcher,
        told,
        who=who,
        stake=chain["stake"] if chain else None,
        trust=chain["trust"] if chain else None,
        permit=chain["permit"] if chain else None,
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
        "SELECT weights FROM decided WHERE validator_hotkey = ? ORDER BY round DESC LIMIT 1",
        (who.hotkey,),
    )
    return {} if row is None else msgspec.json.decode(row["weights"], type=dict[str, float])


def _coverage(people: People, known: Sequence[Who]) -> tuple[tuple[int, ...], tuple[Series, ...]]:
    """By round, the share of the field that ended with a verdict rather than our own failure."""
    rows = people.index.rows(
        "SELECT validator_hotkey hotkey, round, models, (SELECT count(*) FROM models m WHERE "
        "m.round = r.id AND m.outcome = 'infrastructure') failed FROM decided r "
        "WHERE round > (SELECT max(round) FROM rounds) - ?",
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
    return [_audit(people, msgspec.json.decode(row["body"], type=Audited)) for row in rows]


def _audit(people: People, event: Audited) -> AuditSeen:
    auditor = event.source.partition(":")[2] or event.source
    validator = people.who(event.validator)
    return shown(AuditSeen, msgspec.structs.asdict(event), auditor=auditor, validator=validator)
