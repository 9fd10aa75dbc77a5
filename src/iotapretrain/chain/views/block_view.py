"""The state of the chain at the end of one block, with what a reader may ask beside it."""

from __future__ import annotations

from dataclasses import dataclass

from iotapretrain.rules.chain.ledger.chain_state import State


@dataclass(frozen=True, slots=True)
class View:
    """What everything else in this folder looks at."""

    state: State
    time_ms: int

    @property
    def block(self) -> int:
        """The block at whose end we are."""
        return self.state.block
