"""What a call is, and what a signed transaction with one does to the chain's state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import signature
from typing import Concatenate, ParamSpec

from iotapretrain.errors import RefusedError
from iotapretrain.rules.chain.ledger.chain_state import CallRefusal, ChainState, LedgerEvent

Arguments = ParamSpec("Arguments")


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """The state behind a transaction, and what happened; a refusal leaves only its nonce spent."""

    state: ChainState
    events: tuple[LedgerEvent, ...] = ()
    refusal: CallRefusal | None = None


def happened(
    state: ChainState, name: str, values: Mapping[str, object], pallet: str = "SubtensorModule"
) -> CallOutcome:
    """The state behind a call of which one event tells."""
    return CallOutcome(state, (LedgerEvent(pallet, name, values),))


Call = Callable[[ChainState, str], CallOutcome]
"""What a signer asks for: the state behind it, or a CallRefusal, which changes nothing."""


def call(
    perform: Callable[Concatenate[ChainState, str, Arguments], CallOutcome],
) -> Callable[Arguments, Call]:
    """Take the arguments, which the chain's metadata names, before the state and the signer."""
    whole = signature(perform)

    def make(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Call:
        whole.bind("state", "signer", *args, **kwargs)  # what does not fit is no call
        return lambda state, signer: perform(state, signer, *args, **kwargs)

    return make


def refused(name: str, pallet: str = "SubtensorModule") -> Call:
    """A call that nobody may make."""
    return lambda state, _: CallOutcome(state, refusal=CallRefusal(name, pallet))


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
        return transaction.call(spent, transaction.signer)
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
