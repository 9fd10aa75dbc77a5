"""Whatever a stranger signs: the chain answers by its rules, and can be read afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iotapretrain.chain.runtime.codec import codec
from iotapretrain.chain.runtime.grammar import TypedField
from iotapretrain.chain.runtime.pallets import APIS, pallets
from iotapretrain.chain.views import runtime_api, storage_items
from iotapretrain.errors import InputError, RefusedError
from iotapretrain.rules.chain.ledger.advance import advance
from iotapretrain.rules.chain.ledger.calls.dispatch import make_call
from iotapretrain.rules.chain.ledger.calls.neurons import burned_register
from iotapretrain.rules.chain.ledger.chain_state import ChainState, held
from iotapretrain.rules.chain.ledger.genesis import first_state
from iotapretrain.rules.chain.ledger.transitions import Transaction, decide
from tests.chain.worlds import RAO, coldkey, genesis, hotkey

BLOCK_MS = 12_000
SERVED_BY_THE_CODEC = frozenset({"Core", "Metadata", "AccountNonceApi", "TransactionPaymentApi"})
"""A node is never asked for these."""

CODEC = codec(BLOCK_MS)
PEOPLE = ("owner", "validator-1", "miner-1", "miner-2", "stranger")
ADDRESSES = st.sampled_from([*map(coldkey, PEOPLE), *map(hotkey, PEOPLE)])
NUMBERS = st.sampled_from([0, 1, 2, 7, 100, 400, 65_535, 5 * RAO])
UIDS = st.lists(st.sampled_from([0, 1, 2, 2, 3, 65_535]), max_size=3)
BYTES = st.binary(max_size=200)
FIELD = st.one_of(
    st.sampled_from(["None", "ResetBondsFlag"]),
    st.integers(0, 128).flatmap(
        lambda size: st.binary(min_size=size, max_size=size).map(lambda b: {f"Raw{size}": b})
    ),
    st.binary(max_size=512).map(lambda held: {"BigRaw": held}),
    st.binary(min_size=32, max_size=32).map(lambda held: {"Keccak256": held}),
    BYTES.map(lambda held: {"TimelockEncrypted": {"encrypted": held, "reveal_round": 3}}),
)
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "AccountId32": ADDRESSES,
    "MultiAddress": ADDRESSES,
    "Vec<u8>": BYTES,
    "Vec<u16>": UIDS,
    "H256": st.binary(min_size=32, max_size=32),
    "U64F64": st.integers(0, 2**128 - 1).map(lambda bits: {"bits": bits}),
    "EpochConsensus": st.sampled_from(["Yuma", "Null"]),
    "CommitmentInfo": st.lists(FIELD, max_size=4).map(lambda fields: {"fields": fields}),
}


def values(field: TypedField) -> st.SearchStrategy[Any]:
    """Values of an argument: everything its type can hold, and what is likelier to matter."""
    kind = field.type.removeprefix("Compact<").removesuffix(">")
    if field.name == "netuid":
        return st.sampled_from([1, 1, 1, 0, 2, 65_535])
    if kind in BY_TYPE or field.type in BY_TYPE:
        return BY_TYPE.get(field.type, BY_TYPE.get(kind, st.nothing()))
    bits = int(kind[1:])
    if kind[0] == "i":
        return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.one_of(NUMBERS.filter(lambda n: n < 2**bits), st.integers(0, 2**bits - 1))


CALLS = {pallet.name: pallet.calls for pallet in pallets(BLOCK_MS) if pallet.calls}
SIGNERS = {
    "AdminUtils": st.sampled_from([coldkey("owner")] * 3 + [coldkey("miner-1")]),
    "Commitments": st.sampled_from([hotkey("miner-1"), hotkey("owner"), hotkey("stranger")]),
}


@st.composite
def signed_calls(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[str, bytes]:
    """Any call of the description with any arguments, and somebody who signs it."""
    pallet = draw(st.sampled_from(sorted(CALLS)))
    call = draw(st.sampled_from(CALLS[pallet]))
    arguments = {field.name or "": draw(values(field)) for field in call.fields}
    return draw(SIGNERS.get(pallet, ADDRESSES)), CODEC.compose(pallet, call.name, arguments)


@pytest.fixture(scope="module")
def inhabited() -> ChainState:
    state = first_state(genesis())
    for name in ("owner", "validator-1", "miner-1"):
        call = burned_register(1, hotkey(name))
        state = decide(state, Transaction(coldkey(name), 0, call)).state
    return advance(state, 25)


def after(state: ChainState, signer: str, data: bytes) -> ChainState:
    """The state behind a call by whoever signed it."""
    call = CODEC.decode_call(data)
    performed = make_call(call.pallet, call.name, tuple(call.arguments.values()))
    return decide(state, Transaction(signer, state.account(signer).nonce, performed)).state


@settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
@given(signed=signed_calls())
def test_any_call_by_anybody_leaves_a_chain_that_can_be_read(
    inhabited: ChainState, signed: tuple[str, bytes]
) -> None:
    try:
        state = advance(after(inhabited, *signed), inhabited.block + 20)
    except RefusedError:
        return
    assert held(state) == state.issuance
    if state.subnets != advance(inhabited, inhabited.block + 20).subnets:
        read_everything(state)


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=60))
def test_bytes_that_are_no_call_are_refused(data: bytes) -> None:
    try:
        call = CODEC.decode_call(data)
    except RefusedError:
        return
    assert CODEC.compose(call.pallet, call.name, call.arguments) == data


def read_everything(state: ChainState) -> None:
    """Every entry of every storage item and every runtime API, as the bytes they are served in."""
    for (pallet, name), item in CODEC.items.items():
        if pallet != "System" or name == "Account":
            for keys, value in storage_items.entries(state, pallet, name, ()):
                assert len(keys) == len(item.keys)
                CODEC.storage_key(pallet, name, keys)
                CODEC.encode_value(pallet, name, value)
    arguments = {"netuid": 1, "uid": 1, "metagraph_indexes": list(range(75)), "netuids": [1]}
    for api, methods in APIS.items():
        if api in SERVED_BY_THE_CODEC:
            continue
        for method in methods:
            given_arguments = [_argument(field, arguments) for field in method.inputs]
            answer = runtime_api.call(state, api, method.name, tuple(given_arguments))
            CODEC.encode_answer(api, method.name, answer)


def _argument(field: TypedField, known: dict[str, Any]) -> Any:
    if field.name in known:
        return known[field.name]
    if field.type == "AccountId32":
        return hotkey("validator-1")
    if field.type.startswith("Vec<AccountId32>"):
        return [coldkey("owner"), coldkey("stranger")]
    return None if field.type.startswith("Option") else 5


def test_everything_that_is_described_can_be_read(inhabited: ChainState) -> None:
    read_everything(inhabited)
    for pallet, name in storage_items.ITEMS:
        assert (pallet, name) in CODEC.items
    described = {(api, method.name) for api, methods in APIS.items() for method in methods}
    served = {each for each in described if each[0] not in SERVED_BY_THE_CODEC}
    assert set(runtime_api.METHODS) == served


def test_arguments_that_do_not_fit_are_not_composed() -> None:
    with pytest.raises(InputError):
        CODEC.compose("SubtensorModule", "burned_register", {"netuid": -1, "hotkey": "x"})
