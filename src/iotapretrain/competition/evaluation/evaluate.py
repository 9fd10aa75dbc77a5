"""Score the field of a round: every loss once, in parallel, and with a race no more than it takes.

What is wanted next follows from the losses that are known (`rules.race`), so that the result is the
same however many workers there are, in whatever order they answer, and after any interruption.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Judged, Terms
from iotapretrain.competition.evaluation.excerpts import checked_rows
from iotapretrain.competition.evaluation.model_run import Part, Run
from iotapretrain.competition.evaluation.round_pages import RoundPages
from iotapretrain.competition.records.round_field import score_of
from iotapretrain.competition.records.round_record import unscored
from iotapretrain.data.outcome import RoundText
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.race import Race, estimates, raceable, wanted_pages
from iotapretrain.rules.competition.task_score import ModelScore
from iotapretrain.scoring.jobs import Executor, Failure
from iotapretrain.scoring.loss_cache import LossCache

RACE = Race()


def evaluate(
    contenders: Sequence[Contender],
    text: RoundText,
    terms: Terms,
    executor: Executor,
    cache: LossCache,
    race: Race | None = RACE,
    probe: bool = False,
) -> Evaluated:
    """Every contender's losses, or why there are none. Without a race all pages are scored.

    Contenders of one digest are scored once. With `probe` models are also asked, once a round,
    whether others can train on from them.
    """
    if not raceable(terms.competition.rules, terms.competition.tasks):
        race = None
    pages = RoundPages.of(text, terms)
    rows = checked_rows(pages.pages, terms)
    checks = rows.keys() - (set() if probe else {"probe"})
    runs: dict[str, Run] = {}
    for each in sorted(contenders, key=lambda contender: (contender.block, contender.uid)):
        if each.digest not in runs:
            runs[each.digest] = Run(each, pages, terms, rows, set(checks))
    while parts := _next(list(runs.values()), pages, race):
        _score(_recalled(parts, cache), executor, cache)
    return _evaluated(contenders, runs, pages, race)


def _next(runs: Sequence[Run], pages: RoundPages, race: Race | None) -> list[Part]:
    """What is missing of what is wanted of each model that has not failed."""
    running = [run for run in runs if run.failure is None]
    wanted = np.full(len(running), len(pages.plan))
    if race is not None and running:
        losses = np.array([run.losses for run in running])
        blocks = [run.contender.block for run in running]
        terms = running[0].terms
        epsilon = terms.competition.rules.epsilon
        wanted = wanted_pages(race, pages.plan, losses, blocks, epsilon, terms.block)
    parts = [
        run.missing(pages.plan.order[:many].tolist())
        for run, many in zip(running, wanted, strict=True)
    ]
    return [part for part in parts if part.pages or part.checks]


def _recalled(parts: Sequence[Part], cache: LossCache) -> list[Part]:
    """What is left of the work when the cache has been asked."""
    keys = [part.run.keys(part) for part in parts]
    found = cache.find(key for each in keys for key in each)
    for part, each in zip(parts, keys, strict=True):
        part.run.learn({what: found[key] for key, what in each.items() if key in found})
    left = [part.run.missing(part.pages) for part in parts if part.run.failure is None]
    return [part for part in left if part.pages or part.checks]


def _score(parts: Sequence[Part], executor: Executor, cache: LossCache) -> None:
    """Do the work, those that are to be alone one after the other, and keep what comes of it."""
    together = [part for part in parts if not part.run.alone]
    _do(together, -(-executor.width // max(len(together), 1)), executor, cache)
    for part in parts:
        if part.run.alone:
            _do([part], 1, executor, cache)


def _do(parts: Sequence[Part], pieces: int, executor: Executor, cache: LossCache) -> None:
    """These parts at once, cut smaller where workers would be idle."""
    cut = [piece for part in parts for piece in part.pieces(pieces)]
    jobs = [piece.run.job(number, piece) for number, piece in enumerate(cut)]
    tries = [piece.run.tries for piece in cut]
    for answer in executor.run(jobs):
        part, result = cut[answer.number], answer.result
        if isinstance(result, Failure):
            part.run.fail(result, tries[answer.number])
            continue
        known = result.known(part.pages, part.checks)
        cache.keep({key: known[what] for key, what in part.run.keys(part).items()})
        part.run.learn(known)


def _evaluated(
    contenders: Sequence[Contender], runs: Mapping[str, Run], pages: RoundPages, race: Race | None
) -> Evaluated:
    """Everything about the round, contender by contender."""
    scores = {digest: _total(run, pages) for digest, run in runs.items()}
    guesses = _estimates(runs, scores, pages)
    return Evaluated(
        models=tuple(
            _judged(each, runs[each.digest], scores[each.digest], guesses.get(each.digest))
            for each in contenders
        ),
        tasks=pages.tasks,
        error_probability=None if race is None else race.error_probability,
        pages_scored=sum(run.pages_scored for run in runs.values()),
        pages_of_full_round=len(runs) * len(pages.plan),
    )


def _judged(
    contender: Contender, run: Run, score: ModelScore | None, estimate: float | None
) -> Judged:
    failure = run.failure
    record = replace(
        unscored(contender, Outcome.EVALUATED if failure is None else failure.outcome),
        losses=_by_task(run),
        task_scores={} if score is None else {part.name: part.raw for part in score.parts},
        score=None if score is None else score.value,
        raced_out=failure is None and score is None,
        pages_scored=run.pages_scored,
    )
    findings = () if failure is None else (failure.finding,)
    return Judged(record, findings, estimate, run.behaviour)


def _by_task(run: Run) -> dict[str, tuple[float | None, ...]]:
    """Every task's losses by page; None for those not scored, and for pages without sequences."""
    losses: dict[str, list[float | None]] = {
        task.name: [None] * len(task.pages) for task in run.round.tasks if task.pages
    }
    for page, loss in zip(run.round.pages, run.losses.tolist(), strict=True):
        losses[page.task][page.place] = None if math.isnan(loss) else loss
    return {name: tuple(values) for name, values in losses.items()}


def _total(run: Run, pages: RoundPages) -> ModelScore | None:
    """The score of a model that was scored on every page."""
    if run.failure is not None or run.pages_scored < len(pages.plan):
        return None
    without = [task.name for task in pages.tasks if not task.pages]
    return score_of(pages.tasks, _by_task(run), run.terms.competition.tasks, without)


def _estimates(
    runs: Mapping[str, Run], scores: Mapping[str, ModelScore | None], pages: RoundPages
) -> dict[str, float]:
    """What the scores of models that left the race would probably be."""
    whole = {digest: score.value for digest, score in scores.items() if score is not None}
    out = [d for d, run in runs.items() if run.failure is None and scores[d] is None]
    if not whole or not out:
        return {}
    best = min(whole, key=lambda digest: whole[digest])
    rows = np.array([runs[digest].losses for digest in (best, *out)])
    scored = np.array([runs[digest].pages_scored for digest in (best, *out)])
    return dict(zip(out, estimates(pages.plan, rows, scored, 0)[1:].tolist(), strict=True))
