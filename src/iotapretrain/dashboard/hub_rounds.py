"""Records of validators on other machines: of whom they are taken, and which."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import final

from iotapretrain.chain.metagraph import Commitments
from iotapretrain.chain.wallets import is_signature
from iotapretrain.competition.records.public_rounds import rounds_repository
from iotapretrain.competition.records.round_record import SignedRound, is_sealed
from iotapretrain.competition.records.whole_history import WholeHistory
from iotapretrain.dashboard.hub_admission import (
    NOBODY,
    Omission,
    Quota,
    ever_permitted,
    had_permit,
    keep_counts,
)
from iotapretrain.dashboard.index import Index
from iotapretrain.dashboard.round_index import RoundWriter
from iotapretrain.errors import (
    BadRoundError,
    CorruptModelError,
    HubError,
    MissingModelError,
    RefusedModelError,
)
from iotapretrain.hub.protocol import FileEntry, Hub, RepositoryId
from iotapretrain.net.retry import Clock
from iotapretrain.rules.sampling import SYNC_CADENCE, skipped_blocks

_log = logging.getLogger(__name__)

ROUNDS_AT_ONCE = 25
BYTES_AT_ONCE = 32 << 20
"""Of one validator at one look, so that a large hub holds nothing up."""
MOST_LEFT_OUT = 1_000
"""Files of one validator that were read in vain; then only what it publishes from now on is."""


@dataclass(frozen=True)
class Publishers:
    """The network as records must fit it: where the chain is, and who publishes where."""

    network: str
    netuid: int
    commitments: Commitments
    repositories: Mapping[str, tuple[RepositoryId, ...]]
    """By hotkey, all that it ever named, the newest first: none, or many."""


@dataclass
class _Known:
    """What is known of one validator's files that are not shown."""

    left: dict[tuple[int, str], Omission] = field(default_factory=dict)
    """By round and content, so that no file is read twice."""
    floor: int = 0
    """The newest round that was dropped for want of room; none before it is read any more."""

    def heed(self, files: Mapping[int, FileEntry]) -> None:
        """What is listed now: forget the rest, and read nothing old of whom most was in vain."""
        listed = {(number, file.content_key) for number, file in files.items()}
        self.left = {key: reason for key, reason in self.left.items() if key in listed}
        if len(self.left) >= MOST_LEFT_OUT:
            self.floor = max(self.floor, *(number for number, _ in self.left))


@final
class HubRounds:
    """Reads a little at every look. First the permit, then the record itself, then the room."""

    def __init__(
        self,
        index: Index,
        hub: Hub,
        writer: RoundWriter,
        quota: Quota | None = None,
        cadence: int = SYNC_CADENCE,
        clock: Clock = time.time,
    ) -> None:
        self._index, self._hub, self._writer = index, hub, writer
        self._quota, self._cadence, self._clock = quota or Quota(index), cadence, clock
        self._known: defaultdict[str, _Known] = defaultdict(_Known)

    def look(self, publishers: Publishers) -> bool:
        """Whether anything was new; what the hub does not answer now waits."""
        permitted = ever_permitted(self._index)
        strangers = _named(publishers.commitments) - permitted
        new = keep_counts(self._index, NOBODY, {Omission.STRANGER: len(strangers)}, self._clock())
        for hotkey, repositories in publishers.repositories.items():
            if hotkey not in permitted or not repositories:
                continue
            try:
                new |= self._read(publishers, hotkey, repositories)
            except HubError as error:
                _log.info("rounds of %s cannot be read now: %s", hotkey, error)
        return new

    def _read(
        self, publishers: Publishers, hotkey: str, repositories: tuple[RepositoryId, ...]
    ) -> bool:
        history, known = WholeHistory(self._hub, repositories), self._known[hotkey]
        files = {number: history.file(number) for number in history.numbers()}
        known.heed(files)
        new = False
        for number in self._wanted(hotkey, files):
            reason = self._taken(publishers, hotkey, history, number, max(files[number].size, 1))
            if reason is not None:
                known.left[number, files[number].content_key] = reason
            new |= reason is None
        overdue = self._quota.overdue(hotkey)
        if overdue is not None:
            known.floor = max(known.floor, overdue)
            self._writer.forget(hotkey, overdue)
        counts = Counter(map(str, known.left.values()))
        counts[Omission.QUOTA] = sum(n <= known.floor for n in self._unknown(hotkey, files))
        counts[Omission.TWICE] = len(history.twice())
        counts[Omission.SKIPPED] = self._skipped(hotkey, publishers.commitments.block)
        return keep_counts(self._index, hotkey, counts, self._clock()) or new

    def _wanted(self, hotkey: str, files: Mapping[int, FileEntry]) -> Iterator[int]:
        """The newest that are not known, some at a time."""
        floor, bytes_left = self._known[hotkey].floor, BYTES_AT_ONCE
        wanted = [number for number in self._unknown(hotkey, files) if number > floor]
        for number in wanted[: -ROUNDS_AT_ONCE - 1 : -1]:
            if bytes_left > 0:
                bytes_left -= files[number].size
                yield number

    def _unknown(self, hotkey: str, files: Mapping[int, FileEntry]) -> list[int]:
        """Rounds that are neither shown nor left out, in order."""
        rows = self._index.rows("SELECT round FROM decided WHERE validator_hotkey = ?", (hotkey,))
        shown, left = {row["round"] for row in rows}, self._known[hotkey].left
        return [
            number
            for number, file in files.items()
            if number not in shown and (number, file.content_key) not in left
        ]

    def _taken(
        self, publishers: Publishers, hotkey: str, history: WholeHistory, number: int, size: int
    ) -> Omission | None:
        """None if the record is in the index now; what the hub cannot give now is raised."""
        try:
            signed = history.read(number)
        except (BadRoundError, CorruptModelError, MissingModelError, RefusedModelError):
            return Omission.UNREADABLE
        reason = self._why_not(publishers, hotkey, signed, size)
        if reason is None:
            self._writer.write([signed], size)
        return reason

    def _why_not(
        self, publishers: Publishers, hotkey: str, signed: SignedRound, size: int
    ) -> Omission | None:
        record = signed.record
        if not had_permit(self._index, hotkey, record.block):
            return Omission.NO_PERMIT
        if (record.network, record.netuid) != (publishers.network, publishers.netuid):
            return Omission.OTHER_NETWORK
        if record.validator != hotkey or not is_sealed(signed, is_signature):
            return Omission.NOT_SIGNED
        if not record.sync_block <= record.block <= publishers.commitments.block:
            return Omission.AHEAD
        return None if self._quota.has_room(signed, size) else Omission.CROWDED

    def _skipped(self, hotkey: str, head: int) -> int:
        rows = self._index.rows(
            "SELECT DISTINCT sync_block FROM decided WHERE validator_hotkey = ? AND sealed",
            (hotkey,),
        )
        recorded = [row["sync_block"] for row in rows]
        since = min(recorded, default=head)
        return len(skipped_blocks(recorded, since, head, self._cadence))


def _named(commitments: Commitments) -> frozenset[str]:
    """Who says on the chain where its records are."""
    return frozenset(
        hotkey
        for hotkey, commitment in commitments.by_hotkey.items()
        if rounds_repository(commitment.data.decode(errors="replace")) is not None
    )
