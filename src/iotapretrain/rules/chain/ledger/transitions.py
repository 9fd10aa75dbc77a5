"""The fold: what a transaction does to the chain's state, and what a record of it does.

`decide` answers a command, `apply` follows a record; both are the same rules, so whoever reads the
records arrives at the state that their writer saw.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from iotapretrain.errors import RefusedError
from iotapretrain.rules.chain.ledger.advance import advance
from iotapretrain.rules.chain.ledger.calls.call import Call
from iotapretrain.rules.chain.ledger.chain_state import State
from iotapretrain.rules.chain.ledger.refusal import Event, Refusal


@dataclass(frozen=True, slots=True)
class Transaction:
    """A call whose signature has been checked."""

    signer: str
    nonce: int
    call: Call


@dataclass(frozen=True, slots=True)
class Included:
    """A record: this transaction is in this block."""

    block: int
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class Advanced:
    """A record: the chain has reached this block, by a clock that somebody moves."""

    block: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state behind a transaction, and what happened; a refusal leaves only its nonce spent."""

    state: State
    events: tuple[Event, ...] = ()
    refusal: Refusal | None = None


def decide(state: State, transaction: Transaction) -> Outcome:
    """What this transaction does in the block that is being filled.

    Raises RefusedError when it may not be in it at all.
    """
    check_nonce(state, transaction)
    account = state.account(transaction.signer)
    sent = replace(account, nonce=account.nonce + 1)
    spent = replace(state, accounts={**state.accounts, transaction.signer: sent})
    try:
        change = transaction.call.perform(spent, transaction.signer)
    except Refusal as refusal:
        return Outcome(spent, refusal=refusal)
    return Outcome(change.state, change.events)


def check_nonce(state: State, transaction: Transaction) -> None:
    """Refuse a transaction that was there before, or that is not its signer's next."""
    expected = state.account(transaction.signer).nonce
    if transaction.nonce != expected:
        raise RefusedError(
            "Stale" if transaction.nonce < expected else "Future",
            f"nonce {transaction.nonce} of {transaction.signer}; the next is {expected}",
        )


def apply(state: State, record: Included | Advanced) -> State:
    """The state behind a record."""
    reached = advance(state, record.block)
    if isinstance(record, Advanced):
        return reached
    return decide(reached, record.transaction).state
