"""Each check alone, on one true record and on falsehoods about every part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from iotapretrain.competition.audit.check import Check, Name
from iotapretrain.competition.audit.decision_checks import (
    check_race,
    check_scores,
    check_tournament,
)
from iotapretrain.competition.audit.history_checks import check_links, check_seal, check_seed
from iotapretrain.competition.audit.model_checks import Fetched, check_models, check_refusals
from iotapretrain.competition.audit.page_draws import check_pages
from iotapretrain.competition.audit.recomputed_losses import TOLERANCE, check_losses, claims
from iotapretrain.competition.audit.repeated import AuditBench, Repeated
from iotapretrain.competition.audit.standing_checks import (
    check_on_chain,
    check_standings,
    check_weights,
)
from iotapretrain.competition.audit.witness import Witness, hear
from iotapretrain.competition.records.committed import read_ground
from iotapretrain.competition.records.miner_account import account
from iotapretrain.competition.records.public_rounds import read_round
from iotapretrain.competition.records.round_record import (
    RaceRecord,
    RoundRecord,
    SignedRound,
    TaskRecord,
)
from iotapretrain.errors import BadRoundError
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.schedule import Competition, Schedule
from iotapretrain.rules.competition.validator.journal_records import Reason
from tests.chain.worlds import hotkey
from tests.competition.world import NETUID, opened

changed = msgspec.structs.replace
Forgery = Callable[[RoundRecord], RoundRecord]


@dataclass(frozen=True)
class Case:
    """The second of two honest rounds, and what an auditor knows of it."""

    before: SignedRound
    signed: SignedRound
    schedule: Schedule
    witness: Witness
    repeated: Repeated

    @property
    def record(self) -> RoundRecord:
        return self.signed.record

    @property
    def competition(self) -> Competition:
        return self.schedule.competitions[0]

    def check(self, name: Name, record: RoundRecord) -> Check:
        """One check of a record, true or false."""
        known, seen, competition = self.witness, self.repeated, self.competition
        checks: dict[Name, Callable[[], Check]] = {
            Name.SEED: lambda: check_seed(record, known.sync_block, known.sync_hash or ""),
            Name.PAGES: lambda: check_pages(record.tasks, competition.tasks, seen.text),
            Name.MODELS: lambda: check_models(record, competition, known.dated, seen.fetched),
            Name.REFUSALS: lambda: check_refusals(record, self.looked_at),
            Name.RACE: lambda: check_race(record, competition, known.sync_hash or ""),
            Name.SCORES: lambda: check_scores(record, competition),
            Name.TOURNAMENT: lambda: check_tournament(record, competition),
            Name.STANDINGS: lambda: check_standings(
                record, self.before.record, competition, self.schedule, known.registered
            ),
            Name.WEIGHTS: lambda: check_weights(record, self.schedule),
        }
        return checks[name]()

    @property
    def looked_at(self) -> dict[str, Fetched]:
        """The same bytes after an inspection that found nothing."""
        return {who: replace(seen, codes=()) for who, seen in self.repeated.fetched.items()}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, worker: Worker) -> Case:
    return asyncio.run(_case(tmp_path_factory.mktemp("case"), worker))


async def _case(folder: Path, worker: Worker) -> Case:
    async with opened(folder, worker) as world:
        for number, scale in enumerate((1.5, 1.2, 0.9, 0.6), start=1):
            await world.commit(f"miner-{number}", world.model(scale))
        await world.advance(40)
        before = await world.round("validator-1")
        await world.advance(10)
        signed = await world.round("validator-1")
        ground = await read_ground(world.client, NETUID)
        cadence = world.schedule.sync_cadence
        witness = await hear(world.client, ground, signed.record, 0, cadence)
        bench = AuditBench(world.hub, world.models, world.text, worker)
        repeated = Repeated.of(signed.record, world.competition, witness, bench)
        return Case(before, signed, world.schedule, witness, repeated)


def model(place: int, **values: object) -> Forgery:
    """Something else about one model."""

    def forged(record: RoundRecord) -> RoundRecord:
        models = list(record.models)
        models[place] = changed(models[place], **values)
        return changed(record, models=tuple(models))

    return forged


def task(change: Callable[[TaskRecord], TaskRecord]) -> Forgery:
    """Something else about the first task."""
    return lambda record: changed(record, tasks=(change(record.tasks[0]), *record.tasks[1:]))


def page(**values: object) -> Forgery:
    """Something else about the first task's second page."""
    return task(lambda it: changed(it, pages=(it.pages[0], changed(it.pages[1], **values))))


