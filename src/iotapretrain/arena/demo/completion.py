"""How far a demo is: whether everything that it is there to show has had its time."""

from __future__ import annotations

from collections.abc import Collection

from iotapretrain.observe.events import AnyEvent, Published, RoundFinished

ROUNDS = 2
"""Of every validator on the last model that was published: averages have moved three quarters."""


class Progress:
    """Sees every event; a network has settled once all validators have judged the last model."""

    def __init__(self, validators: Collection[str]) -> None:
        self._judged_from: dict[str, int] = {}
        self._blocks: dict[str, set[int]] = {name: set() for name in validators}

    def see(self, who: str, event: AnyEvent) -> None:
        """Take note of what matters here."""
        match event:
            case Published(judged_from_block=block):
                self._judged_from[who] = block
            case RoundFinished(block=block) if who in self._blocks:
                self._blocks[who].add(block)

    def judged(self, miner: str) -> bool:
        """Whether any validator has had a round since this one's model could be in it."""
        since = self._judged_from.get(miner)
        return since is not None and any(self._since(name, since) for name in self._blocks)

    @property
    def settled(self) -> bool:
        """Whether every validator has had enough rounds since the last model."""
        since = max(self._judged_from.values(), default=0)
        return all(self._since(name, since) >= ROUNDS for name in self._blocks)

    def _since(self, validator: str, block: int) -> int:
        return sum(each >= block for each in self._blocks[validator])
