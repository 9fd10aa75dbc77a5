"""Do standings follow from the round before, weights from the standings, the chain's from both?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded, differs
from iotapretrain.competition.audit.decision_checks import ROUNDING
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.schedule import Competition, Schedule
from iotapretrain.rules.competition.standings import Standings

U16 = 2**16 - 1
NEGLIGIBLE = 1e-12
"""Averages this small are nobody's reward, and their digits are noise."""


def check_standings(
    record: RoundRecord,
    before: RoundRecord | None,
    competition: Competition,
    schedule: Schedule,
    registered: Collection[str] | None,
) -> Check:
    """Against the standings of the round before and this round's weights.

    `registered` are the hotkeys of the round's block; where nobody keeps them any more, whoever is
    missing from the published standings is taken to have left.
    """
    if record.round > 1 and before is None:
        return Check(Name.STANDINGS, "not checked", skipped="the round before cannot be read")
    try:
        after = standings_of(before) if before is not None else Standings()
        if record.champion is not None:
            weights = {model.hotkey: model.weight for model in record.models if model.weight > 0}
            after = after.record(record.competition, weights, competition.alpha)
        after = after.keep([each.id for each in schedule.active(record.block)])
        said = standings_of(record)
    except InputError as error:
        found = [Difference(Name.STANDINGS, "standings", "standings", str(error))]
        return concluded(Name.STANDINGS, found, "")
    if registered is not None:
        after = after.retain(registered)
    found = []
    for number in sorted({*after.competitions, *said.competitions}):
        published = said.competitions.get(number, {})
        expected = after.competitions.get(number, {})
        if registered is None:
            expected = {hotkey: expected[hotkey] for hotkey in expected if hotkey in published}
        prefix = f"competition {number}, "
        found += _compared(Name.STANDINGS, prefix, published, expected)
    skipped = None if registered is not None else "who was registered then is no longer kept"
    return concluded(Name.STANDINGS, found, "they follow from the round before", skipped)


def check_weights(record: RoundRecord, schedule: Schedule) -> Check:
    """The published weights against the published standings merged by the shares of the block."""
    try:
        expected = standings_of(record).merge(schedule.shares(record.block))
    except InputError as error:
        found = [Difference(Name.WEIGHTS, "weights", "weights", str(error))]
        return concluded(Name.WEIGHTS, found, "")
    found = list(_compared(Name.WEIGHTS, "", record.weights, expected))
    return concluded(Name.WEIGHTS, found, "they follow from the standings")


def check_on_chain(
    row: Mapping[str, float],
    last_update: int,
    registered: Collection[str],
    in_force: Sequence[RoundRecord],
) -> Check:
    """A validator's row, by hotkey, against the rounds that were in force when it was set.

    `registered` are the hotkeys of that time: nobody else can be given any weight.
    """
    if not in_force:
        why = f"its last weights, of block {last_update}, are older than its records"
        return Check(Name.ON_CHAIN, "not checked", skipped=why)
    for record in in_force:
        if not row_differences(row, record.weights, registered):
            holds = f"the row of block {last_update} is that of round {record.round}"
            return Check(Name.ON_CHAIN, holds)
    found = row_differences(row, in_force[0].weights, registered)
    return concluded(Name.ON_CHAIN, found, "")


def standings_of(record: RoundRecord) -> Standings:
    """The standings that a record publishes; InputError if they are none."""
    try:
        return Standings({int(number): each for number, each in record.standings.items()})
    except ValueError:
        raise InputError("standings: a competition's id is no number") from None


def _compared(
    name: Name, prefix: str, published: Mapping[str, float], expected: Mapping[str, float]
) -> Iterator[Difference]:
    for hotkey in sorted({*published, *expected}):
        said, is_ = published.get(hotkey, 0.0), expected.get(hotkey, 0.0)
        if abs(said - is_) > NEGLIGIBLE and differs(said, is_, ROUNDING):
            yield Difference(name, f"{prefix}hotkey {hotkey}", said, is_)


def row_differences(
    row: Mapping[str, float], published: Mapping[str, float], registered: Collection[str]
) -> list[Difference]:
    """The chain keeps 16 bits of each weight, the largest being all ones."""
    weights = {hotkey: share for hotkey, share in published.items() if hotkey in registered}
    pairs = {
        hotkey: (weights.get(hotkey, 0.0), row.get(hotkey, 0.0))
        for hotkey in sorted({*row, *weights})
    }
    tops = [max((pair[side] for pair in pairs.values()), default=0) or 1 for side in (0, 1)]
    if all(abs(said / tops[0] - is_ / tops[1]) * U16 <= 1 for said, is_ in pairs.values()):
        return []
    return [
        Difference(Name.ON_CHAIN, f"hotkey {hotkey}", said, is_)
        for hotkey, (said, is_) in pairs.items()
        if abs(said - is_) * U16 > 1
    ]
