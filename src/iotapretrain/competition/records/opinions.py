"""What validators say in public of one competition: each one's newest signed record of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from iotapretrain.chain.client import ChainClient
from iotapretrain.chain.wallets import is_signature
from iotapretrain.competition.records.committed import Ground
from iotapretrain.competition.records.public_rounds import rounds_repository
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    RoundRecord,
    SignedRound,
    champion_of,
    is_sealed,
    model_record,
)
from iotapretrain.competition.records.trails import Places
from iotapretrain.competition.records.whole_history import Trail, WholeHistory
from iotapretrain.errors import HubError, InputError
from iotapretrain.hub.protocol import Hub, RepositoryId

LOOK_BACK = 20
"""Rounds of a validator among which its newest of a competition is looked for."""


@dataclass(frozen=True)
class RecordSource:
    """A validator that says where its records are. Stake in rao."""

    validator: str
    uid: int
    stake: int
    repository: RepositoryId
    trail: Trail = field(default_factory=Trail)
    """Where it published before, as far as `with_past` found it."""

    @property
    def repositories(self) -> tuple[RepositoryId, ...]:
        """All of them, the newest first."""
        return tuple(dict.fromkeys((self.repository, *self.trail.repositories)))


@dataclass(frozen=True)
class Opinion:
    """The newest record of a competition that a validator signed."""

    source: RecordSource
    record: RoundRecord

    @property
    def champion(self) -> ModelRecord | None:
        return champion_of(self.record)


@dataclass(frozen=True)
class Silence:
    """A validator whose records cannot be had, and why."""

    source: RecordSource
    reason: str


def by_stake(ground: Ground) -> list[RecordSource]:
    """Every validator with a permit that has committed where its records are, by stake."""
    found = []
    for uid, hotkey in enumerate(ground.metagraph.hotkeys):
        repository = rounds_repository(ground.text(hotkey) or "")
        if repository is not None and ground.metagraph.validator_permit[uid]:
            found.append(RecordSource(hotkey, uid, int(ground.metagraph.stake[uid]), repository))
    return sorted(found, key=lambda source: (-source.stake, source.uid))


async def with_past(
    client: ChainClient, ground: Ground, found: Sequence[RecordSource], places: Places | None = None
) -> list[RecordSource]:
    """The same validators, with all repositories that they ever named; `places` remembers them."""
    hotkeys = [source.validator for source in found]
    trails = await (places or Places()).of(client, ground, hotkeys)
    return [replace(source, trail=trails[source.validator]) for source in found]


def find_validator(ground: Ground, validator: str | None) -> RecordSource:
    """The validator of a hotkey, or the one with most stake of those that publish records."""
    found = by_stake(ground)
    if validator is not None:
        found = [source for source in found if source.validator == validator]
    if not found:
        who = "no validator" if validator is None else f"no validator {validator}"
        raise InputError(f"{who} has committed where its records are: there is nothing to read")
    return found[0]


async def network_id(client: ChainClient) -> str:
    """How records name this network: the hash of its first block."""
    return (await client.block_hash(0)).hex()


async def opinions_of(
    client: ChainClient, hub: Hub, ground: Ground, competition: int
) -> list[Opinion]:
    """What all validators say of a competition, those with most stake first."""
    found = await with_past(client, ground, by_stake(ground))
    network = await network_id(client)
    return read_opinions(hub, found, network, ground.metagraph.netuid, competition)[0]


def read_opinions(
    hub: Hub, found: Iterable[RecordSource], network: str, netuid: int, competition: int
) -> tuple[list[Opinion], list[Silence]]:
    """The newest record of each, in their order; what one of them spoils is missing from it."""
    opinions, silences = [], []
    for source in found:
        try:
            record = newest(hub, source, network, netuid, competition)
        except HubError as error:
            silences.append(Silence(source, str(error)))
            continue
        if record is None:
            silences.append(Silence(source, "no signed record of this competition lately"))
        else:
            opinions.append(Opinion(source, record))
    return opinions, silences


def newest(
    hub: Hub,
    source: RecordSource,
    network: str,
    netuid: int,
    competition: int,
    about: str | None = None,
) -> RoundRecord | None:
    """A validator's newest record of a competition, or the newest about a hotkey: a model that has
    lost, or was refused for good, is in no record afterwards.
    """
    records = recent(hub, source, network, netuid, competition)
    return next((each for each in records if about is None or model_record(each, about)), None)


def recent(
    hub: Hub, source: RecordSource, network: str, netuid: int, competition: int
) -> Iterator[RoundRecord]:
    """A validator's signed records of a competition among its last rounds, newest first."""
    rounds = WholeHistory(hub, source.repositories)
    signed = map(rounds.read, rounds.numbers()[: -LOOK_BACK - 1 : -1])
    return _own(signed, source, network, netuid, competition)


def rounds_of(
    rounds: WholeHistory,
    source: RecordSource,
    network: str,
    netuid: int,
    competition: int,
    newest: int,
) -> Iterator[RoundRecord]:
    """A validator's signed records of a competition among its newest so many, oldest first."""
    signed = map(rounds.read, rounds.numbers()[-newest:])
    return _own(signed, source, network, netuid, competition)


def _own(
    rounds: Iterable[SignedRound], source: RecordSource, network: str, netuid: int, competition: int
) -> Iterator[RoundRecord]:
    """Those of the competition that this validator signed; each is read when it is asked for."""
    for signed in rounds:
        if signed.record.competition == competition and is_of(signed, source, network, netuid):
            yield signed.record


def is_of(signed: SignedRound, source: RecordSource, network: str, netuid: int) -> bool:
    """Whether a record was signed by this validator for this subnet."""
    record = signed.record
    place = (record.network, record.netuid, record.validator)
    return place == (network, netuid, source.validator) and is_sealed(signed, is_signature)
