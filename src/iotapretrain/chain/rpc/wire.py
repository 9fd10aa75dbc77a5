"""JSON-RPC 2.0: what a message is, and how every mistake in one is answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

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


class Envelope(msgspec.Struct):
    """A request as it was sent. Its parts stay bytes until they are needed: as values they can take
    twenty times the memory, and they would wait for the node's answer with it."""

    jsonrpc: msgspec.Raw = NOTHING
    id: msgspec.Raw = NOTHING
    method: msgspec.Raw = NOTHING
    params: msgspec.Raw = NOTHING


_ARRAY = re.compile(rb"\s*\[")
_ENVELOPE = msgspec.json.Decoder(Envelope)
_BATCH = msgspec.json.Decoder(list[msgspec.Raw])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Request:
    """One question; a notification has no id and gets no answer."""

    method: str
    raw_params: msgspec.Raw
    id: Id
    notification: bool = False

    @property
    def params(self) -> list[Any]:
        """The parameters as values."""
        params = _value(self.raw_params)
        if not isinstance(params, list | None):
            raise RpcError(INVALID_PARAMS, "Invalid params: give them by position, in an array")
        return params or []


def check_values(message: bytes, most: int) -> None:
    """Refuse a message that would take long to read, without reading it."""
    if sum(map(message.count, (b",", b"[", b"{"))) > most:
        raise RpcError(INVALID_REQUEST, f"Invalid request: more than {most} values in one message")


def read_batch(message: bytes) -> list[msgspec.Raw] | None:
    """The requests of a batch; None if the message is no array."""
    if not _ARRAY.match(message):
        return None
    try:
        return _BATCH.decode(message)
    except _UNREADABLE as error:
        raise RpcError(PARSE_ERROR, f"Parse error: {error}") from None


def read_envelope(message: bytes | msgspec.Raw) -> Envelope:
    """A request, whatever it asks for."""
    try:
        return _ENVELOPE.decode(message)
    except msgspec.ValidationError:
        problem = 'not an object with "jsonrpc": "2.0"'
        raise RpcError(INVALID_REQUEST, f"Invalid request: {problem}") from None
    except _UNREADABLE as error:
        raise RpcError(PARSE_ERROR, f"Parse error: {error}") from None


def read_request(envelope: Envelope) -> Request:
    """What it asks for."""
    if _value(envelope.jsonrpc) != "2.0":
        problem = 'not an object with "jsonrpc": "2.0"'
        raise RpcError(INVALID_REQUEST, f"Invalid request: {problem}")
    method = _value(envelope.method)
    if not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "Invalid request: the method is not a string")
    notification = not bytes(envelope.id)
    return Request(method, envelope.params, read_id(envelope), notification)


def read_id(envelope: Envelope) -> Id:
    """The id to answer to, None where there is none that can be answered to."""
    identity = _value(envelope.id)
    return identity if isinstance(identity, int | str) else None


def _value(raw: msgspec.Raw) -> Any:
    """A part of a request as a value; None where it is missing."""
    try:
        return msgspec.json.decode(raw) if bytes(raw) else None
    except _UNREADABLE as error:
        raise RpcError(PARSE_ERROR, f"Parse error: {error}") from None


def result(identity: Id, value: object) -> bytes:
    """An answer."""
    return msgspec.json.encode({"jsonrpc": "2.0", "result": value, "id": identity})


def failure(identity: Id, error: RpcError) -> bytes:
    """An answer that is an error."""
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return msgspec.json.encode({"jsonrpc": "2.0", "error": body, "id": identity})


def notification(method: str, subscription: str, value: object) -> bytes:
    """News for a subscription."""
    params = {"subscription": subscription, "result": value}
    return msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params})
