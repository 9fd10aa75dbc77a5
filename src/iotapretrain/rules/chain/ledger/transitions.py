"""What a call is, and what a signed transaction with one does to the chain's state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from iotapretrain.errors import RefusedError
from iotapretrain.rules.chain.ledger.chain_state import CallRefusal, ChainState, LedgerEvent


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """The state behind a transaction, and what happened; a refusal leaves only its nonce spent."""

    state: ChainState
    events: tuple[LedgerEvent, ...] = ()
    refusal: CallRefusal | None = None


class Call(Protocol):
    """A decoded call, frozen; its fields are the arguments that the chain's metadata names."""

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        """The state after this call by `signer`; raises Refusal and changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Transaction:
    """A call whose signature has been checked."""

    signer: str
    nonce: int
    call: Call


def decide(state: ChainState, transaction: Transaction) -> CallOutcome:
    """What this transaction does in the block that is being filled.

    Raises RefusedError when it may not be in it at all.
    """
    check_nonce(state, transaction)
    account = state.account(transaction.signer)
    sent = replace(account, nonce=account.nonce + 1)
    spent = state.with_account(transaction.signer, sent)
    try:
        return transaction.call.perform(spent, transaction.signer)
    except CallRefusal as refusal:
        return CallOutcome(spent, refusal=refusal)


def check_nonce(state: ChainState, transaction: Transaction) -> None:
    """Refuse a transaction that was there before, or that is not its signer's next."""
    expected = state.account(transaction.signer).nonce
    if transaction.nonce != expected:
        raise RefusedError(
            "Stale" if transaction.nonce < expected else "Future",
            f"nonce {transaction.nonce} of {transaction.signer}; the next is {expected}",
        )
