"""A validator's journal: the rules' records as payloads, and the state that is folded from them.

A closed round carries its signed record beside it, so that whoever has the journal can publish it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from iotapretrain.competition.records.round_record import SignedRound
from iotapretrain.disk.whole_files import close_to_others
from iotapretrain.errors import RecordError
from iotapretrain.rules.competition.validator import decide as rules
from iotapretrain.rules.competition.validator import journal_records
from iotapretrain.rules.competition.validator.apply import apply
from iotapretrain.rules.competition.validator.state import State
from iotapretrain.store.fold import Fold, Machine
from iotapretrain.store.journal import Journal
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft, Record, canonical, parse

NAME = "validator/1"
SNAPSHOT_EVERY = 200
"""Records that opening replays at most: a round makes a few, each with its models in it."""

KINDS: Mapping[str, type[journal_records.Record]] = MappingProxyType(
    {
        "begun": journal_records.Begun,
        "committed": journal_records.Committed,
        "left": journal_records.Left,
        "looked": journal_records.Looked,
        "round-opened": journal_records.RoundOpened,
        "round-closed": journal_records.RoundClosed,
        "round-given-up": journal_records.RoundGivenUp,
        "round-published": journal_records.RoundPublished,
    }
)
_NAMES = {kind: name for name, kind in KINDS.items()}


@dataclass(frozen=True)
class Order:
    """A command; with the signed record if it closes a round."""

    command: rules.Command
    signed: SignedRound | None = None


Memory = Fold[State, Order]


def open_memory(
    where: str | Path, network: str, netuid: int, hotkey: str
) -> tuple[Journal, Memory]:
    """The journal of one validator on one subnet, and its state; another's is refused.

    It holds the secret salt: one that was made before journals were private is closed to others.
    """
    file = str(where).removeprefix("sqlite:///")
    if "://" not in file:
        close_to_others(Path(file))
    journal = open_journal(where, f"iota validator {network} {netuid} {hotkey}")
    try:
        return journal, Fold(journal, MACHINE, SNAPSHOT_EVERY)
    except BaseException:
        journal.close()
        raise


def signed_round(journal: Journal, place: int) -> SignedRound:
    """The signed record that lies at this place of the journal."""
    record = journal.record(place)
    if record is None or record.kind != _NAMES[journal_records.RoundClosed]:
        raise RecordError(f"{journal.name}: record {place} closes no round")
    return msgspec.convert(_payload(record)["signed"], SignedRound)


def _decide(state: State, order: Order) -> Iterator[Draft]:
    for record in rules.decide(state, order.command):
        payload = {"record": msgspec.to_builtins(record, str_keys=True, enc_hook=_plain)}
        if isinstance(record, journal_records.RoundClosed):
            payload["signed"] = msgspec.to_builtins(order.signed)
        yield Draft(_NAMES[type(record)], canonical(payload))


def _apply(state: State, stored: Record) -> State:
    if stored.kind not in KINDS:
        raise RecordError(f"a validator has no records of the kind {stored.kind!r}")
    try:
        record = msgspec.convert(_payload(stored)["record"], KINDS[stored.kind], str_keys=True)
    except (msgspec.ValidationError, KeyError) as error:
        raise RecordError(f"record {stored.sequence}: {error}") from error
    if isinstance(record, journal_records.RoundClosed):
        record = replace(record, place=stored.sequence)
    return apply(state, record)


def _payload(record: Record) -> dict[str, Any]:
    payload = parse(record.payload)
    if not isinstance(payload, dict):
        raise RecordError(f"record {record.sequence} is no table")
    return payload


def _plain(value: object) -> dict[object, object]:
    """The standings' read-only mappings, which the encoder does not know."""
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} is no part of a state")


MACHINE: Machine[State, Order] = Machine(
    name=NAME,
    initial=State(),
    decide=_decide,
    apply=_apply,
    dump=msgspec.msgpack.Encoder(enc_hook=_plain).encode,
    load=msgspec.msgpack.Decoder(State).decode,
)
