"""Codes of a merge: sizes by arithmetic, plain decoders beside ours, and nothing is lost unseen."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.merge_codes import (
    BF16,
    BLOCK,
    CODES,
    LARGEST,
    Floats,
    MergeCode,
    compressed,
)

BLOCK_BYTES = {"bf16": 8192, "int8": 4100, "2bit": 1032, "top": 904, "top-64": 120}
LEVELS = {"2bit": 4096, "top": 512, "top-64": 64}
ERRORS = {"bf16": 4e-6, "int8": 1e-4, "2bit": 0.12, "top": 0.52, "top-64": 0.89}
"""Square errors for a normal distribution; the best that one sign and two levels can is 0.1175."""

every_code = pytest.mark.parametrize("code", CODES.values(), ids=list(CODES))
counts = st.sampled_from([0, 1, 7, 100, 4095, 4096, 4097, 9000, 33 * 4096 + 5])


def drawn(seed: int, count: int, exponents: int = 0) -> Floats:
    """Normal, times powers of two that differ up to so much, a tenth of them zero."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(count) * 2.0 ** rng.integers(-exponents, exponents + 1, count)
    return np.where(rng.random(count) < 0.1, 0, values).astype(np.float32)


def plain_block(name: str, block: bytes) -> list[float]:
    """One block decoded number by number."""
    if name == "bf16":
        halves = struct.unpack("<4096H", block)
        return [struct.unpack("<f", struct.pack("<I", each << 16))[0] for each in halves]
    if name == "int8":
        scale, *steps = struct.unpack("<f4096b", block)
        return [float(np.float32(scale) * np.float32(step)) for step in steps]
    kept = LEVELS[name]
    levels = struct.unpack_from("<2f", block)
    bits = [
        [block[first + place // 8] >> (7 - place % 8) & 1 for place in range(kept)]
        for first in (8, 8 + kept // 8)
    ]
    values = [levels[high] * (-1) ** sign for sign, high in zip(*bits, strict=True)]
    if name == "2bit":
        return values
    packed = int.from_bytes(block[8 + kept // 4 :], "little")
    row = [0.0] * BLOCK
    for index, value in enumerate(values):
        row[packed >> (12 * index) & 4095] = value
    return row


@every_code
@given(counts, st.integers(0, 2**32 - 1))
def test_sizes_are_arithmetic_and_plain_loops_decode_the_same(
    code: MergeCode, count: int, seed: int
) -> None:
    count %= 3 * BLOCK
    content = code.encode(drawn(seed, count))
    assert len(content) == code.size(count) == -(-count // BLOCK) * BLOCK_BYTES[code.name]
    blocks = [content[i : i + code.size(1)] for i in range(0, len(content), code.size(1))]
    plain = [value for block in blocks for value in plain_block(code.name, block)][:count]
    decoded = code.decode(content, count)
    assert decoded.dtype == np.float32
    assert np.array_equal(decoded, np.array(plain, np.float32))


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50))
def test_bf16_rounds_as_torch_does(patterns: list[int]) -> None:
    """Ties too, which random numbers hardly meet."""
    halves = np.array(patterns, np.uint32) & np.uint32(0xFFFF0000) | np.uint32(0x8000)
    values = np.concatenate([np.array(patterns, np.uint32), halves]).view(np.float32)
    values = np.where(np.abs(values) < LARGEST, values, np.float32(0))
    theirs = torch.from_numpy(values).bfloat16().float().numpy()
    assert np.array_equal(BF16.decode(BF16.encode(values), len(values)), theirs)


@pytest.mark.parametrize(
    ("name", "bytes_a_number"),
    [("bf16", 2), ("int8", 1), ("2bit", 0.25), ("top", 0.22), ("top-64", 0.027)],
)
def test_a_number_takes_what_the_design_says(name: str, bytes_a_number: float) -> None:
    """But for the levels or the scale of a block."""
    taken = CODES[name].size(2**20) / 2**20
    assert abs(taken - bytes_a_number) <= 8 / BLOCK + 0.001


@every_code
@given(counts, st.integers(0, 2**32 - 1), st.sampled_from([0, 3, 30, 90]))
def test_decoded_and_lost_are_what_was_to_be_sent(
    code: MergeCode, count: int, seed: int, exponents: int
) -> None:
    change, residual = drawn(seed, count, exponents), drawn(seed + 1, count, exponents)
    wanted = change + residual
    content, lost = compressed(code, change, residual)
    decoded = code.decode(content, count)
    missing = np.abs(decoded.astype(float) + lost - wanted)
    assert (missing <= 2.0**-24 * np.abs(lost)).all()
    if code.name == "bf16":
        assert np.array_equal(decoded + lost, wanted)


@every_code
def test_the_error_is_that_of_the_code(code: MergeCode) -> None:
    values = np.random.default_rng(5).standard_normal(2**18).astype(np.float32)
    lost = values - code.decode(code.encode(values), len(values))
    assert np.square(lost).mean() / np.square(values).mean() <= ERRORS[code.name]


@every_code
def test_what_is_lost_arrives_with_the_next(code: MergeCode) -> None:
    """The same change again and again: what arrived is all that was sent, but for one residual."""
    change, rounds = drawn(3, 2 * BLOCK), 400
    arrived, residual = np.zeros(len(change)), np.zeros_like(change)
    for _ in range(rounds):
        content, residual = compressed(code, change, residual)
        arrived += code.decode(content, len(change))
    share = np.linalg.norm(arrived / rounds - change) / np.linalg.norm(change)
    assert share <= {"top-64": 0.25, "top": 0.02, "2bit": 0.025}.get(code.name, 0.001)


@pytest.mark.parametrize("name", ["top", "top-64"])
def test_the_largest_of_each_block_are_kept(name: str) -> None:
    values = drawn(11, 3 * BLOCK)
    kept = CODES[name].decode(CODES[name].encode(values), len(values)).reshape(3, BLOCK) != 0
    sizes = np.abs(values).reshape(3, BLOCK)
    for row, places in zip(sizes, kept, strict=True):
        assert places.sum() == LEVELS[name]
        assert row[places].min() >= row[~places].max()


@every_code
@pytest.mark.parametrize("value", [0.0, 1.5, -1.5])
def test_equal_numbers_come_back(code: MergeCode, value: float) -> None:
    values = np.full(60, value, np.float32)
    assert code.decode(code.encode(values), 60) == pytest.approx(values, rel=1e-6)


@every_code
def test_a_block_does_not_depend_on_its_neighbours(code: MergeCode) -> None:
    """So that a run of whole blocks is a range of the bytes."""
    values, size = drawn(7, 70 * BLOCK), code.size(BLOCK)
    content = code.encode(values)
    assert content[3 * size : 60 * size] == code.encode(values[3 * BLOCK : 60 * BLOCK])


@every_code
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2.0**100])
def test_what_is_no_number_is_not_sent(code: MergeCode, bad: float) -> None:
    values = drawn(1, 5000)
    values[4500] = bad
    with pytest.raises(InputError, match=f"{code.name}: .* not below"):
        code.encode(values)


@every_code
@pytest.mark.parametrize("change", [-1, 1, 2**20])
def test_other_sizes_are_refused(code: MergeCode, change: int) -> None:
    with pytest.raises(InputError, match="bytes, not"):
        code.decode(bytes(code.size(5000) + change), 5000)


@every_code
@given(st.integers(0, 2**32 - 1))
def test_any_bytes_of_the_size_decode(code: MergeCode, seed: int) -> None:
    content = np.random.default_rng(seed).bytes(code.size(BLOCK))
    assert len(code.decode(content, BLOCK)) == BLOCK


@pytest.mark.parametrize("name", ["top", "top-64"])
def test_a_block_with_one_place_twice_is_no_numbers(name: str) -> None:
    code = CODES[name]
    packed = np.frombuffer(code.encode(drawn(1, 3 * BLOCK)), code.layout).copy()
    packed["places"][1, 3] = packed["places"][1, 2]
    rows = code.decode(packed.tobytes(), 3 * BLOCK).reshape(3, BLOCK)
    assert np.isnan(rows).any(axis=1).tolist() == [False, True, False]


def test_an_infinite_scale_is_decoded_without_a_warning() -> None:
    content = struct.pack("<f", np.inf) + bytes(BLOCK)
    assert np.isnan(CODES["int8"].decode(content, BLOCK)).all()


def test_numbers_too_small_for_a_scale_stay_in_the_residual() -> None:
    tiny = np.full(10, 2.0**-140, np.float32)
    content, lost = compressed(CODES["int8"], tiny, np.zeros_like(tiny))
    assert not CODES["int8"].decode(content, 10).any()
    assert np.array_equal(lost, tiny)


def test_a_residual_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="a change of"):
        compressed(CODES["2bit"], np.zeros(3, np.float32), np.zeros(1, np.float32))
