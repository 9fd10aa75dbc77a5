"""The shield: what the SDK seals we open, and nothing else."""

from __future__ import annotations

from bittensor_core import encrypt_mlkem768
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.chain.runtime.extrinsic import open_sealed, public_key

OURS, OTHERS = b"\x01" * 32, b"\x02" * 32


def sealed(message: bytes) -> bytes:
    return bytes(encrypt_mlkem768(public_key(OURS), message, include_key_hash=True))


def test_the_key_follows_from_the_genesis_alone() -> None:
    assert public_key(OURS) == public_key(bytes(OURS))
    assert public_key(OURS) != public_key(OTHERS)
    assert len(public_key(OURS)) == 1184


@given(st.binary(max_size=500))
def test_what_the_sdk_seals_we_open(message: bytes) -> None:
    assert open_sealed(OURS, sealed(message)) == message
    assert open_sealed(OTHERS, sealed(message)) is None


@given(st.integers(16, 1300), st.integers(1, 255))
def test_a_changed_byte_opens_nothing(place: int, flip: int) -> None:
    message = bytearray(sealed(b"some extrinsic" * 10))
    message[place % len(message)] ^= flip
    if place % len(message) >= 16:
        assert open_sealed(OURS, bytes(message)) is None


@given(st.binary(max_size=1300))
def test_other_bytes_open_nothing(data: bytes) -> None:
    assert open_sealed(OURS, data) is None
