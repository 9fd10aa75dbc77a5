"""SCALE's integers, against the SDK's codec."""

from __future__ import annotations

import pytest
from bittensor_core import Runtime
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.chain.runtime import scale
from iotapretrain.chain.runtime.metadata import compose

BOUNDARIES = [0, 1, 63, 64, 2**14 - 1, 2**14, 2**30 - 1, 2**30, 2**32, 2**64 - 1, 2**128 - 1]


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return Runtime(compose(12_000), 1, 1, 42)


@pytest.mark.parametrize("value", BOUNDARIES)
def test_compact_is_what_the_sdk_writes(runtime: Runtime, value: int) -> None:
    assert scale.compact(value) == bytes(runtime.encode("Compact<u128>", value))


@given(st.integers(0, 2**128 - 1), st.binary(max_size=4))
def test_compact_reads_back_whatever_follows(value: int, rest: bytes) -> None:
    encoded = scale.compact(value)
    assert scale.read_compact(encoded + rest) == (value, len(encoded))


def test_sequences_options_and_texts_are_what_the_sdk_writes(runtime: Runtime) -> None:
    assert scale.sequence([b"\x01", b"\x02"]) == bytes(runtime.encode("Vec<u8>", b"\x01\x02"))
    assert scale.text("τα") == bytes(runtime.encode("Vec<u8>", "τα"))
    assert scale.option(None) == b"\x00"
    assert scale.option(b"\x05") == b"\x01\x05"
