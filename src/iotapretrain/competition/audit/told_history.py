"""Is all that a validator ever published still there, and is it one history?"""

from __future__ import annotations

from collections.abc import Iterator

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded
from iotapretrain.competition.records.whole_history import Trail, WholeHistory


def check_history(trail: Trail, history: WholeHistory) -> Check:
    """Every repository that its commitments named, and every digest that they anchored."""
    found = [*_gone(trail, history), *_anchors(trail, history)]
    found += [
        Difference(Name.HISTORY, f"round {number} has two records", one, other)
        for number, one, other in history.doubles()
    ]
    anchors = sum(each.anchor is not None for each in trail.said)
    holds = f"{len(trail.repositories)} repositories and {anchors} anchors are one history"
    return concluded(Name.HISTORY, found, holds, trail.cut)


def _gone(trail: Trail, history: WholeHistory) -> Iterator[Difference]:
    """A repository never used is no loss: whoever set weights, or anchored, had records there."""
    for repository in history.gone:
        named = [each for each in trail.said if each.repository == repository]
        if any(each.paid or each.anchor is not None for each in named):
            item = f"records in {repository}, committed at block {named[-1].block}"
            yield Difference(Name.HISTORY, item, "published", "gone")


def _anchors(trail: Trail, history: WholeHistory) -> Iterator[Difference]:
    for each in trail.said:
        if each.anchor is not None and not history.has(each.anchor):
            item = f"record anchored at block {each.block}"
            yield Difference(Name.HISTORY, item, each.anchor, "in no repository")
