"""Records of a run's log as entries of a journal, and back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

import msgspec

from iotapretrain.errors import RecordError
from iotapretrain.rules.swarm.log.swarm_records import SwarmRecord
from iotapretrain.store.record import Draft, canonical, parse

KINDS: Mapping[str, type[Any]] = MappingProxyType(
    {kind.__name__: kind for kind in get_args(SwarmRecord)}
)


def to_draft(record: SwarmRecord, author: str = "", signature: bytes = b"") -> Draft:
    """The record as a journal takes it, with who asked for it."""
    payload = canonical(msgspec.to_builtins(record))
    return Draft(type(record).__name__, payload, author, signature)


def from_draft(draft: Draft) -> SwarmRecord:
    """The record of an entry; RecordError for what no run's log can hold."""
    kind = KINDS.get(draft.kind)
    if kind is None:
        raise RecordError(f"{draft.kind!r} is no record of a run; is this another journal?")
    try:
        record: SwarmRecord = msgspec.convert(parse(draft.payload), kind)
    except msgspec.ValidationError as error:
        raise RecordError(f"{draft.kind}: {error}") from error
    return record
