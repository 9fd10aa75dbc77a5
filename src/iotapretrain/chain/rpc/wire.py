"""JSON-RPC 2.0: what a message is, and how every mistake in one is answered."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Request:
    """One question; a notification has no id and gets no answer."""

    method: str
    params: list[Any]
    id: Id
    notification: bool = False


def parse(message: str | bytes) -> Any:
    """The JSON value of a message."""
    try:
        return msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RpcError(PARSE_ERROR, f"Parse error: {error}") from None


def read_request(value: Any) -> Request:
    """A request from a JSON value."""
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'Invalid request: not an object with "jsonrpc": "2.0"')
    method, params = value.get("method"), value.get("params")
    if not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "Invalid request: the method is not a string")
    if not isinstance(params, list | None):
        raise RpcError(INVALID_PARAMS, "Invalid params: give them by position, in an array")
    return Request(method, params or [], read_id(value), notification="id" not in value)


def read_id(value: Any) -> Id:
    """The id to answer to, None where there is none that can be answered to."""
    identity = value.get("id") if isinstance(value, dict) else None
    return identity if isinstance(identity, int | str) else None


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
