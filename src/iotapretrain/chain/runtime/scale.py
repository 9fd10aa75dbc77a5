"""Bytes as Substrate has them: the few shapes of SCALE that we write ourselves, and hex."""

from __future__ import annotations

from collections.abc import Iterable

BIG_INTEGER_MODE = 0b11


def compact(value: int) -> bytes:
    """A whole number in as few bytes as it needs; the two low bits say how many."""
    for mode, width in enumerate((1, 2, 4)):
        if value < 1 << (8 * width - 2):
            return (value << 2 | mode).to_bytes(width, "little")
    size = (value.bit_length() + 7) // 8
    return bytes([(size - 4) << 2 | BIG_INTEGER_MODE]) + value.to_bytes(size, "little")


def read_compact(data: bytes) -> tuple[int, int]:
    """The whole number at the start of `data`, and how many bytes it took."""
    mode = data[0] & 0b11
    if mode == BIG_INTEGER_MODE:
        size = (data[0] >> 2) + 5
        return int.from_bytes(data[1:size], "little"), size
    size = 1 << mode
    return int.from_bytes(data[:size], "little") >> 2, size


def to_hex(data: bytes) -> str:
    """Hex as Substrate writes it."""
    return "0x" + data.hex()


def blob(value: bytes) -> bytes:
    """Bytes after their length."""
    return compact(len(value)) + value


def text(value: str) -> bytes:
    """UTF-8 after its length."""
    return blob(value.encode())


def sequence(items: Iterable[bytes]) -> bytes:
    """Encoded items after their count."""
    encoded = list(items)
    return compact(len(encoded)) + b"".join(encoded)


def option(value: bytes | None) -> bytes:
    """An encoded value, or its absence."""
    return b"\x00" if value is None else b"\x01" + value
