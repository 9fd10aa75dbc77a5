"""What every call is: a frozen value that turns a state into the next one, or refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from iotapretrain.rules.chain.ledger.chain_state import State
from iotapretrain.rules.chain.ledger.refusal import Event


@dataclass(frozen=True, slots=True)
class Change:
    """The state behind a call, and what happened on the way."""

    state: State
    events: tuple[Event, ...] = ()


class Call(Protocol):
    """A decoded call; its fields are the arguments that the chain's metadata names."""

    def perform(self, state: State, signer: str) -> Change:
        """The state after this call by `signer`; raises Refusal and changes nothing."""
        ...
