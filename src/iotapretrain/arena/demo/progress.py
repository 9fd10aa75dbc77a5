"""How far a demo is: whether everything that it is there to show has had its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from iotapretrain.observe.events import AnyEvent, Published, RoundFinished

ROUNDS = 3
"""Of every validator on the last model that was published: averages have moved seven eighths."""


class Progress:
    """Sees every event; a network has settled once all validators have judged the last model."""

    def __init__(self, validators: Collection[str]) -> None:
        self._validators = validators
        self._judged_from = 0
        self._blocks: dict[str, set[int]] = {name: set() for name in validators}

    def see(self, who: str, event: AnyEvent) -> None:
        """Take note of what matters here."""
        match event:
            case Published(judged_from_block=block):
                self._judged_from = max(self._judged_from, block)
            case RoundFinished(block=block) if who in self._blocks:
                self._blocks[who].add(block)

    @property
    def settled(self) -> bool:
        """Whether every validator has had enough rounds since."""
        rounds = Counter(
            name
            for name, blocks in self._blocks.items()
            for block in blocks
            if block >= self._judged_from
        )
        return all(rounds[name] >= ROUNDS for name in self._validators)
