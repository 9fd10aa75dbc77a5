"""Values to bytes and back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from bittensor_core import ss58_encode
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.chain.runtime.codec import DecodedCall, codec
from iotapretrain.chain.runtime.grammar import TypedField
from iotapretrain.chain.runtime.pallets import module_error, pallets
from iotapretrain.errors import InputError, RefusedError
from iotapretrain.rules.chain.ledger.chain_state import LedgerEvent

CODEC = codec(12_000)
CALLS = [(pallet.name, call) for pallet in pallets(12_000) for call in pallet.calls]
ACCOUNTS = st.binary(min_size=32, max_size=32).map(lambda key: str(ss58_encode(key)))
HASHES = st.binary(min_size=32, max_size=32).map(lambda data: "0x" + data.hex())
BITS = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "u128": 128}
RAW = st.integers(0, 128).flatmap(
    lambda size: st.binary(min_size=size, max_size=size).map(
        lambda data: {f"Raw{size}": "0x" + data.hex() if size else []}
    )
)


def values(kind: str) -> st.SearchStrategy[Any]:
    """Values of a call argument, as the SDK shows them."""
    if kind.startswith("Compact<"):
        return values(kind[8:-1])
    if kind == "Vec<u8>":
        return st.binary(max_size=40).map(_shown).filter(lambda text: _faithful(text))
    if kind.startswith("Vec<"):
        return st.lists(values(kind[4:-1]), max_size=8)
    if kind in BITS:
        return st.integers(0, 2 ** BITS[kind] - 1)
    return {
        "bool": st.booleans(),
        "i16": st.integers(-(2**15), 2**15 - 1),
        "AccountId32": ACCOUNTS,
        "MultiAddress": ACCOUNTS,
        "H256": HASHES,
        "U64F64": st.fixed_dictionaries({"bits": st.integers(0, 2**128 - 1)}),
        "EpochConsensus": st.sampled_from(["Yuma", "Null"]),
        "CommitmentInfo": st.fixed_dictionaries({"fields": st.lists(RAW, max_size=3)}),
    }[kind]


def _shown(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "0x" + data.hex()


def _faithful(text: str) -> bool:
    """Text that looks like hex is what the codec refuses; see the test below."""
    if not text.startswith("0x"):
        return True
    try:
        bytes.fromhex(text[2:]).decode()
    except UnicodeDecodeError:
        return True
    except ValueError:
        return False
    return False


def arguments(fields: tuple[TypedField, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({str(field.name): values(field.type) for field in fields})


@given(st.data())
def test_calls_come_back_as_they_went(data: st.DataObject) -> None:
    pallet, call = data.draw(st.sampled_from(CALLS))
    given_arguments = data.draw(arguments(call.fields))
    encoded = CODEC.compose(pallet, call.name, given_arguments)
    assert CODEC.decode_call(encoded) == DecodedCall(pallet, call.name, given_arguments)


@pytest.mark.parametrize("text", [b"0xff", b"0x616263"])
def test_text_that_looks_like_hex_is_refused_rather_than_changed(text: bytes) -> None:
    info = {"fields": [{"BigRaw": text}]}
    encoded = CODEC.compose("Commitments", "set_commitment", {"netuid": 1, "info": info})
    with pytest.raises(RefusedError, match="looks like hex"):
        CODEC.decode_call(encoded)


@given(st.binary(max_size=200))
def test_other_bytes_are_refused_as_calls(data: bytes) -> None:
    call = None
    with suppress(RefusedError):
        call = CODEC.decode_call(data)
    assert call is None or CODEC.compose(call.pallet, call.name, call.arguments) == data


@pytest.mark.parametrize(
    ("pallet", "name", "given_arguments"),
    [
        ("Nothing", "set_weights", {}),
        ("SubtensorModule", "nothing", {}),
        ("SubtensorModule", "start_call", {}),
        ("SubtensorModule", "start_call", {"netuid": 70_000}),
        ("SubtensorModule", "root_register", {"hotkey": "5Nobody"}),
    ],
)
def test_unfit_calls_are_named(pallet: str, name: str, given_arguments: dict[str, object]) -> None:
    with pytest.raises(InputError, match=rf"{pallet}\.{name}"):
        CODEC.compose(pallet, name, given_arguments)


@given(st.data())
def test_storage_keys_go_both_ways(data: st.DataObject) -> None:
    pallet, name = data.draw(st.sampled_from(sorted(CODEC.items)))
    item = CODEC.items[pallet, name]
    keys = tuple(data.draw(values(kind)) for kind in item.keys)
    key = CODEC.storage_key(pallet, name, keys)
    found = CODEC.read_key(key)
    assert found is not None
    assert (found.pallet, found.item, found.keys) == (pallet, item, keys)
    assert found.whole
    for known in range(len(keys)):
        prefix = CODEC.read_key(CODEC.storage_key(pallet, name, keys[:known]))
        assert prefix is not None
        assert prefix.keys == keys[:known]
        assert not prefix.whole


@given(st.binary(max_size=120), st.booleans())
def test_other_bytes_are_no_keys(data: bytes, known_item: bool) -> None:
    key = CODEC.storage_key("SubtensorModule", "Uids", ()) + data if known_item else data
    found = CODEC.read_key(key)
    assert found is None or CODEC.storage_key(found.pallet, found.item.name, found.keys) == key


def test_absent_values_are_the_default_or_none() -> None:
    assert CODEC.decode_value("SubtensorModule", "Tempo", None) == 360
    assert CODEC.decode_value("SubtensorModule", "AlphaValues", None) == (45875, 58982)
    assert CODEC.decode_value("SubtensorModule", "Uids", None) is None


def test_arguments_of_runtime_apis_are_read_by_their_types() -> None:
    account = str(ss58_encode(bytes(range(32))))
    one = CODEC.decode_arguments("NeuronInfoRuntimeApi", "get_neurons", b"\x01\x00")
    two = CODEC.decode_arguments("NeuronInfoRuntimeApi", "get_neuron", b"\x01\x00\x02\x00")
    listed = CODEC.decode_arguments(
        "StakeInfoRuntimeApi", "get_stake_info_for_coldkeys", b"\x04" + bytes(range(32))
    )
    assert (one, two, listed) == ((1,), (1, 2), ([account],))
    assert CODEC.decode_arguments("Core", "version", b"") == ()
    with pytest.raises(InputError, match="get_neuron"):
        CODEC.decode_arguments("NeuronInfoRuntimeApi", "get_neuron", b"\x01\x00\x02")


def test_events_come_back_in_the_shape_that_the_sdk_looks_through() -> None:
    info = {"weight": {"ref_time": 1, "proof_size": 0}, "class": "Normal", "pays_fee": "Yes"}
    error = module_error("Balances", "InsufficientBalance")
    failed = LedgerEvent(
        "System", "ExtrinsicFailed", {"dispatch_error": error, "dispatch_info": info}, 3
    )
    step = LedgerEvent("SubtensorModule", "WeightsSet", {"netuid": 1, "uid": 2})
    first, second = CODEC.event_records([failed, step])
    assert first["extrinsic_idx"] == 3
    assert first["event"]["attributes"]["dispatch_error"] == error
    assert (second["phase"], second["extrinsic_idx"]) == ("Initialization", None)
    assert second["event"]["module_id"] == "SubtensorModule"
    assert second["event"]["attributes"] == {"netuid": 1, "uid": 2}
