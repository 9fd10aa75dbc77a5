"""Round records where everybody finds them: one file a round in a hub repository of the validator.

    rounds/000001.json, rounds/000002.json, …        each a `SignedRound`
    rounds:NAMESPACE/NAME[@DIGEST]                   the validator's commitment, which says where,
                                                     and how its newest record's digest begins

The files are strangers' bytes: bounded, verified against the listing, and read by schema alone.
"""

from __future__ import annotations

import re

import msgspec

from iotapretrain.competition.records.round_record import SCHEMA, SignedRound
from iotapretrain.errors import BadRoundError, HubError, InputError, MissingModelError
from iotapretrain.hub.fetch import read_small
from iotapretrain.hub.protocol import MOST_ENTRIES, Commit, FileEntry, Hub, Listing, RepositoryId

LARGEST_RECORD = 16 << 20
"""Far more than 256 models on a hundred pages take."""

_COMMITMENT = "rounds:"
_ANCHOR = re.compile(r"[0-9a-f]{24,64}", re.ASCII)
MOST_BYTES = 128
"""Of a commitment; the longest name of a repository leaves 24 digits of the digest."""
_FILE = re.compile(r"rounds/(\d{6,})\.json", re.ASCII)


def rounds_commitment(repository: RepositoryId, digest: str | None = None) -> str:
    """What a validator commits to say where its records are, and that the newest is this one."""
    where = f"{_COMMITMENT}{repository}"
    return where if digest is None else f"{where}@{digest}"[:MOST_BYTES]


def rounds_repository(commitment_text: str) -> RepositoryId | None:
    """Where a validator's records are; None for a commitment that says something else."""
    return _said(commitment_text)[0]


def anchored_digest(commitment_text: str) -> str | None:
    """How the digest begins that a `rounds:` commitment vouches for; None if it has none."""
    return _said(commitment_text)[1]


def _said(commitment_text: str) -> tuple[RepositoryId | None, str | None]:
    where, at, digest = commitment_text.removeprefix(_COMMITMENT).partition("@")
    if not commitment_text.startswith(_COMMITMENT) or (at and not _ANCHOR.fullmatch(digest)):
        return None, None
    try:
        return RepositoryId.parse(where), digest or None
    except InputError:
        return None, None


def round_file(number: int) -> str:
    """The path of a round's record in its repository."""
    return f"rounds/{number:06d}.json"


def publish_round(hub: Hub, repository: RepositoryId, signed: SignedRound) -> Commit:
    """Add a round's record, for everybody to read. One that is there already stays as it is."""
    number = signed.record.round
    commit = _published(hub, repository, signed)
    if commit is None:
        files = {round_file(number): msgspec.json.encode(signed)}
        commit = hub.add(files, repository, f"Round {number}")
    if hub.visibility(repository) != "public":
        hub.set_visibility(repository, "public")
    return commit


def read_round(content: bytes, name: str) -> SignedRound:
    """A record by its schema; BadRoundError says in one line what is wrong with it."""
    try:
        signed = msgspec.json.decode(content, type=SignedRound)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRoundError(f"{name}: no round record: {error}") from error
    if signed.record.schema != SCHEMA:
        raise BadRoundError(f"{name}: schema {signed.record.schema!r}; this reads {SCHEMA!r}")
    return signed


class PublicRounds:
    """The records that one validator published, as its newest commit lists them."""

    def __init__(self, hub: Hub, repository: RepositoryId) -> None:
        self._hub, self._repository = hub, repository
        self._known: dict[int, tuple[Commit, FileEntry]] = {}

    def numbers(self) -> list[int]:
        """The rounds that can be read now, in order."""
        listing = self._hub.listing(self._hub.resolve(self._repository))
        self._known = {number: (listing.commit, entry) for number, entry in _rounds(listing)}
        return sorted(self._known)

    def file(self, number: int) -> FileEntry:
        return self._found(number)[1]

    def read(self, number: int) -> SignedRound:
        commit, entry = self._found(number)
        name = f"{commit}: {entry.path}"
        signed = read_round(read_small(self._hub, commit, entry, most_bytes=LARGEST_RECORD), name)
        if signed.record.round != number:
            raise BadRoundError(f"{name}: holds the record of round {signed.record.round}")
        return signed

    def _found(self, number: int) -> tuple[Commit, FileEntry]:
        if number not in self._known and number not in self.numbers():
            raise MissingModelError(
                f"{self._repository}: no record of round {number} on {self._hub.name}"
            )
        return self._known[number]


def _published(hub: Hub, repository: RepositoryId, signed: SignedRound) -> Commit | None:
    """Where this record is already; refuses to replace one, or to mix records with a model."""
    try:
        listing = hub.listing(hub.resolve(repository))
    except MissingModelError:
        return None
    number = signed.record.round
    if any(entry.path.endswith(".safetensors") for entry in listing.files):
        raise HubError(f"{repository}: holds a model; publish records to a repository of their own")
    if number in dict(_rounds(listing)):
        return _same(hub, listing, signed)
    if len(listing.files) >= MOST_ENTRIES - 1:
        raise HubError(f"{repository}: full, {MOST_ENTRIES} files; go on in a new repository")
    return None


def _same(hub: Hub, listing: Listing, signed: SignedRound) -> Commit:
    rounds = PublicRounds(hub, listing.commit.repository)
    if rounds.read(signed.record.round).digest != signed.digest:
        raise HubError(
            f"{listing.commit}: another record of round {signed.record.round} is published there;"
            " records are never replaced: name a new repository"
        )
    return listing.commit


def _rounds(listing: Listing) -> list[tuple[int, FileEntry]]:
    """Only the one way to write a number counts, or one round could have two records."""
    found = ((_FILE.fullmatch(entry.path), entry) for entry in listing.files)
    numbered = [(int(match[1]), entry) for match, entry in found if match]
    return [(number, entry) for number, entry in numbered if entry.path == round_file(number)]
