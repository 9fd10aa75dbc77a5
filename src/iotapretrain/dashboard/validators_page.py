"""Questions of the page Validators: who judges, how much of the field, and in what agreement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import asdict

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
WATCHED = """
SELECT count(*) rounds, max(round) round, max(r.block) block, sum(NOT sealed) unsealed,
    n.stake, n.trust, n.permit,
    coalesce((SELECT json_extract(body, '$.block') FROM events WHERE kind = 'weights-set'
        AND source = 'validator:' || ?1 ORDER BY id DESC LIMIT 1), n.updated) weights_block,
    (SELECT count(*) FROM audits WHERE validator = ?1 AND held) audits_held,
    (SELECT count(*) FROM audits WHERE validator = ?1 AND NOT held) audits_failed,
    (SELECT weights FROM decided WHERE validator_hotkey = ?1 ORDER BY round DESC LIMIT 1) weights
    FROM decided r LEFT JOIN
        (SELECT * FROM neurons WHERE address = ?1 ORDER BY block DESC LIMIT 1) n
    WHERE validator_hotkey = ?1
"""
"""Of one validator: its records, itself at the newest epoch that it was in, and its audits."""


def validators_page(people: People) -> ValidatorsPage:
    """Every validator whose records are known."""
    known = people.validators()[:MOST]
    seen = [row for who in known for row in people.index.rows(WATCHED, (who.hotkey,))]
    weights = [msgspec.json.decode(row["weights"], type=dict[str, float]) for row in seen]
    agreement = tuple(tuple(overlap(left, right) for right in weights) for left in weights)
    stakes = [row["stake"] or 0 for row in seen]
    rounds, coverage = _coverage(people, known)
    validators = tuple(
        shown(
            Watcher,
            row,
            who=who,
            coverage=coverage[place].values[-1] if rounds else None,
            agreement=_with_others(agreement, stakes, place),
        )
        for place, (who, row) in enumerate(zip(known, seen, strict=True))
    )
    audits, told = tuple(_audits(people)), tuple(left_out(people, AUDITS))
    return ValidatorsPage(validators, agreement, rounds, coverage, audits, told)


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


def _coverage(people: People, known: Sequence[Who]) -> tuple[tuple[int, ...], tuple[Series, ...]]:
    """By round, the share of the field that ended with a verdict rather than our own failure."""
    rows = people.index.rows(
        "SELECT validator_hotkey hotkey, round, 1 - (SELECT count(*) FROM models m WHERE "
        "m.round = r.id AND m.outcome = 'infrastructure') / CAST(models AS REAL) share "
        "FROM decided r WHERE models > 0 AND round > (SELECT max(round) FROM rounds) - ?",
        (POINTS,),
    )
    shares = {(row["hotkey"], row["round"]): row["share"] for row in rows}
    rounds = thinned(sorted({number for _, number in shares}), POINTS)
    series = tuple(
        Series(who, tuple(shares.get((who.hotkey, number)) for number in rounds)) for who in known
    )
    return tuple(rounds), series


def _audits(people: People) -> Iterator[AuditSeen]:
    for row in people.index.rows(
        "SELECT body FROM events WHERE kind = 'audited' ORDER BY id DESC LIMIT ?", (AUDITS,)
    ):
        event = msgspec.json.decode(row["body"], type=Audited)
        auditor = event.source.partition(":")[2] or event.source
        validator = people.who(event.validator)
        yield shown(AuditSeen, asdict(event), auditor=auditor, validator=validator)
