"""What one check of an audit says: a sentence, and every difference that it found."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

Value = str | float | None


class Name(StrEnum):
    """Every check, in the order in which they are made."""

    SIGNATURE = "signature"
    CHAIN = "chain of records"
    HISTORY = "history"
    SEED = "seed"
    PAGES = "pages"
    MODELS = "models"
    REFUSALS = "refusals"
    LOSSES = "losses"
    RACE = "race"
    SCORES = "scores"
    TOURNAMENT = "tournament"
    STANDINGS = "standings"
    WEIGHTS = "weights"
    ON_CHAIN = "weights on the chain"
    EPOCHS = "weights at epochs"


@dataclass(frozen=True)
class Difference:
    """One thing that the record says otherwise: of which model, page or hotkey."""

    check: Name
    item: str
    published: Value
    found: Value

    @property
    def relative(self) -> float | None:
        """By which share of what was found the published number is off; None of texts."""
        if not isinstance(self.published, float | int) or not isinstance(self.found, float | int):
            return None
        return relative(float(self.published), float(self.found))

    @property
    def sentence(self) -> str:
        by = "" if self.relative is None else f", {self.relative:.3g} of it"
        return (
            f"{self.check}: {self.item}: says {_text(self.published)}, is {_text(self.found)}{by}"
        )


@dataclass(frozen=True)
class Check:
    """The outcome of one check; `skipped` says why it could not be made, or not in full."""

    name: Name
    sentence: str
    differences: tuple[Difference, ...] = ()
    skipped: str | None = None

    @property
    def held(self) -> bool:
        return not self.differences


def concluded(
    name: Name, differences: Iterable[Difference], holds: str, skipped: str | None = None
) -> Check:
    """A check whose sentence is `holds`, or how much does not."""
    found = tuple(differences)
    sentence = holds if not found else f"{len(found)} of what the record says does not hold"
    return Check(name, sentence, found, skipped)


def unequal(name: Name, *named: tuple[str, Value, Value]) -> list[Difference]:
    """Each item of which what is published is not what was found."""
    return [Difference(name, *each) for each in named if each[1] != each[2]]


def relative(published: float, found: float) -> float:
    """How far a number is off, as a share of the right one; of 0 as it is."""
    off = abs(published - found)
    return off / abs(found) if found else off


def differs(published: float | None, found: float | None, tolerance: float) -> bool:
    """Whether two numbers, each perhaps unknown, are further apart than allowed."""
    if published is None or found is None:
        return published is not found
    if not math.isfinite(found) or not math.isfinite(published):
        return published != found
    return relative(published, found) > tolerance


def _text(value: Value) -> str:
    return "nothing" if value is None else f"{value:.9g}" if isinstance(value, float) else value
