"""From what is known of each model to what the round makes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Judged
from iotapretrain.competition.evaluation.model_run import Run
from iotapretrain.competition.evaluation.round_pages import RoundPages
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.race import Race, estimates
from iotapretrain.rules.competition.task_score import ModelScore, aggregate


def evaluated(
    contenders: Sequence[Contender],
    runs: Mapping[str, Run],
    pages: RoundPages,
    race: Race | None,
    seconds: float,
) -> Evaluated:
    """Everything about the round, contender by contender."""
    scores = {digest: _score(run, pages) for digest, run in runs.items()}
    guesses = _estimates(runs, scores, pages)
    models = tuple(
        _judged(each, runs[each.digest], scores[each.digest], guesses.get(each.digest))
        for each in contenders
    )
    shares = pages.plan.shares * len(pages.plan)
    losses = np.array([runs[each.digest].losses for each in contenders])
    return Evaluated(
        models=models,
        weighed=losses.reshape(len(contenders), len(pages.plan)) * shares,
        error_probability=None if race is None else race.error_probability,
        pages_scored=sum(run.pages_scored for run in runs.values()),
        pages_of_full_round=len(runs) * len(pages.plan),
        seconds=seconds,
    )


def _judged(
    contender: Contender, run: Run, score: ModelScore | None, estimate: float | None
) -> Judged:
    failure = run.failure
    return Judged(
        contender=contender,
        outcome=Outcome.EVALUATED if failure is None else failure.outcome,
        findings=() if failure is None else (failure.finding,),
        losses=_by_task(run),
        task_scores={} if score is None else {part.name: part.raw for part in score.parts},
        score=None if score is None else score.value,
        estimate=estimate,
        raced_out=failure is None and score is None,
        pages_scored=run.pages_scored,
        seconds=run.seconds,
        behaviour=run.behaviour,
    )


def _by_task(run: Run) -> dict[str, tuple[float | None, ...]]:
    """Every task's losses by page; None for those not scored, and for pages without sequences."""
    losses: dict[str, list[float | None]] = {
        name: [None] * size for name, size in run.round.sizes.items()
    }
    for page, loss in zip(run.round.pages, run.losses.tolist(), strict=True):
        losses[page.task][page.place] = None if math.isnan(loss) else loss
    return {name: tuple(values) for name, values in losses.items()}


def _score(run: Run, pages: RoundPages) -> ModelScore | None:
    """The score of a model that was scored on every page."""
    if run.failure is not None or run.pages_scored < len(pages.plan):
        return None
    tasks = run.terms.competition.tasks
    failed = [task.name for task in tasks if task.name not in pages.sizes]
    raw = {name: _mean(run.losses, pages, name) for name in pages.sizes}
    return aggregate(tasks, raw, failed)


def _mean(losses: FloatArray, pages: RoundPages, task: str) -> float:
    """Mean over the sequences of a task, all pages of which are known."""
    own = [(len(page.ids), losses[n]) for n, page in enumerate(pages.pages) if page.task == task]
    return math.fsum(count * loss for count, loss in own) / sum(count for count, _ in own)


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
