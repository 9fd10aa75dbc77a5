"""An audit from end to end: read what was published, ask the chain, compute again, compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from blake3 import blake3

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.audit import decision_checks, history_checks, standing_checks
from iotapretrain.competition.audit.check import Check, Difference, Name
from iotapretrain.competition.audit.epoch_rows import Stretch, check_epochs, look_back
from iotapretrain.competition.audit.recomputed_losses import chance_of_finding, claims, sampled
from iotapretrain.competition.audit.repeated import AuditBench, Repeated
from iotapretrain.competition.audit.witness import Witness, hear
from iotapretrain.competition.records.committed import Ground, ground_at, read_ground
from iotapretrain.competition.records.opinions import find_validator
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.competition.records.trails import read_whole_trail
from iotapretrain.competition.records.whole_history import Trail, WholeHistory
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.schedule import Competition, Schedule
from iotapretrain.rules.competition.schedule_file import parse


class AuditVerdict(StrEnum):
    HOLDS = "holds"
    EXPOSED = "exposed"
    UNKNOWN = "cannot be audited"


@dataclass(frozen=True)
class Agreed:
    """The competitions file, which all validators of a network share."""

    schedule: Schedule
    digest: str
    """What records name it by."""

    @classmethod
    def of(cls, text: str, source: str) -> Agreed:
        """From its text; `source` names the file in errors."""
        return cls(parse(text, source), blake3(text.encode()).hexdigest())


@dataclass(frozen=True)
class Report:
    """An audit's checks in their order; of `losses` published, `computed` were computed again."""

    validator: str
    round: int
    checks: tuple[Check, ...]
    losses: int = 0
    computed: int = 0

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(each for check in self.checks for each in check.differences)

    @property
    def chance(self) -> float:
        """That one false loss among those published would have been found."""
        return chance_of_finding(self.losses, self.computed, min(self.losses, 1))

    @property
    def verdict(self) -> AuditVerdict:
        if self.differences:
            return AuditVerdict.EXPOSED
        return AuditVerdict.UNKNOWN if self.losses and not self.computed else AuditVerdict.HOLDS


Tell = Callable[[Check], None]


async def audit(
    client: ChainClient,
    netuid: int,
    bench: AuditBench,
    agreed: Agreed,
    number: int | None = None,
    validator: str | None = None,
    sample: int | None = None,
    rng: Random | None = None,
    tell: Tell = lambda _check: None,
    since: int | None = None,
) -> Report:
    """Repeat a round, by default the newest of the validator with most stake.

    With `sample` only so many losses are computed again, drawn by `rng`. Each check is told as soon
    as it is made. Epochs are looked at since the record before, or since the block that is given.
    """
    ground = await read_ground(client, netuid)
    source = find_validator(ground, validator)
    trail = await read_whole_trail(client, ground, source.validator)
    rounds = WholeHistory(bench.hub, trail.repositories)
    published = history_checks.read_published(source, rounds, number)
    record = published.signed.record
    witness = await hear(client, ground, record, source.uid, agreed.schedule.sync_cadence)
    stretch = await _stretch(client, ground, published, trail, since, agreed.schedule.sync_cadence)
    case = _Case(published, trail, stretch, witness, netuid, agreed, bench, sample, rng or Random())
    checks: list[Check] = []
    for check in case.checks():
        tell(check)
        checks.append(check)
    return Report(source.validator, record.round, tuple(checks), len(claims(record)), case.computed)


async def _stretch(
    client: ChainClient,
    ground: Ground,
    published: history_checks.PublishedRecords,
    trail: Trail,
    since: int | None,
    cadence: int,
) -> Stretch:
    """The epochs after the record before, up to the record after, or to the newest block."""
    after, before = published.after, published.before
    end: Ground | None = ground
    if since is None:
        since = before.record.block if before is not None else trail.began or 0
        if after is not None and after.record.block < ground.block:
            end = await ground_at(client, ground.metagraph.netuid, after.record.block)
    if end is None:
        return Stretch(since, (), 0, (), "the state of the round after is no longer kept")
    unrecorded = published.unrecorded(since, end.block, cadence)
    return await look_back(client, end, published.source.validator, since, unrecorded)


@dataclass
class _Case:
    """A record with all that is known about it outside; `computed` counts losses."""

    published: history_checks.PublishedRecords
    trail: Trail
    stretch: Stretch
    witness: Witness
    netuid: int
    agreed: Agreed
    bench: AuditBench
    sample: int | None
    rng: Random
    computed: int = 0

    @property
    def record(self) -> RoundRecord:
        return self.published.signed.record

    def checks(self) -> Iterator[Check]:
        """Nothing follows from a record that its validator has not signed, or of no competition."""
        seal = history_checks.check_seal(
            self.published.signed,
            self.published.source.validator,
            self.witness.network,
            self.netuid,
        )
        yield seal
        if not seal.held:
            return
        published, witness = self.published, self.witness
        yield history_checks.check_links(
            published.signed, published.before, published.after, published.numbers
        )
        yield history_checks.check_history(self.trail, published.rounds)
        yield history_checks.check_seed(
            self.record, witness.sync_block, witness.sync_hash or "no block yet"
        )
        _check_schedule(self.record, self.agreed)
        competition = _competition(self.record, self.agreed.schedule)
        if isinstance(competition, Difference):
            yield Check(Name.SEED, "the record names no competition", (competition,))
            return
        if witness.sync_hash is not None:
            yield from self._repeated(competition)
            yield decision_checks.check_race(self.record, competition, witness.sync_hash)
        yield from self._followed(competition)

    def _repeated(self, competition: Competition) -> Iterator[Check]:
        """What needs text and models; of a sample only the models that are in it."""
        claimed = claims(self.record)
        chosen = sampled(claimed, self.sample, self.rng)
        wanted = None if self.sample is None else {claim.hotkey for claim in chosen}
        repeated = Repeated.of(self.record, competition, self.witness, self.bench, wanted)
        yield from repeated.checks()
        check, self.computed = repeated.losses(chosen, len(claimed))
        yield check

    def _followed(self, competition: Competition) -> Iterator[Check]:
        """What follows from the published losses."""
        published, schedule = self.published, self.agreed.schedule
        before = None if published.before is None else published.before.record
        yield decision_checks.check_scores(self.record, competition)
        yield decision_checks.check_tournament(self.record, competition)
        yield standing_checks.check_standings(
            self.record, before, competition, schedule, self.witness.registered
        )
        yield standing_checks.check_weights(self.record, schedule)
        row = self.witness.row
        in_force = published.in_force(row.block)
        if self.record in in_force or self.record.round == published.numbers[-1]:
            yield standing_checks.check_on_chain(row.weights, row.block, row.registered, in_force)
        yield check_epochs(self.stretch, published.in_force, self.trail.began)


def _check_schedule(record: RoundRecord, agreed: Agreed) -> None:
    if record.schedule_digest != agreed.digest:
        raise InputError(
            f"round {record.round}: judged under the competitions file with digest"
            f" {record.schedule_digest[:12]}…, yours has {agreed.digest[:12]}…; give the file that"
            " the validators agreed on with --competitions"
        )


def _competition(record: RoundRecord, schedule: Schedule) -> Competition | Difference:
    active = {each.id: each for each in schedule.competitions if record.block in each.blocks}
    if record.competition in active:
        return active[record.competition]
    running = ", ".join(map(str, active)) or "none"
    item = f"competition at block {record.block}"
    return Difference(Name.SEED, item, str(record.competition), f"one of {running}")
