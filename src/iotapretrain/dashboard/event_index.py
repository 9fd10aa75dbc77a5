"""Events into the index: the newest of each kind, and every refusal of a model."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, final

import msgspec

from iotapretrain.dashboard.api_types import Why
from iotapretrain.dashboard.index import Index, insert
from iotapretrain.observe.events import AnyEvent, ModelFetched

KEPT_OF_A_KIND = 20_000
PRUNED_EVERY = 2_000
VALIDATOR = "validator:"


@final
class EventWriter:
    """Writes events; forgets the oldest of a kind of which there are too many."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._since_pruned = 0

    def write(self, events: Sequence[AnyEvent]) -> int:
        """All in one batch; their number."""
        with self._index.batch() as batch:
            insert(batch, "events", [_row(event) for event in events])
            fetched = (event for event in events if isinstance(event, ModelFetched))
            of_validators = (event for event in fetched if event.source.startswith(VALIDATOR))
            insert(batch, "verdicts", [_verdict(event) for event in of_validators])
            self._prune(batch, len(events))
        return len(events)

    def _prune(self, batch: sqlite3.Connection, added: int) -> None:
        self._since_pruned += added
        if self._since_pruned < PRUNED_EVERY:
            return
        self._since_pruned = 0
        for (kind,) in batch.execute("SELECT DISTINCT kind FROM events").fetchall():
            batch.execute(
                "DELETE FROM events WHERE kind = ?1 AND id <= (SELECT id FROM events WHERE "
                "kind = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                (kind, KEPT_OF_A_KIND),
            )


def _row(event: AnyEvent) -> dict[str, Any]:
    kind, body = event.__struct_config__.tag, msgspec.json.encode(event)
    return {"time": event.time, "source": event.source, "kind": kind, "body": body}


def _verdict(event: ModelFetched) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(event),
        "validator": event.source.removeprefix(VALIDATOR),
        "revision": event.commit,
        "reasons": msgspec.json.encode([_why(each) for each in event.reasons]),
    }


def _why(reason: str) -> Why:
    code, colon, sentence = reason.partition(": ")
    return Why(code, sentence) if colon and " " not in code else Why("refused", reason)
