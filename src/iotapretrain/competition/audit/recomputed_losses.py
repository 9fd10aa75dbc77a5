"""Are the losses those of the committed bytes on the published pages?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded, differs
from iotapretrain.competition.records.round_record import RoundRecord

TOLERANCE: Mapping[str, float] = MappingProxyType(
    {"float32": 1e-6, "bfloat16": 3e-4, "float16": 1e-4}
)
"""Relative, by the competition's dtype. Other instructions and libraries add in another order: from
AVX2 to AVX-512 that moved the mean loss of 256 tokens by up to 3e-8, 1.4e-4 and 2.8e-5, at most
half of this (docs/models.md). What rounds so badly that it moves further is what the check in
float64 is there to refuse.
"""


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
    dtype: str,
    skipped: str | None = None,
) -> Check:
    """Claim by claim against the loss that was computed anew, in the competition's dtype; `of`
    counts all claims there are.
    """
    tolerance = TOLERANCE[dtype]
    found = [
        Difference(Name.LOSSES, claim.item, claim.loss, loss)
        for claim, loss in zip(claimed, computed, strict=True)
        if differs(claim.loss, loss, tolerance)
    ]
    holds = f"{len(claimed)} of {of} losses, computed again, agree to {tolerance:g}"
    return concluded(Name.LOSSES, found, holds, skipped)
