"""A small ledger for tests: addresses are plain words, since the ledger never looks into them."""

from __future__ import annotations

from dataclasses import replace

from iotapretrain.rules.chain.ledger.calls.neurons import burned_register
from iotapretrain.rules.chain.ledger.chain_state import ChainState
from iotapretrain.rules.chain.ledger.genesis import (
    Genesis,
    GenesisStake,
    GenesisSubnet,
    first_state,
)
from iotapretrain.rules.chain.ledger.parameters import NetworkParameters, SubnetParameters
from iotapretrain.rules.chain.ledger.transitions import Call, CallOutcome, Transaction, decide

RAO = 10**9
PEOPLE = tuple(f"cold{number}" for number in range(8))
HOTKEYS = tuple(f"hot{number}" for number in range(8))
"""`hotN` belongs to `coldN`; number 0 owns the subnet, 1 and 2 have stake."""

PARAMETERS = SubnetParameters(
    tempo=10,
    immunity_period=15,
    min_non_immune=0,
    max_allowed_uids=4,
    max_validators=2,
    min_burn=1000,
    weights_rate_limit=3,
    serving_rate_limit=3,
    commitment_rate_limit=3,
)


def beginning(network: NetworkParameters | None = None, **settings: int | bool) -> ChainState:
    """Block 0 of a chain with one subnet."""
    parameters = replace(PARAMETERS, **settings)  # type: ignore[arg-type]
    stakes = tuple(
        GenesisStake(HOTKEYS[n], PEOPLE[n], amount)
        for n, amount in ((1, 600 * RAO), (2, 300 * RAO))
    )
    subnet = GenesisSubnet(
        1, "small", PEOPLE[0], HOTKEYS[0], burn=RAO, parameters=parameters, stakes=stakes
    )
    balances = dict.fromkeys(PEOPLE, 100 * RAO)
    return first_state(Genesis(network or NetworkParameters(), balances, (subnet,)))


def send(state: ChainState, signer: str, call: Call) -> CallOutcome:
    """The outcome of a call with the right nonce."""
    return decide(state, Transaction(signer, state.account(signer).nonce, call))


def done(state: ChainState, signer: str, call: Call) -> ChainState:
    """The state behind a call that must succeed."""
    outcome = send(state, signer, call)
    assert outcome.refusal is None, outcome.refusal
    return outcome.state


def refused(state: ChainState, signer: str, call: Call) -> str:
    """The name of the refusal of a call that must fail; only its nonce may be spent."""
    outcome = send(state, signer, call)
    assert outcome.refusal is not None
    spent = state.account(signer)
    expected = {**state.accounts, signer: replace(spent, nonce=spent.nonce + 1)}
    assert outcome.state == replace(state, accounts=expected)
    return outcome.refusal.name


def registered(state: ChainState, *numbers: int) -> ChainState:
    """The state with these hotkeys registered, in this order."""
    for number in numbers:
        state = done(state, PEOPLE[number], burned_register(1, HOTKEYS[number]))
    return state
