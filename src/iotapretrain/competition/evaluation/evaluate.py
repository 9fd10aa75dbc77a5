"""Score the field of a round: every loss once, in parallel, and with a race no more than it takes.

What is wanted next follows from the losses that are known (`rules.race`), so that the result is the
same however many workers there are, in whatever order they answer, and after any interruption.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Terms
from iotapretrain.competition.evaluation.excerpts import checked_rows
from iotapretrain.competition.evaluation.model_run import Part, Run
from iotapretrain.competition.evaluation.round_pages import RoundPages
from iotapretrain.competition.evaluation.round_results import evaluated
from iotapretrain.data.outcome import RoundText
from iotapretrain.rules.competition.field import Field, IntArray
from iotapretrain.rules.competition.race import Race, progress, raceable
from iotapretrain.scoring.jobs import Answer, Executor, Failure
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
    started = time.monotonic()
    if not raceable(terms.competition.rules, terms.competition.tasks):
        race = None
    pages = RoundPages.of(text, terms)
    rows = checked_rows(pages.pages, terms)
    checks = rows.keys() - (set() if probe else {"probe"})
    runs: dict[str, Run] = {}
    for each in sorted(contenders, key=_seniority):
        if each.digest not in runs:
            runs[each.digest] = Run(each, pages, terms, rows, set(checks))
    while parts := _next(list(runs.values()), pages, race):
        _score(_recalled(parts, cache), executor, cache)
    return evaluated(contenders, runs, pages, race, time.monotonic() - started)


def _seniority(contender: Contender) -> tuple[int, int, int]:
    return contender.block, contender.order, contender.uid


def _next(runs: Sequence[Run], pages: RoundPages, race: Race | None) -> list[Part]:
    """What is missing of what is wanted of each model that has not failed."""
    running = [run for run in runs if run.failure is None]
    parts = [
        run.missing(pages.plan.order[:wanted].tolist())
        for run, wanted in zip(running, _wanted(running, pages, race), strict=True)
    ]
    return [part for part in parts if part.pages or part.checks]


def _wanted(running: Sequence[Run], pages: RoundPages, race: Race | None) -> IntArray:
    everything = np.full(len(running), len(pages.plan))
    if race is None or not running:
        return everything
    field = Field.of(
        range(len(running)),
        [run.contender.block for run in running],
        losses=np.array([run.losses for run in running]),
    )
    terms = running[0].terms
    epsilon = terms.competition.rules.epsilon
    advantages = np.maximum(epsilon.at(field.ages(terms.block)), epsilon.floor)
    return progress(race, pages.plan, field, advantages).wanted


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
        _take(cut[answer.number], answer, tries[answer.number], cache)


def _take(part: Part, answer: Answer, tries: int, cache: LossCache) -> None:
    run, result = part.run, answer.result
    run.seconds += answer.seconds
    if isinstance(result, Failure):
        run.fail(result, tries)
        return
    known = result.known(part.pages, part.checks)
    cache.keep({key: known[what] for key, what in run.keys(part).items()})
    run.learn(known)
