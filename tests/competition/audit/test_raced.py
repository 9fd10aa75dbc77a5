"""What the race really drops, an audit finds rightly dropped; and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from iotapretrain.competition.audit.decision_checks import check_race, check_scores
from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Terms
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.competition.evaluation.round_pages import read_text
from iotapretrain.competition.records.round_record import RaceRecord, RoundRecord
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.race import Race
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.sampling import seed_of
from iotapretrain.scoring.jobs import Answer, Job, perform
from iotapretrain.scoring.loss_cache import LossCache
from tests.competition.world import SCHEDULE, World, opened

changed = msgspec.structs.replace

MANY_PAGES = SCHEDULE.replace(
    "pages = 2, sequences = 6", "pages = 10, page_rows = 4, sequences = 20"
)
SCALES = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5)


class Alone:
    """An executor of the tests' own worker."""

    width = 1

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        return (perform(job, self._worker) for job in jobs)


@pytest.fixture(scope="module")
def raced(
    tmp_path_factory: pytest.TempPathFactory, worker: Worker
) -> tuple[RoundRecord, Competition]:
    """A record of models that met in a race, as far as the race goes."""
    return asyncio.run(_raced(tmp_path_factory.mktemp("raced"), worker))


async def _raced(folder: Path, worker: Worker) -> tuple[RoundRecord, Competition]:
    async with opened(folder, worker, MANY_PAGES) as world:
        record = await world.record("validator-1")
        found = _evaluated(world, record)
        race = RaceRecord(
            found.error_probability or 0.0, found.pages_scored, found.pages_of_full_round
        )
        models = tuple(each.record for each in found.models)
        return changed(record, race=race, models=models), world.competition


def _evaluated(world: World, record: RoundRecord) -> Evaluated:
    competition = world.competition
    tokenizer = load_tokenizer(competition.constraints.tokenizer)
    text = read_text(competition, record.seed_hash, tokenizer, world.text)
    seed = seed_of(f"0x{record.seed_hash}")
    terms = Terms(competition, tokenizer.vocabulary, seed, record.block)
    contenders = [
        Contender(f"miner-{uid}", uid, 1 + uid, "", f"digest {uid}", folder=world.model(scale))
        for uid, scale in enumerate(SCALES)
    ]
    with LossCache(world.folder / "losses.sqlite") as cache:
        return evaluate(contenders, text, terms, Alone(world.worker), cache, Race(0.05))


def test_a_true_race_holds(raced: tuple[RoundRecord, Competition]) -> None:
    record, competition = raced
    out = [model.uid for model in record.models if model.raced_out]
    assert out
    assert 0 not in out
    check = check_race(record, competition, record.seed_hash)
    assert [each.sentence for each in check.differences] == []
    assert check.sentence.startswith(f"{len(out)} left it")
    assert check_scores(record, competition).held


def test_whoever_is_dropped_before_the_race_says_so_is_named(
    raced: tuple[RoundRecord, Competition],
) -> None:
    record, competition = raced
    best = record.models[0]
    losses = {task: (own[0], *(None for _ in own[1:])) for task, own in best.losses.items()}
    early = changed(best, losses=losses, score=None, raced_out=True)
    forged = changed(record, models=(early, *record.models[1:]))
    check = check_race(forged, competition, record.seed_hash)
    assert "uid 0" in [each.item for each in check.differences]


def test_a_race_of_less_certainty_than_it_says_is_named(
    raced: tuple[RoundRecord, Competition],
) -> None:
    record, competition = raced
    sure = changed(record, race=changed(record.race, error_probability=1e-12))
    assert not check_race(sure, competition, record.seed_hash).held
