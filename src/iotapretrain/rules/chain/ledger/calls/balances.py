"""Sending free TAO."""

from __future__ import annotations

from dataclasses import dataclass

from iotapretrain.rules.chain.ledger.calls.call import Change
from iotapretrain.rules.chain.ledger.chain_state import State
from iotapretrain.rules.chain.ledger.money import credit, debit, reap
from iotapretrain.rules.chain.ledger.refusal import Event, Refusal


@dataclass(frozen=True, slots=True)
class TransferKeepAlive:
    """Send, but never so much that the sender falls below the existential deposit."""

    dest: str
    value: int

    def perform(self, state: State, signer: str) -> Change:
        short = "NotExpendable" if state.account(signer).free >= self.value else "FundsUnavailable"
        sent = debit(state, signer, self.value, Refusal(short, "Token"))
        return _received(sent, signer, self.dest, self.value)


@dataclass(frozen=True, slots=True)
class TransferAllowDeath:
    """Send, and let the sender's account end if hardly anything is left on it."""

    dest: str
    value: int

    def perform(self, state: State, signer: str) -> Change:
        return _sent(state, signer, self.dest, self.value)


@dataclass(frozen=True, slots=True)
class TransferAll:
    """Send everything, or everything but the existential deposit."""

    dest: str
    keep_alive: bool

    def perform(self, state: State, signer: str) -> Change:
        kept = state.network.existential_deposit if self.keep_alive else 0
        return _sent(state, signer, self.dest, max(state.account(signer).free - kept, 0))


def _sent(state: State, signer: str, dest: str, value: int) -> Change:
    if state.account(signer).free < value:
        raise Refusal("FundsUnavailable", "Token")
    change = _received(credit(state, signer, -value), signer, dest, value)
    return Change(reap(change.state, signer), change.events)


def _received(state: State, sender: str, dest: str, value: int) -> Change:
    if state.account(dest).free + value < state.network.existential_deposit:
        raise Refusal("BelowMinimum", "Token")
    moved = Event("Balances", "Transfer", {"from": sender, "to": dest, "amount": value})
    return Change(credit(state, dest, value), (moved,))
