"""The envelope of a sealed transaction: all that it does is to spend its sender's nonce."""

from __future__ import annotations

from dataclasses import dataclass

from iotapretrain.rules.chain.ledger.calls.call import Change
from iotapretrain.rules.chain.ledger.chain_state import State


@dataclass(frozen=True, slots=True)
class SubmitEncrypted:
    """Carry a sealed transaction; whoever makes the block opens it and puts it in next."""

    ciphertext: str

    @property
    def sealed(self) -> bytes:
        """The ciphertext; bytes that happen to read as text are shown as text."""
        shown = self.ciphertext
        return bytes.fromhex(shown[2:]) if shown.startswith("0x") else shown.encode()

    def perform(self, state: State, signer: str) -> Change:  # noqa: ARG002 -- as every call
        return Change(state)
