"""Are the losses those of the committed bytes on the published pages?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded, differs
from iotapretrain.competition.round_record import RoundRecord

TOLERANCE = 3e-4
"""Relative. Other instructions and libraries add in another order: in float32 this moved a page's
mean loss by up to 7e-9, in bfloat16 by up to 7e-5 (docs/models.md), a quarter of this. What rounds
so badly that it moves further is what the check in float64 is there to refuse."""


@dataclass(frozen=True)
class Claim:
    """A loss that the record publishes: of which model, on which page."""

    hotkey: str
    uid: int
    task: str
    page: int
    loss: float

    @property
    def item(self) -> str:
        """For a person."""
        return f"uid {self.uid}, {self.task}, page {self.page}"


def claims(record: RoundRecord) -> list[Claim]:
    """Every loss of a record, in its order."""
    return [
        Claim(model.hotkey, model.uid, task, page, loss)
        for model in record.models
        for task, losses in model.losses.items()
        for page, loss in enumerate(losses)
        if loss is not None
    ]


def check_losses(
    claimed: Sequence[Claim],
    computed: Sequence[float | None],
    of: int,
    skipped: str | None = None,
) -> Check:
    """Claim by claim against the loss that was computed anew; `of` counts all claims there are."""
    found = [
        Difference(Name.LOSSES, claim.item, claim.loss, loss)
        for claim, loss in zip(claimed, computed, strict=True)
        if differs(claim.loss, loss, TOLERANCE)
    ]
    holds = f"{len(claimed)} of {of} losses, computed again, agree to {TOLERANCE:g}"
    return concluded(Name.LOSSES, found, holds, skipped)
