"""Frames: sizes by arithmetic, and whatever is not what the run's file says is refused by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iotapretrain.errors import FrameError
from iotapretrain.rules.swarm.frame import (
    HEADER_BYTES,
    Direction,
    Frame,
    FrameShape,
    check_size,
    id_bytes_of,
    read_frame,
)

SHAPE = FrameShape(rows=2, positions=3, width=4, wire="bfloat16", id_bytes=2)
SAMPLE = b"sixteen bytes of"


def frame(shape: FrameShape = SHAPE, way: Direction = Direction.FORWARD) -> Frame:
    positions = shape.rows * shape.positions
    ids, payload = bytes(shape.ids_bytes(way)), bytes(range(shape.row_bytes)) * positions
    return Frame(way, 1, SAMPLE, ids, payload, b"\7" * 64)


@pytest.mark.parametrize(
    ("wire", "row"), [("float32", 4 * 4), ("bfloat16", 2 * 4), ("int8", 4 + 2)]
)
@pytest.mark.parametrize("ids", [0, 2, 4])
def test_bytes_are_header_ids_and_rows(wire: str, row: int, ids: int) -> None:
    shape = replace(SHAPE, wire=wire, id_bytes=ids)
    forward = 132 + 6 * ids + 6 * row
    backward = 132 + 6 * row
    assert len(frame(shape).to_bytes(shape)) == shape.frame_bytes(Direction.FORWARD) == forward
    back = frame(shape, Direction.BACKWARD).to_bytes(shape)
    assert len(back) == shape.frame_bytes(Direction.BACKWARD) == backward
    assert shape.token_bytes() == (forward + backward) / 6


@pytest.mark.parametrize("way", list(Direction))
def test_what_is_read_is_what_was_written(way: Direction) -> None:
    sent = frame(way=way)
    assert read_frame(sent.to_bytes(SHAPE), SHAPE, 1, "miner-1") == sent


def test_the_signature_is_over_all_else() -> None:
    sent = frame()
    assert sent.signed_bytes(SHAPE) == replace(sent, signature=bytes(64)).signed_bytes(SHAPE)
    assert sent.to_bytes(SHAPE).startswith(sent.signed_bytes(SHAPE))
    for other in (replace(sent, sample=bytes(16)), replace(sent, ids=b"\1" * 12)):
        assert other.signed_bytes(SHAPE) != sent.signed_bytes(SHAPE)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c[: HEADER_BYTES - 1], "less than a header"),
        (lambda c: b"\2" + c[1:], "version 2"),
        (lambda c: c[:1] + b"\2" + c[2:], "direction 2"),
        (lambda c: c[:2] + b"\2" + c[3:], "says it is stage 2, and is stage 1"),
        (lambda c: c[:3] + b"\1"[:0] + b"\0" + c[4:], "not \\(2, 3, 4, 'bfloat16'\\)"),
        (lambda c: c[:3] + b"\xff" + c[4:], "not \\(2, 3, 4, 'bfloat16'\\)"),
        (lambda c: c[:4] + b"\3" + c[5:], "\\(3, 3, 4"),
        (lambda c: c + b"\0", "bytes forward, not"),
        (lambda c: c[:-1], "bytes forward, not"),
        (lambda c: c[:-1] + b"\xff", "not what its digest says"),
    ],
)
def test_a_wrong_frame_is_refused_with_who_and_what(change: object, reason: str) -> None:
    content = change(frame().to_bytes(SHAPE))  # type: ignore[operator]
    with pytest.raises(FrameError, match=f"frame of miner-1: .*{reason}") as refused:
        read_frame(content, SHAPE, 1, "miner-1")
    assert refused.value.sender == "miner-1"


@pytest.mark.parametrize("size", [0, 131, 2**40])
def test_a_size_is_refused_before_a_byte_is_read(size: int) -> None:
    with pytest.raises(FrameError, match=f"frame of miner-2: {size:,} bytes backward"):
        check_size(size, SHAPE, Direction.BACKWARD, "miner-2")


def test_ids_are_as_short_as_the_vocabulary_allows() -> None:
    assert [id_bytes_of(size) for size in (257, 65_536, 65_537, 128_256)] == [2, 2, 4, 4]
