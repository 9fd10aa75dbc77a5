"""Are the losses those of the committed bytes on the published pages?

Who cannot compute all draws pairs of model and page, evenly and without repetition, by a seed of
its own, so that no validator can know them when it publishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import TypeVar

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded, differs
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.data.batches import PackedPage
from iotapretrain.errors import InputError, WorkerError
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.scoring.jobs import Failure, Job, perform

Item = TypeVar("Item")

TOLERANCE: Mapping[str, float] = MappingProxyType(
    {"float32": 1e-6, "bfloat16": 3e-4, "float16": 1e-4}
)
"""Relative, by the competition's dtype: at least twice what AVX2 and AVX-512 differ by
(docs/models.md). What moves further is what the check in float64 is there to refuse.
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
    def place(self) -> tuple[str, int]:
        return self.task, self.page

    @property
    def item(self) -> str:
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


def sampled(items: Sequence[Item], count: int | None, rng: Random) -> list[Item]:
    """So many of them in their order; all where no count is given, or there are not more."""
    if count is None or count >= len(items):
        return list(items)
    if count < 1:
        raise InputError(f"sample of {count}: give 1 or more")
    return [items[place] for place in sorted(rng.sample(range(len(items)), count))]


def chance_of_finding(total: int, sample: int, false: int) -> float:
    """That at least one of `false` among `total` is in a sample: 1 - C(t - f, s) / C(t, s)."""
    if not 0 <= false <= total or not 0 <= sample <= total:
        raise InputError(f"{false} false and {sample} sampled of {total}: give at most as many")
    return 1 - comb(total - false, sample) / comb(total, sample)


def score_pages(
    folder: Path, limits: Limits, worker: Worker, pages: Sequence[PackedPage]
) -> list[float | None]:
    """The loss of each page; None of one without sequences, and of a model that cannot be scored.

    What this machine is to blame for is an error: it says nothing about the model.
    """
    whole = [place for place, page in enumerate(pages) if len(page.sequences)]
    rows = [pages[place].sequences.tolist() for place in whole]
    masks = [pages[place].counted for place in whole]
    counted = [None if mask is None else mask.tolist() for mask in masks]
    result = perform(Job(0, folder, limits, rows, counted), worker).result
    losses: list[float | None] = [None] * len(pages)
    if isinstance(result, Failure):
        if result.outcome is Outcome.INFRASTRUCTURE:
            raise WorkerError(f"{folder}: not scored: {result.finding.sentence}; try again")
        return losses
    for place, loss in zip(whole, result.losses, strict=True):
        losses[place] = loss
    return losses


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
