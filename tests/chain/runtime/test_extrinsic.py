"""Signed extrinsics, against the SDK's own way of making them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from bittensor.keyfiles import Keypair
from bittensor_core import Runtime, era_birth
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.chain.runtime.codec import codec
from iotapretrain.chain.runtime.extrinsic import Era, Extrinsic, check_signature, digest, parse
from iotapretrain.chain.runtime.metadata import SPEC_VERSION, TRANSACTION_VERSION, compose
from iotapretrain.errors import RefusedError

CODEC = codec(12_000)
RUNTIME = Runtime(compose(12_000), SPEC_VERSION, TRANSACTION_VERSION, 42)
ALICE = Keypair.create_from_uri("//Alice")
CALL = CODEC.compose("SubtensorModule", "start_call", {"netuid": 1})
LONG_CALL = CODEC.compose(
    "SubtensorModule",
    "set_weights",
    {"netuid": 1, "dests": list(range(100)), "weights": [1] * 100, "version_key": 0},
)


def block_hash(number: int) -> bytes | None:
    """A chain of a thousand blocks."""
    return digest(number.to_bytes(8, "little")) if 0 <= number <= 1000 else None


def signed(
    era: Era | None = None, nonce: int = 0, call: bytes = CALL, born: int = 0, tip: int = 0
) -> Extrinsic:
    unsigned = Extrinsic(b"", 0, b"", era, nonce, tip, call)
    return unsigned.signed_by(ALICE, block_hash(0) or b"", block_hash(born) or b"")


def parsed(data: bytes) -> Extrinsic | None:
    """The extrinsic, None where it is refused."""
    with suppress(RefusedError):
        return parse(data)
    return None


def refusal(check: Callable[[], object]) -> str:
    with pytest.raises(RefusedError) as refused:
        check()
    return refused.value.reason


@given(st.integers(1, 70_000), st.integers(0, 2**32))
def test_eras_are_those_of_the_sdk(period: int, current: int) -> None:
    era = Era.starting(period, current)
    assert era.encode() == bytes(RUNTIME.encode_era({"period": period, "current": current}))
    assert Era.decode(era.encode()) == era
    assert era.birth(current) == era_birth(period, current)
    assert era.birth(current) <= current < era.birth(current) + era.period


@pytest.mark.parametrize("call", [CALL, LONG_CALL])
@pytest.mark.parametrize("era", [None, Era.starting(64, 100)])
@given(nonce=st.integers(0, 2**32 - 1), tip=st.integers(0, 2**64 - 1))
def test_bytes_and_payload_are_those_of_the_sdk(
    call: bytes, era: Era | None, nonce: int, tip: int
) -> None:
    ours = signed(era, nonce, call, born=100 if era else 0, tip=tip)
    as_given = {"period": era.period, "phase": era.phase} if era else "00"
    payload = RUNTIME.signature_payload(
        call,
        era=as_given,
        nonce=nonce,
        tip=tip,
        tip_asset_id=None,
        genesis_hash=block_hash(0),
        era_block_hash=block_hash(100 if era else 0),
    )
    data, name = RUNTIME.encode_signed_extrinsic(
        call,
        public_key=ALICE.public_key,
        signature=ours.signature,
        signature_version=ours.scheme,
        era=as_given,
        nonce=nonce,
        tip=tip,
        tip_asset_id=None,
    )
    born = block_hash(100 if era else 0) or b""
    assert ours.payload(block_hash(0) or b"", born) == bytes(payload)
    assert ours.encode() == bytes(data)
    assert digest(ours.encode()) == bytes(name)
    assert parse(bytes(data)) == ours


def test_a_valid_signature_is_let_through_for_as_long_as_its_era() -> None:
    era = Era.starting(64, 100)
    extrinsic = signed(era, born=era.birth(100))
    for block in (era.birth(100), era.birth(100) + 63):
        check_signature(extrinsic, block, block_hash)
    late = era.birth(100) + 64
    assert refusal(lambda: check_signature(extrinsic, late, block_hash)) == "AncientBirthBlock"
    much_later = late + 64
    assert refusal(lambda: check_signature(extrinsic, much_later, block_hash)) == "BadProof"


def test_an_immortal_transaction_is_valid_at_any_block() -> None:
    for block in (1, 999):
        check_signature(signed(), block, block_hash)


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": 1},
        {"tip": 1},
        {"call": LONG_CALL},
        {"signer": bytes(32)},
        {"scheme": 0},
        {"signature": bytes(64)},
        {"era": Era(64, 0)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_is_changed_afterwards_breaks_the_signature(change: dict[str, object]) -> None:
    extrinsic = replace(signed(), **change)  # type: ignore[arg-type]
    assert refusal(lambda: check_signature(extrinsic, 5, block_hash)) == "BadProof"


def test_another_chain_s_signature_does_not_hold() -> None:
    other = Extrinsic(b"", 0, b"", None, 0, 0, CALL).signed_by(ALICE, b"\x01" * 32, b"\x01" * 32)
    assert refusal(lambda: check_signature(other, 5, block_hash)) == "BadProof"


def test_a_signature_over_the_payload_as_a_text_does_not_hold() -> None:
    """Wallets put `<Bytes>` around texts just so that nobody signs a transaction by mistake."""
    unsigned = replace(signed(), signature=b"")
    genesis = block_hash(0) or b""
    text = b"<Bytes>" + unsigned.payload(genesis, genesis) + b"</Bytes>"
    extrinsic = replace(unsigned, signature=ALICE.sign(text))
    assert refusal(lambda: check_signature(extrinsic, 5, block_hash)) == "BadProof"


def test_ed25519_is_taken_too() -> None:
    pair = Keypair.create_from_uri("//Alice", crypto_type=0)
    unsigned = Extrinsic(b"", 0, b"", None, 0, 0, CALL)
    genesis = block_hash(0) or b""
    check_signature(unsigned.signed_by(pair, genesis, genesis), 5, block_hash)


@pytest.mark.parametrize("end", [0, 1, 3, 36, 37, 101, 102, 103])
def test_cut_off_bytes_are_refused(end: int) -> None:
    assert refusal(lambda: parse(signed().encode()[:end])) == "Call"


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_whole(data: bytes) -> None:
    extrinsic = parsed(data)
    assert extrinsic is None or extrinsic.encode() == data


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_never_gives_two_encodings_of_one_transaction(place: int, byte: int) -> None:
    data = bytearray(signed(Era.starting(64, 100), 300, born=100).encode())
    data[place % len(data)] = byte
    extrinsic = parsed(bytes(data))
    assert extrinsic is None or extrinsic.encode() == bytes(data)