def moved_page(record: RoundRecord) -> RoundRecord:
    """Another place than the drawn one, wherever that is."""
    return page(start=record.tasks[0].pages[1].start + 1)(record)


def of_one(values: dict[str, float], key: str, value: float) -> dict[str, float]:
    return {**values, key: value}


def unscored(record: RoundRecord) -> RoundRecord:
    losses = {name: (None, *own[1:]) for name, own in record.models[3].losses.items()}
    return model(3, losses=losses, score=None)(record)


def dropped(place: int, race: bool) -> Forgery:
    """A model that left the race after its first page."""

    def forged(record: RoundRecord) -> RoundRecord:
        losses = {name: (own[0], None) for name, own in record.models[place].losses.items()}
        held = RaceRecord(0.001, 10, 16) if race else None
        out = model(place, losses=losses, score=None, task_scores={}, raced_out=True)
        return changed(out(record), race=held)

    return forged


FORGERIES: dict[str, tuple[Name, Forgery, str]] = {
    "sync-block": (Name.SEED, lambda r: changed(r, sync_block=r.sync_block - 5), "sync block"),
    "seed": (Name.SEED, lambda r: changed(r, seed_hash="0" * 64), "hash of the sync block"),
    "page-text": (Name.PAGES, page(digest="0" * 64), "PROSE, page 1 ("),
    "page-place": (Name.PAGES, moved_page, "PROSE, page 1"),
    "page-sequences": (Name.PAGES, page(sequences=1), "PROSE, page 1 ("),
    "page-left-out": (Name.PAGES, task(lambda t: changed(t, pages=t.pages[:1])), "PROSE, page 1"),
    "batch": (Name.PAGES, task(lambda t: changed(t, batch_digest=None)), "PROSE, batch digest"),
    "dataset": (Name.PAGES, task(lambda t: changed(t, dataset="mine")), "PROSE, dataset"),
    "revision": (Name.PAGES, task(lambda t: changed(t, revision="mine")), "PROSE, revision"),
    "task-weight": (Name.PAGES, task(lambda t: changed(t, weight=0.1)), "PROSE, weight"),
    "task-left-out": (Name.PAGES, lambda r: changed(r, tasks=r.tasks[1:]), "tasks"),
    "older": (Name.MODELS, model(3, block=1), "uid 5, block of the commitment"),
    "too-early": (Name.MODELS, lambda r: changed(r, block=r.models[3].block), "uid 5"),
    "commitment": (Name.MODELS, model(3, commitment="mine"), "uid 5, commitment"),
    "uid": (Name.MODELS, model(3, uid=7), f"hotkey {hotkey('miner-4')}, uid"),
    "bytes": (Name.MODELS, model(3, digest="mine"), "uid 5, digest"),
    "twice": (Name.MODELS, lambda r: changed(r, models=(*r.models, r.models[0])), "uid 2"),
    "refused": (
        Name.REFUSALS,
        model(3, outcome="inadmissible", reasons=(Reason("parameters", "too many"),)),
        "uid 5",
    ),
    "not-bound": (Name.REFUSALS, model(3, outcome="bad_hash"), "uid 5"),
    "left-no-race": (Name.RACE, dropped(0, race=False), "uid 2"),
    "left-too-early": (Name.RACE, dropped(3, race=True), "uid 5"),
    "left-at-the-end": (
        Name.RACE,
        lambda r: changed(model(3, raced_out=True)(r), race=RaceRecord(0.001, 16, 16)),
        "uid 5",
    ),
    "score": (Name.SCORES, model(0, score=1.0), "uid 2, score"),
    "no-score": (Name.SCORES, unscored, "uid 5, score"),
    "wins": (Name.TOURNAMENT, model(0, wins=3), "uid 2, wins"),
    "win-rate": (Name.TOURNAMENT, model(0, win_rate=1.0), "uid 2, win rate"),
    "epsilon": (Name.TOURNAMENT, model(0, epsilon=0.5), "uid 2, epsilon"),
    "round-weight": (Name.TOURNAMENT, model(0, weight=0.5), "uid 2, weight"),
    "champion": (
        Name.TOURNAMENT,
        lambda r: changed(r, champion=r.models[0].hotkey),
        "champion",
    ),
    "no-result": (Name.TOURNAMENT, lambda r: changed(r, champion=None), "champion"),
    "standing": (
        Name.STANDINGS,
        lambda r: changed(r, standings={"0": of_one(r.standings["0"], hotkey("miner-1"), 0.5)}),
        f"competition 0, hotkey {hotkey('miner-1')}",
    ),
    "standing-left-out": (
        Name.STANDINGS,
        lambda r: changed(r, standings={"0": {}}),
        f"competition 0, hotkey {hotkey('miner-4')}",
    ),
    "no-standings": (
        Name.STANDINGS,
        lambda r: changed(r, standings={"mine": {hotkey("miner-1"): 1.0}}),
        "standings",
    ),
    "weight": (
        Name.WEIGHTS,
        lambda r: changed(r, weights={hotkey("miner-1"): 1.0}),
        f"hotkey {hotkey('miner-1')}",
    ),
}


