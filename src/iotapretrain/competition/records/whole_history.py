"""All that a validator ever published: every repository that its commitments have named.

A validator may move to a new repository, but not out of its history. Each commitment carries the
block that dates it, so that the one before stands on the chain a block earlier: one is found behind
the other, back to the block at which the hotkey got its uid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.records.committed import Ground, ground_at
from iotapretrain.competition.records.public_rounds import (
    PublicRounds,
    anchored_digest,
    rounds_repository,
)
from iotapretrain.competition.records.round_record import SignedRound, round_digest
from iotapretrain.errors import MissingModelError
from iotapretrain.hub.protocol import FileEntry, Hub, RepositoryId

MOST_LOOKS = 1000
"""Old blocks that are looked at: with an anchor an hour, six weeks."""


@dataclass(frozen=True)
class Said:
    """A `rounds:` commitment; `paid` if the validator set weights while it stood."""

    block: int
    repository: RepositoryId
    anchor: str | None
    paid: bool


@dataclass(frozen=True)
class Trail:
    """All of a hotkey's `rounds:` commitments, newest first; `cut` says why there may be more."""

    said: tuple[Said, ...] = ()
    cut: str | None = None

    @property
    def repositories(self) -> tuple[RepositoryId, ...]:
        return tuple(dict.fromkeys(each.repository for each in self.said))

    @property
    def began(self) -> int | None:
        """Since when its records are to be read somewhere."""
        return min((each.block for each in self.said), default=None)


async def read_trail(client: ChainClient, ground: Ground, hotkey: str) -> Trail:
    """From the newest block back; where there is no readable commitment, epoch by epoch."""
    said: list[Said] = []
    for _ in range(MOST_LOOKS):
        uid = ground.metagraph.uid(hotkey)
        if uid is None:
            return Trail(tuple(said))
        found = said_at(ground, hotkey)
        said += [] if found is None else [found]
        block = _before(ground, hotkey)
        if block < int(ground.metagraph.registered[uid]):
            return Trail(tuple(said))
        earlier = await ground_at(client, ground.metagraph.netuid, block)
        if earlier is None:
            return Trail(tuple(said), f"commitments before block {block} are no longer kept")
        ground = earlier
    return Trail(tuple(said), f"commitments before block {ground.block} were not looked for")


def said_at(ground: Ground, hotkey: str) -> Said | None:
    """What a hotkey says of its records at a block; None if nothing, or if it has no uid."""
    text, uid = ground.text(hotkey) or "", ground.metagraph.uid(hotkey)
    repository = rounds_repository(text)
    if repository is None or uid is None:
        return None
    block = ground.commitments.by_hotkey[hotkey].block
    paid = int(ground.metagraph.last_update[uid]) > block
    return Said(block, repository, anchored_digest(text), paid)


def _before(ground: Ground, hotkey: str) -> int:
    """The block before the commitment, or before the last epoch if none can be read."""
    found = ground.commitments.by_hotkey.get(hotkey)
    return (ground.metagraph.last_step if found is None else found.block) - 1


@dataclass
class WholeHistory:
    """A validator's records in all its repositories, the newest repository first."""

    hub: Hub
    repositories: Sequence[RepositoryId]
    gone: list[RepositoryId] = field(default_factory=list)
    """Of the earlier repositories, those that the hub shows no more; known after `numbers`."""
    _places: dict[int, list[PublicRounds]] = field(default_factory=dict)
    _read: dict[int, SignedRound] = field(default_factory=dict)

    def numbers(self) -> list[int]:
        """Of all rounds that can be read, in order."""
        self._places, self.gone = {}, []
        for place, repository in enumerate(self.repositories):
            rounds = PublicRounds(self.hub, repository)
            try:
                numbers = rounds.numbers()
            except MissingModelError:
                if place == 0 and len(self.repositories) == 1:
                    raise
                self.gone.append(repository)
                continue
            for number in numbers:
                self._places.setdefault(number, []).append(rounds)
        return sorted(self._places)

    def read(self, number: int) -> SignedRound:
        """The record of one of these rounds, as the newest repository has it."""
        if number not in self._read:
            self._read[number] = self._places[number][0].read(number)
        return self._read[number]

    def file(self, number: int) -> FileEntry:
        """The file of one of these rounds, as the newest repository lists it."""
        return self._places[number][0].file(number)

    def twice(self) -> list[int]:
        """Rounds of which two repositories list different files; no record is read for that."""
        return [
            number
            for number, places in sorted(self._places.items())
            if len({each.file(number).content_key for each in places}) > 1
        ]

    def doubles(self) -> Iterator[tuple[int, str, str]]:
        """Rounds with two records: the number, and their digests."""
        for number, places in sorted(self._places.items()):
            digests = [round_digest(each.read(number).record).hex() for each in places]
            for other in digests[1:]:
                if other != digests[0]:
                    yield number, digests[0], other

    def has(self, anchor: str) -> bool:
        """Whether a record's digest begins so; the newest are looked at first."""
        return any(
            round_digest(each.read(number).record).hex().startswith(anchor)
            for number in sorted(self._places, reverse=True)
            for each in self._places[number]
        )
