"""Which models to fetch and inspect, and which of those turn out to be somebody else's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from iotapretrain.rules.competition.attempts import Outcome, worth_another_try
from iotapretrain.rules.competition.schedule import Schedule
from iotapretrain.rules.competition.validator.journal_records import Reason, Refused
from iotapretrain.rules.competition.validator.state import Look, Origin, State
from iotapretrain.rules.competition.validator.subnet_view import Candidate, View, eligible

MOST_LOOKS = 25
"""At one sync block in one competition; the rest waits for the next (10.3)."""
LONGEST_REST = 16
"""Sync blocks that a model which we failed at rests at most; it begins with one and doubles."""

COPY, NEAR_COPY = "copy", "near-copy"


def due(state: State, view: View, schedule: Schedule, models: int) -> list[Candidate]:
    """Commitments to look at now, the earliest first, so that a flood cannot hold up its elders."""
    waiting = [
        candidate
        for candidate in eligible(view, schedule, models)
        if _wanted(state.looks.get(candidate.hotkey), view.block, schedule.sync_cadence)
    ]
    waiting.sort(key=lambda candidate: (candidate.block, candidate.uid))
    return waiting[:MOST_LOOKS]


def admitted(state: State, candidate: Candidate) -> bool:
    """Whether a model was inspected, found in order, and nobody's before."""
    look = state.looks.get(candidate.hotkey)
    return look is not None and look.admitted and copied_from(state, candidate, look) is None


def refusals(state: State, candidates: Iterable[Candidate]) -> Iterator[Refused]:
    """Those that were looked at and take no part, with reasons.

    A copy is named without its digest: some are told from the hub's listing alone.
    """
    for candidate in candidates:
        look = state.looks.get(candidate.hotkey)
        if look is None:
            continue
        outcome, reasons, digest = look.outcome, look.reasons, look.digest
        if look.admitted:
            copy = copied_from(state, candidate, look)
            if copy is None:
                continue
            outcome, reasons, digest = Outcome.INADMISSIBLE, (copy,), None
        yield Refused(
            candidate.hotkey,
            candidate.uid,
            candidate.block,
            candidate.commitment.text,
            outcome,
            reasons,
            digest,
        )


def copied_from(state: State, candidate: Candidate, look: Look) -> Reason | None:
    """The reason, if another committed to this content before, or to the same but for noise.

    Asked anew every time: whose it is can change while earlier commitments are still unread.
    """
    mine = Origin(candidate.block, candidate.hotkey)
    near = [other for digest in look.digests for other in state.alike.get(digest, ())]
    return exact_copy(state, candidate, look.digests) or _reason(
        NEAR_COPY, "is, but for noise,", earlier_owner(state, near, mine)
    )


def exact_copy(state: State, candidate: Candidate, digests: Collection[str]) -> Reason | None:
    """The reason, if another committed to one of these contents before."""
    mine = Origin(candidate.block, candidate.hotkey)
    return _reason(COPY, "has the very weights of", earlier_owner(state, digests, mine))


def earlier_owner(state: State, digests: Collection[str], mine: Origin) -> Origin | None:
    """Who first committed to one of these contents, if it was somebody else and earlier."""
    owners = [state.origins[digest] for digest in digests if digest in state.origins]
    earlier = [owner for owner in owners if owner < mine and owner.hotkey != mine.hotkey]
    return min(earlier, default=None)


def _reason(code: str, what: str, owner: Origin | None) -> Reason | None:
    if owner is None:
        return None
    sentence = f"{what} the model that {owner.hotkey} committed at block {owner.block}"
    return Reason(code, sentence, owner.hotkey)


def _wanted(look: Look | None, block: int, cadence: int) -> bool:
    """Never looked at; or failed in a way that may pass, and rested since."""
    if look is None:
        return True
    if look.admitted or not worth_another_try(look.failures):
        return False
    return rested(block, look.at, len(look.failures), cadence)


def rested(block: int, at: int, failures: int, cadence: int) -> bool:
    """Whether enough sync blocks have passed since the last of so many failures in a row."""
    return bool(block >= at + min(2 ** (failures - 1), LONGEST_REST) * cadence)