CHECKS = tuple(dict.fromkeys(name for name, _, _ in FORGERIES.values()))


@pytest.mark.parametrize("name", CHECKS, ids=[name.name.lower() for name in CHECKS])
def test_the_truth_passes(case: Case, name: Name) -> None:
    check = case.check(name, case.record)
    assert check.differences == ()
    assert check.skipped is None


@pytest.mark.parametrize("falsehood", FORGERIES)
def test_a_falsehood_is_named(case: Case, falsehood: str) -> None:
    name, forge, item = FORGERIES[falsehood]
    differences = case.check(name, forge(case.record)).differences
    assert any(each.item.startswith(item) for each in differences), differences
    assert all(each.sentence.startswith(f"{name}: ") for each in differences)


def test_the_seal_names_what_is_another(case: Case) -> None:
    validator, network = hotkey("validator-1"), case.record.network
    assert check_seal(case.signed, validator, network, NETUID).held
    for there, wanted in (
        ((hotkey("validator-2"), network, NETUID), "validator"),
        ((validator, "00", NETUID), "network"),
        ((validator, network, 9), "netuid"),
    ):
        assert [each.item for each in check_seal(case.signed, *there).differences] == [wanted]
    for forged, wanted in (
        (changed(case.signed, record=changed(case.record, block=1)), "digest"),
        (changed(case.signed, signature="00" * 64), "round 2"),
        (changed(case.signed, signature="no hex"), "round 2"),
    ):
        found = check_seal(forged, validator, network, NETUID).differences
        assert [each.item for each in found] == [wanted]


def test_links_lead_to_both_neighbours(case: Case) -> None:
    assert check_links(case.before, None, case.signed, [1, 2]).held
    assert check_links(case.signed, case.before, None, [1, 2]).held
    first = changed(case.before, record=changed(case.before.record, previous="00"))
    richer = changed(case.before, record=changed(case.before.record, standings={}))
    for links in (
        (first, None, None, [1]),
        (changed(case.before, digest="00"), None, case.signed, [1, 2]),
        (case.signed, richer, None, [1, 2]),
    ):
        assert [each.item for each in check_links(*links).differences] == [
            f"round {1 if links[0] is first else 2}, digest of the round before"
        ]
    gaps = check_links(case.signed, None, None, [2, 6, 7]).differences
    assert [each.item for each in gaps] == ["round 1", "round 3 to 5"]


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE.items())
def test_a_loss_is_false_beyond_the_tolerance_only(
    case: Case, dtype: str, tolerance: float
) -> None:
    claimed = claims(case.record)
    assert len(claimed) == 16
    computed = [claim.loss / (1 + 0.9 * tolerance) for claim in claimed]
    assert check_losses(claimed, computed, 16, dtype).held
    computed[3] = claimed[3].loss / (1 + 1.1 * tolerance)
    computed[5] = None
    found = check_losses(claimed, computed, 16, dtype).differences
    assert [each.item for each in found] == [claimed[3].item, claimed[5].item]


