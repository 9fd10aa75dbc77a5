"""How the ledger says no, and how it says what happened, in the names that the real chain uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class Refusal(Exception):  # noqa: N818 -- an answer of the rules, not a fault
    """A call that may not be, by a pallet's own error or (without a pallet) the dispatcher's."""

    def __init__(self, name: str, pallet: str | None = "SubtensorModule") -> None:
        super().__init__(f"{pallet}.{name}" if pallet else name)
        self.pallet, self.name = pallet, name


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as the chain's own metadata names it."""

    pallet: str
    name: str
    values: Mapping[str, object] = field(default_factory=dict)
