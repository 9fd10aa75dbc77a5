"""JSON-RPC 2.0: what a message is, and how every mistake in one is answered."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import bittensor_core
import msgspec

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
TOO_MANY_REQUESTS = -32005
TOO_MANY_SUBSCRIPTIONS = -32006
INVALID_TRANSACTION = 1010
UNKNOWN_BLOCK = 4003

Id = int | str | None


class RpcError(Exception):
    """An answer that says what is wrong with the question."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


NOTHING = msgspec.Raw(b"")


class RpcRequest(msgspec.Struct):
    """A request as it was sent. Its parts stay bytes until they are needed: as values they can take
    twenty times the memory, and they would wait for the node's answer with it."""

    jsonrpc: msgspec.Raw = NOTHING
    id: msgspec.Raw = NOTHING
    method: msgspec.Raw = NOTHING
    params: msgspec.Raw = NOTHING

    def identity(self) -> Id:
        """The id to answer to, None where there is none that can be answered to."""
        identity = _value(self.id)
        return identity if isinstance(identity, int | str) else None

    @property
    def notification(self) -> bool:
        """Whether it has no id and gets no answer."""
        return not bytes(self.id)

    def called(self) -> str:
        """The method that it asks for."""
        if _value(self.jsonrpc) != "2.0":
            raise RpcError(INVALID_REQUEST, f"Invalid request: {NO_REQUEST}")
        method = _value(self.method)
        if not isinstance(method, str):
            raise RpcError(INVALID_REQUEST, "Invalid request: the method is not a string")
        return method

    def values(self) -> list[Any]:
        params = _value(self.params)
        if not isinstance(params, list | None):
            raise RpcError(INVALID_PARAMS, "Invalid params: give them by position, in an array")
        return params or []


T = TypeVar("T")
NO_REQUEST = 'not an object with "jsonrpc": "2.0"'
_ARRAY = re.compile(rb"\s*\[")
_REQUEST = msgspec.json.Decoder(RpcRequest)
_BATCH = msgspec.json.Decoder(list[msgspec.Raw])
_VALUE: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def check_values(message: bytes, most: int) -> None:
    """Refuse a message that would take long to read, without reading it."""
    if sum(map(message.count, (b",", b"[", b"{"))) > most:
        raise RpcError(INVALID_REQUEST, f"Invalid request: more than {most} values in one message")


def read_batch(message: bytes) -> list[msgspec.Raw] | None:
    """The requests of a batch; None if the message is no array."""
    return _decoded(_BATCH, message) if _ARRAY.match(message) else None


def read_request(message: bytes | msgspec.Raw) -> RpcRequest:
    """A request, whatever it asks for."""
    return _decoded(_REQUEST, message)


def _value(raw: msgspec.Raw) -> Any:
    """A part of a request as a value; None where it is missing."""
    return _decoded(_VALUE, raw) if bytes(raw) else None


def _decoded(decoder: msgspec.json.Decoder[T], message: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(message)
    except msgspec.ValidationError:
        raise RpcError(INVALID_REQUEST, f"Invalid request: {NO_REQUEST}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RpcError(PARSE_ERROR, f"Parse error: {error}") from None


def result(identity: Id, value: object) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "result": value, "id": identity})


def failure(identity: Id, error: RpcError) -> bytes:
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return msgspec.json.encode({"jsonrpc": "2.0", "error": body, "id": identity})


def notification(method: str, subscription: str, value: object) -> bytes:
    """News for a subscription."""
    params = {"subscription": subscription, "result": value}
    return msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params})


HASH_BYTES = 32


class Params:
    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def optional(self, position: int) -> Any:
        return self._values[position] if position < len(self._values) else None

    def text(self, position: int) -> str:
        return _expect(self.optional(position), str, position)

    def integer(self, position: int) -> int:
        number = _expect(self.optional(position), int, position)
        if number < 0 or isinstance(number, bool):
            raise _unfit(position, "a whole number")
        return number

    def hex(self, position: int) -> bytes:
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
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise _unfit(position, "hex") from None


def _expect(value: object, kind: type[T], position: int) -> T:
    if not isinstance(value, kind):
        raise _unfit(position, kind.__name__)
    return value


def _unfit(position: int, expected: str) -> RpcError:
    return RpcError(INVALID_PARAMS, f"Invalid params: parameter {position + 1} must be {expected}")