def test_a_model_of_which_the_chain_keeps_nothing_is_not_held_against_anybody(case: Case) -> None:
    unknown = dict.fromkeys(case.witness.dated)
    check = check_models(case.record, case.competition, unknown, case.repeated.fetched)
    assert check.held
    assert check.skipped is not None
    assert check.skipped.count("no longer keeps") == 4
    after = (case.record, case.before.record, case.competition, case.schedule, None)
    check = check_standings(*after)
    assert check.held
    assert check.skipped is not None


def test_a_refusal_that_needs_more_than_the_files_is_left_alone(case: Case) -> None:
    reasons = (Reason("near-copy", "close to uid 2"),)
    record = model(3, outcome="inadmissible", reasons=reasons)(case.record)
    check = check_refusals(record, case.looked_at)
    assert check.held
    assert check.skipped == "1 of what only the validator saw"


def test_sixteen_bits_of_a_weight_are_all_that_the_chain_can_be_asked_for(case: Case) -> None:
    one, other = hotkey("miner-1"), hotkey("miner-2")
    record = changed(case.record, block=5, weights={one: 0.75, other: 0.25})
    there = {one, other}
    total = 65535 + 21845
    row = {one: 65535 / total, other: 21845 / total}
    assert check_on_chain(row, 5, there, [record]).held
    assert not check_on_chain({one: 0.7499, other: 0.2501}, 5, there, [record]).held
    assert check_on_chain({one: 1.0}, 5, {one}, [record]).held
    assert check_on_chain({}, 4, there, []).skipped is not None


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where every value of a JSON document stands."""
    yield path
    lists = value if isinstance(value, list) else ()
    for key, part in value.items() if isinstance(value, dict) else enumerate(lists):
        yield from places(part, (*path, key))


HOSTILE: dict[type, tuple[object, ...]] = {
    bool: (True, False, 0),
    int: (0, -1, 1, 7, 2**53 - 1, 2**80),
    float: (0, -1.0, 1.0, 1e12, -1e12, 1e-300, 1e300),
    str: ("", "0", "mine", "evaluated", "\x1b[2J", None),
    list: ([], [None], [[]]),
    dict: ({}, {"0": {}}, {"mine": 1.0}),
    type(None): (None, "0", 0),
}


@pytest.mark.parametrize("seed", range(8))
def test_nothing_that_a_record_says_ends_an_audit_with_a_traceback(case: Case, seed: int) -> None:
    """Either it is no record, in one line, or every check says what it thinks of it."""
    rng = Random(seed)
    honest = msgspec.json.encode(case.signed)
    read = 0
    for _ in range(120):
        document = msgspec.json.decode(honest)
        everywhere = list(places(document["record"]))
        for path in rng.sample(everywhere[1:], rng.choice((1, 1, 3))):
            spoil(document["record"], path, rng)
        try:
            record = read_round(msgspec.json.encode(document), "round").record
        except BadRoundError:
            continue
        read += 1
        for name in CHECKS:
            for difference in case.check(name, record).differences:
                assert difference.sentence
        assert (
            check_losses(claims(record), [None] * len(claims(record)), 1, "float32").name
            is Name.LOSSES
        )
        told = account(record, record.models[0].hotkey) if record.models else None
        assert told is None or all(told.sentences)
    assert read > 30


def spoil(document: Any, path: tuple[str | int, ...], rng: Random) -> None:
    """Another value there, mostly of its kind, if there still is such a place."""
    for key in path[:-1]:
        document = document[key] if _has(document, key) else None
    if _has(document, path[-1]):
        kind = type(document[path[-1]]) if rng.random() < 0.9 else rng.choice([*HOSTILE])
        document[path[-1]] = deepcopy(rng.choice(HOSTILE[kind]))


def _has(document: Any, key: str | int) -> bool:
    if isinstance(document, dict):
        return key in document
    return isinstance(document, list) and isinstance(key, int) and key < len(document)
