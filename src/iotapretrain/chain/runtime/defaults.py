"""The bytes of the values that the description itself contains: defaults and constants."""

from __future__ import annotations

import re

from iotapretrain.chain.runtime import scale
from iotapretrain.chain.runtime.grammar import parse_fields, split
from iotapretrain.chain.runtime.shapes import SHAPES
from iotapretrain.chain.runtime.types import PATHS

INTEGER = re.compile(r"([ui])(\d+)")


def encode(kind: str, value: object = None) -> bytes:
    """A value as bytes; None is the zero of its type: 0, nothing, the first case of an enum."""
    kind = "".join(kind.split())
    integer = INTEGER.fullmatch(kind)
    if integer:
        number = value if isinstance(value, int) else 0
        return number.to_bytes(int(integer[2]) // 8, "little", signed=integer[1] == "i")
    if kind == "bool":
        return bytes([bool(value)])
    if kind.startswith("Vec<u8>") and isinstance(value, str):
        return scale.text(value)
    if kind.endswith(">"):
        return scale.compact(value if isinstance(value, int) else 0)
    return _composite(kind, value)


def _composite(kind: str, value: object) -> bytes:
    if kind.startswith("["):
        element, length = split(kind[1:-1], ";")
        return encode(element) * int(length)
    if kind.startswith("("):
        members = split(kind[1:-1], ",")
    else:
        text = SHAPES[PATHS[kind]].strip()
        if text[0] not in "{(":
            return b"\x00"
        members = [field.type for field in parse_fields(text[1:-1])]
    values = value if isinstance(value, tuple) else (value,) * len(members)
    return b"".join(encode(member, item) for member, item in zip(members, values, strict=True))
