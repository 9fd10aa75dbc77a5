"""Parameters of RPC methods: positional, typed, and refused by name when they do not fit."""

from __future__ import annotations

from typing import Any, TypeVar

import bittensor_core

from iotapretrain.chain.rpc.wire import INVALID_PARAMS, RpcError

HASH_BYTES = 32
T = TypeVar("T")


class Params:
    """The positional parameters of one request."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def optional(self, position: int) -> Any:
        """A parameter, or None where it is missing."""
        return self._values[position] if position < len(self._values) else None

    def text(self, position: int) -> str:
        """A string."""
        return _expect(self.optional(position), str, position)

    def integer(self, position: int) -> int:
        """A whole number that is not negative."""
        number = _expect(self.optional(position), int, position)
        if number < 0 or isinstance(number, bool):
            raise _unfit(position, "a whole number")
        return number

    def hex(self, position: int) -> bytes:
        """Bytes as hex, with or without 0x."""
        return from_hex(self.text(position), position)

    def hexes(self, position: int, most: int, most_bytes: int | None = None) -> list[bytes]:
        """A list of hex strings, of bounded length; each too, if so many bytes are the most."""
        values = _expect(self.optional(position), list, position)
        if len(values) > most:
            raise _unfit(position, f"at most {most} values")
        found = [from_hex(_expect(value, str, position), position) for value in values]
        if most_bytes is not None and max(map(len, found), default=0) > most_bytes:
            raise _unfit(position, f"values of at most {most_bytes} bytes")
        return found

    def account(self, position: int) -> str:
        """An account's address."""
        address = self.text(position)
        try:
            return str(bittensor_core.ss58_encode(bittensor_core.ss58_decode(address)))
        except ValueError:
            raise _unfit(position, "an ss58 address") from None

    def hash(self, position: int) -> bytes | None:
        """A block hash; None where it is missing."""
        if self.optional(position) is None:
            return None
        data = self.hex(position)
        if len(data) != HASH_BYTES:
            raise _unfit(position, f"{HASH_BYTES} bytes of hex")
        return data


def from_hex(text: str, position: int) -> bytes:
    """Bytes from hex."""
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise _unfit(position, "hex") from None


def to_hex(data: bytes) -> str:
    """Hex as Substrate writes it."""
    return "0x" + data.hex()


def _expect(value: object, kind: type[T], position: int) -> T:
    if not isinstance(value, kind):
        raise _unfit(position, kind.__name__)
    return value


def _unfit(position: int, expected: str) -> RpcError:
    return RpcError(INVALID_PARAMS, f"Invalid params: parameter {position + 1} must be {expected}")
