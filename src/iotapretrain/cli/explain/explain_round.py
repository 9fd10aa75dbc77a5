"""A competition's round, quantity by quantity."""

from __future__ import annotations

from collections.abc import Iterator

from iotapretrain.cli.console import PrintedTable
from iotapretrain.cli.explain.inputs import Loss, RoundInput
from iotapretrain.errors import InputError
from iotapretrain.rules.competition import epsilon
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import (
    MODES,
    DecidedRound,
    NoResult,
    RoundRules,
    play,
)

ADJUSTED = "(1 - epsilon) x loss: what a later model must be below"


def tables(given: RoundInput) -> Iterator[PrintedTable]:
    """Every intermediate quantity of the round, from losses to weights."""
    if given.comparison not in MODES:
        raise InputError(
            f"comparison: {given.comparison!r} is no mode; use one of {', '.join(MODES)}"
        )
    rules = RoundRules(epsilon.parse(given.epsilon), MODES[given.comparison], given.temperature)
    outcome = play(_field(given), rules, given.current_block)
    if isinstance(outcome, NoResult):
        rows = [(uid, str(reason)) for uid, reason in outcome.left_out]
        columns = ("uid", "left out because")
        yield PrintedTable("No result", columns, rows, "standings stay as they are")
        return
    yield from _losses(outcome)
    yield _models(outcome, given.current_block)
    if not outcome.kept.all():
        reasons = zip(outcome.field.uids, outcome.left_out, strict=True)
        rows = [(int(uid), str(reason)) for uid, reason in reasons if reason is not None]
        yield PrintedTable("Left out", ("uid", "reason"), rows)
    if outcome.margins:
        yield _margins(outcome)


def _field(given: RoundInput) -> Field:
    models = given.models
    orders = [model.order for model in models if model.order is not None]
    by_page = bool(models) and all(model.losses is not None for model in models)
    if not by_page and any(model.losses is not None for model in models):
        raise InputError("models: give `losses` for every model, or `score` for every model")
    return Field.of(
        [model.uid for model in models],
        [model.block for model in models],
        scores=None if by_page else [_loss(model.score) for model in models],
        losses=[[_loss(loss) for loss in model.losses or ()] for model in models]
        if by_page
        else None,
        orders=orders if len(orders) == len(models) else None,
        digests=[model.digest for model in models],
    )


def _loss(value: Loss) -> float:
    return float("nan") if value is None else float(value)


def _losses(outcome: DecidedRound) -> Iterator[PrintedTable]:
    field, adjusted = outcome.field, outcome.adjusted_losses
    if field.losses is None or adjusted is None:
        return
    for title, losses, note in (
        ("Losses", field.losses, ""),
        ("Adjusted losses", adjusted, ADJUSTED),
    ):
        pages = {f"page {page}": losses_of.tolist() for page, losses_of in enumerate(losses.T, 1)}
        yield PrintedTable.of(title, {"uid": field.uids.tolist()} | pages, note)


def _models(outcome: DecidedRound, now: int) -> PrintedTable:
    field = outcome.field
    blocks = [int(block) for block in field.blocks]
    return PrintedTable.of(
        f"Models, compared {outcome.mode.comparison}",
        {
            "uid": field.uids.tolist(),
            "block": blocks,
            "age": [now - block for block in blocks],
            "score": field.scores.tolist(),
            "epsilon": outcome.epsilons.tolist(),
            "adjusted": outcome.adjusted_scores.tolist(),
            "kept": [reason is None for reason in outcome.left_out],
            "wins": outcome.wins.tolist(),
            "win_rate": outcome.win_rates.tolist(),
            "weight": outcome.weights.tolist(),
        },
        f"uid {outcome.winner} gets {outcome.winner_share:.2%} at T = {outcome.temperature:g}",
    )


def _margins(outcome: DecidedRound) -> PrintedTable:
    rows = [(m.uid, m.ahead, m.standard_error, m.decided) for m in outcome.margins]
    columns = ("over uid", "ahead", "standard_error", "decided")
    note = "mean over pages, after epsilon; undecided: within the error"
    return PrintedTable(f"Lead of uid {outcome.winner}", columns, rows, note)
