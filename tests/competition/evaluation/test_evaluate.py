"""What the driver makes of a field: the same whoever computes it, and nothing twice."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Terms
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.competition.evaluation.excerpts import checked_rows
from iotapretrain.competition.evaluation.model_run import Run
from iotapretrain.competition.evaluation.round_pages import RoundPages
from iotapretrain.data.outcome import RoundText
from iotapretrain.errors import InputError
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.race import Race
from iotapretrain.rules.competition.tournament import DecidedRound as Decided
from iotapretrain.rules.competition.tournament import play
from iotapretrain.scoring.jobs import Answer, Failure, Job, Scored
from iotapretrain.scoring.loss_cache import LossCache
from tests.competition.evaluation.rounds import contender, terms, text

MODELS = 9
BROKEN = Failure(Outcome.INFRASTRUCTURE, Finding(Code.MISBEHAVED, "gone", "machine"))


def loss(model: int, rows: Any) -> float:
    """Of a model on a page: every next model is worse, each a little differently on every page."""
    rng = np.random.default_rng([model, *map(sum, rows)])
    return 2.0 + 0.1 * model + float(rng.normal(0, 0.003))


@dataclass
class Table:
    """An executor that looks losses up, answers in any order, and counts what it was asked."""

    width: int = 1
    seed: int = 0
    answer: Callable[[int, Job], Scored | Failure | None] = lambda model, job: None
    scored: Counter[tuple[int, int]] = field(default_factory=Counter)
    checked: Counter[int] = field(default_factory=Counter)

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        for place in np.random.default_rng(self.seed).permutation(len(jobs)):
            job = jobs[place]
            model = int(job.folder.name)
            self.scored.update((model, rows[0][0] * 1000 + rows[0][1]) for rows in job.pages)
            self.checked[model] += job.prompts is not None
            result = self.answer(model, job)
            losses = tuple(loss(model, rows) for rows in job.pages)
            yield Answer(job.number, Scored(losses) if result is None else result, 0.5)


TERMS = terms(24, ("PROSE", "CODE"))
TEXT = text(TERMS)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[LossCache]:
    with LossCache(tmp_path / "losses.db") as opened:
        yield opened


def contenders(count: int = MODELS) -> list[Contender]:
    return [contender(number, Path(str(number))) for number in range(count)]


def outline(found: Evaluated) -> list[tuple[Any, ...]]:
    """Everything but how long it took."""
    return [(each.record, each.findings, each.estimate) for each in found.models]


def test_a_race_scores_few_pages_and_finds_the_same_champion(cache: LossCache) -> None:
    raced = evaluate(contenders(), TEXT, TERMS, Table(), cache)
    whole = evaluate(contenders(), TEXT, TERMS, Table(), cache, race=None)
    assert raced.error_probability == 0.001
    assert whole.error_probability is None
    assert raced.pages_scored < whole.pages_scored / 2
    assert whole.pages_scored == raced.pages_of_full_round == MODELS * 48
    winners = set()
    for found in (raced, whole):
        outcome = play(found.field(), TERMS.competition.rules, TERMS.block)
        assert isinstance(outcome, Decided)
        winners.add(outcome.winner)
    assert winners == {0}
    for early, full in zip(raced.models, whole.models, strict=True):
        assert early.record.raced_out == (early.record.score is None)
        guess = early.estimate if early.record.raced_out else early.record.score
        assert guess == pytest.approx(full.record.score, abs=0.01)


def test_workers_orders_and_what_is_cached_change_nothing(tmp_path: Path) -> None:
    expected = None
    for width, seed in ((1, 0), (3, 1), (40, 2)):
        with LossCache(tmp_path / f"{width}.db") as cache:
            table = Table(width, seed)
            if width == 3:
                evaluate(contenders()[4:7], TEXT, TERMS, table, cache, race=None)
            found = outline(evaluate(contenders(), TEXT, TERMS, table, cache))
            assert expected is None or found == expected
            expected = found


def test_the_order_of_the_contenders_changes_nothing(cache: LossCache) -> None:
    found = outline(evaluate(contenders(), TEXT, TERMS, Table(), cache))
    again = outline(evaluate(contenders()[::-1], TEXT, TERMS, Table(), cache))
    assert again == found[::-1]


def test_nothing_is_computed_twice(cache: LossCache) -> None:
    table = Table(width=4)
    evaluate(contenders(), TEXT, TERMS, table, cache)
    evaluate(contenders(), TEXT, TERMS, table, cache, race=None)
    evaluate(contenders(), TEXT, TERMS, table, cache)
    assert len(table.scored) == MODELS * 48
    assert set(table.scored.values()) == {1}
    assert set(table.checked.values()) == {1}


def test_an_interrupted_round_goes_on_where_it_was(cache: LossCache) -> None:
    def cut(model: int, job: Job) -> None:
        if model == 5:
            raise KeyboardInterrupt

    table = Table(answer=cut)
    with pytest.raises(KeyboardInterrupt):
        evaluate(contenders(), TEXT, TERMS, table, cache)
    done = {key for key in table.scored if key[0] != 5}
    table.answer = lambda model, job: None
    table.scored.clear()
    evaluate(contenders(), TEXT, TERMS, table, cache)
    assert done
    assert not done & table.scored.keys()


def test_other_bytes_pages_or_numbers_are_other_losses(cache: LossCache) -> None:
    table = Table()
    evaluate(contenders(1), TEXT, TERMS, table, cache)
    before = table.scored.total()
    for given, pages, models in (
        (TERMS, text(TERMS, seed=9), contenders(1)),
        (TERMS, TEXT, [replace(contenders(1)[0], digest="other")]),
        (in_dtype("bfloat16"), TEXT, contenders(1)),
    ):
        evaluate(models, pages, given, table, cache)
        assert table.scored.total() == before + 48
        before += 48


def in_dtype(dtype: str) -> Terms:
    constraints = replace(TERMS.competition.constraints, dtype=dtype)
    return replace(TERMS, competition=replace(TERMS.competition, constraints=constraints))


def test_equal_bytes_are_scored_once(cache: LossCache) -> None:
    table = Table()
    owner, copy = contender(0, Path("0"), "same"), contender(7, Path("7"), "same")
    found = evaluate([copy, owner], TEXT, TERMS, table, cache)
    assert {model for model, _ in table.scored} == {0}
    assert found.models[0].record.score == found.models[1].record.score
    assert found.models[0].record.hotkey == copy.hotkey
    outcome = play(found.field(), TERMS.competition.rules, TERMS.block)
    assert isinstance(outcome, Decided)
    assert outcome.weights.tolist() == [0.0, 1.0]


def test_the_score_is_by_sequences_and_by_the_tasks_that_have_text(cache: LossCache) -> None:
    batch = TEXT.batches["PROSE"]
    short = replace(batch.pages[0], sequences=batch.pages[0].sequences[:1])
    empty = replace(batch.pages[1], sequences=batch.pages[1].sequences[:0])
    given = RoundText({"PROSE": replace(batch, pages=(short, empty, *batch.pages[2:4]))}, ())
    judged = evaluate(contenders(1), given, TERMS, Table(), cache).models[0]
    first, second, *others = judged.record.losses["PROSE"]
    assert first is not None
    assert second is None
    assert judged.record.score == pytest.approx((first + 2 * math.fsum(map(float, others))) / 5)
    assert judged.record.task_scores == {"PROSE": judged.record.score}
    assert judged.record.pages_scored == 3
    assert not judged.record.raced_out


def test_a_round_without_text() -> None:
    with pytest.raises(InputError, match="no task of small has text"):
        evaluate(contenders(1), RoundText({}, ()), TERMS, Table(), None)  # type: ignore[arg-type]


def test_a_loss_that_is_no_number_is_the_models_failure(cache: LossCache) -> None:
    """On a late page, after it had driven others out: they are looked at again."""
    pages: Counter[int] = Counter()

    def late(model: int, job: Job) -> Scored | None:
        pages[model] += len(job.pages)
        if model != 0 or pages[0] < 40:
            return None
        return Scored((None,) * len(job.pages))

    found = evaluate(contenders(), TEXT, TERMS, Table(answer=late), cache)
    first, *others = found.models
    assert first.record.outcome == Outcome.MODEL
    assert [each.code for each in first.findings] == [Code.NOT_FINITE]
    assert math.isinf(found.field().scores[0])
    without = evaluate(contenders()[1:], TEXT, TERMS, Table(), cache)
    for before, after in zip(others, without.models, strict=True):
        assert before.record.score == after.record.score
    assert others[0].record.score is not None


def test_what_the_check_of_the_output_finds_is_the_models_failure(cache: LossCache) -> None:
    finding = Finding(Code.UNREASONABLE, "babbles", "output")

    def babble(model: int, job: Job) -> Scored | None:
        return Scored((1.0,) * len(job.pages), sanity=(finding,)) if model == 2 else None

    table = Table(answer=babble)
    for _ in range(2):  # the second time from the cache
        judged = evaluate(contenders(), TEXT, TERMS, table, cache).models[2]
        assert (judged.record.outcome, judged.findings) == (Outcome.MODEL, (finding,))
        assert judged.record.score is None
    assert table.checked[2] == 1


def test_the_probe_is_asked_for_and_remembered(cache: LossCache) -> None:
    finding = Finding(Code.SABOTAGE, "cannot be trained on", "loss")
    asked: list[int] = []

    def spoiled(model: int, job: Job) -> Scored | None:
        asked.append(model) if job.probe else None
        losses = tuple(loss(model, rows) for rows in job.pages)
        return Scored(losses, probe=(finding,)) if model == 1 and job.probe else None

    table = Table(answer=spoiled)
    assert evaluate(contenders(3), TEXT, TERMS, table, cache).models[1].findings == ()
    for _ in range(2):
        found = evaluate(contenders(3), TEXT, TERMS, table, cache, probe=True)
        assert found.models[1].findings == (finding,)
        assert found.models[0].record.score is not None
    assert sorted(asked) == [0, 1, 2]


@pytest.mark.parametrize("failures", [1, 2])
def test_the_infrastructures_failure_is_tried_again_once(cache: LossCache, failures: int) -> None:
    left = [failures]

    def flaky(model: int, job: Job) -> Failure | None:
        if model != 3 or not left[0]:
            return None
        left[0] -= 1
        return BROKEN

    found = evaluate(contenders(), TEXT, TERMS, Table(answer=flaky), cache, race=None)
    judged = found.models[3]
    if failures == 1:
        assert judged.record.score is not None
    else:
        assert (judged.record.outcome, judged.record.score) == (Outcome.INFRASTRUCTURE, None)
        assert np.flatnonzero(np.isnan(found.field().scores)).tolist() == [3]


def test_a_field_of_which_nothing_works(cache: LossCache) -> None:
    found = evaluate(contenders(3), TEXT, TERMS, Table(answer=lambda m, j: BROKEN), cache)
    assert {each.record.outcome for each in found.models} == {Outcome.INFRASTRUCTURE}
    assert found.pages_scored == 0


def test_no_contenders(cache: LossCache) -> None:
    found = evaluate([], TEXT, TERMS, Table(), cache, race=Race())
    assert found.models == ()
    assert len(found.field()) == 0


def test_leads_are_those_of_the_scores(cache: LossCache) -> None:
    """The weighed losses of a model have its score as their mean, task weights and all."""
    found = evaluate(contenders(), TEXT, TERMS, Table(), cache, race=None)
    scores = [judged.record.score for judged in found.models]
    assert found.field().losses.mean(axis=1) == pytest.approx(scores)
    outcome = play(found.field(), TERMS.competition.rules, TERMS.block)
    assert isinstance(outcome, Decided)
    assert outcome.margins == ()  # model 0 alone passes the filter


@pytest.mark.parametrize("order", [("exact", "sanity"), ("sanity", "exact")])
def test_of_several_failures_the_final_one_is_told(order: tuple[str, str], tmp_path: Path) -> None:
    """Whatever order a set gives them: one is tried again and the other never."""
    codes = {"exact": Code.FORGED, "sanity": Code.UNREASONABLE}
    given = RoundPages.of(TEXT, TERMS)
    run = Run(contenders(1)[0], given, TERMS, checked_rows(given.pages, TERMS), set(codes))
    run.learn({check: [{"code": codes[check], "sentence": "", "item": ""}] for check in order})
    assert run.failure is not None
    assert (run.failure.outcome, run.failure.finding.code) == (Outcome.INADMISSIBLE, Code.FORGED)
