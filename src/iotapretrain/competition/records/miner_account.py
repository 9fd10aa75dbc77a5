"""Why a miner has the weight that it has: one validator's record, told in numbers and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iotapretrain.competition.records.committed import model_commitment
from iotapretrain.competition.records.opinions import model_record
from iotapretrain.competition.records.record_pages import apart
from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.wins import Margin


@dataclass(frozen=True)
class Account:
    """What a record says of a hotkey; `bar` is what its loss had to be strictly below to win.

    `behind` is how far its loss is above the champion's, `error` the paired standard error of that;
    None where not both were scored on every page.
    """

    validator: str
    round: int
    block: int
    competition: str
    model: ModelRecord
    champion: ModelRecord | None
    bar: float | None
    behind: float | None
    error: float | None
    standing: float
    weight: float
    sentences: tuple[str, ...]


def account(record: RoundRecord, hotkey: str) -> Account | None:
    """None where the record does not speak of the hotkey."""
    model = model_record(record, hotkey)
    if model is None:
        return None
    champion = model_record(record, record.champion)
    margin = None if champion is None else apart(record, model, champion)
    bar = None if champion is None else _bar(model, champion)
    standing = record.standings.get(str(record.competition), {}).get(hotkey, 0.0)
    weight = record.weights.get(hotkey, 0.0)
    sentences = (
        *_judged(record, model),
        *_compared(model, champion, bar, margin),
        *_paid(record, model, standing, weight),
    )
    return Account(
        validator=record.validator,
        round=record.round,
        block=record.block,
        competition=record.competition_name,
        model=model,
        champion=champion,
        bar=bar,
        behind=None if margin is None else -margin.ahead,
        error=None if margin is None else margin.standard_error,
        standing=standing,
        weight=weight,
        sentences=sentences,
    )


def _bar(model: ModelRecord, champion: ModelRecord) -> float | None:
    """(1 - epsilon) x the champion's loss if that is earlier; its loss if in the same block."""
    if champion.score is None or champion.block > model.block or champion.hotkey == model.hotkey:
        return None
    same = champion.block == model.block
    return champion.score * (1.0 if same or champion.epsilon is None else 1 - champion.epsilon)


def _judged(record: RoundRecord, model: ModelRecord) -> Iterator[str]:
    yield (
        f"In round {record.round} of competition {record.competition_name}, at block"
        f" {record.block}, it looked at {_name(model)}, committed in block {model.block}."
    )
    for reason in model.reasons:
        what = "left out" if model.outcome == Outcome.EVALUATED else "refused"
        item = f" ({reason.item})" if reason.item else ""
        yield f"It was {what}: {reason.code}: {reason.sentence}{item}."
    if model.outcome == Outcome.INFRASTRUCTURE:
        yield "It could not be scored for no fault of its own; the validator tries again."
    pages = sum(len(task.pages) for task in record.tasks)
    if model.score is not None:
        parts = ", ".join(f"{task} {loss:.6g}" for task, loss in model.task_scores.items())
        yield f"Its loss on {pages} pages is {model.score:.6g} ({parts})."
    elif model.raced_out:
        yield f"It left the race after {model.pages_scored} of {pages} pages."


def _name(model: ModelRecord) -> str:
    commitment = model_commitment(model.commitment)
    if commitment is None:
        return repr(model.commitment)
    return f"{commitment.repo_id}@{commitment.commit[:8]}"


def _compared(
    model: ModelRecord, champion: ModelRecord | None, bar: float | None, margin: Margin | None
) -> Iterator[str]:
    if champion is None:
        yield "The round had no result: no model could take part, and nobody's average changed."
        return
    if champion.hotkey == model.hotkey:
        epsilon = model.epsilon or 0.0
        yield f"It is the champion: later models must be better by more than {epsilon:.3%}."
    elif champion.score is not None and model.score is not None:
        error = None if margin is None else margin.standard_error
        doubt = "" if error is None else f" (paired standard error {error:.2g})"
        side = "above" if model.score >= champion.score else "below"
        off = abs(model.score - champion.score)
        yield (
            f"The champion is uid {champion.uid} with {champion.score:.6g}: its own loss is"
            f" {off:.4g} {side} that{doubt}."
        )
        if bar is not None:
            epsilon = champion.epsilon or 0.0
            kept = "not below" if model.score >= bar else "below"
            yield (
                f"To beat the champion, which is earlier, it had to be below {bar:.6g}, as epsilon"
                f" was {epsilon:.3%}; it was {kept}."
            )
        elif champion.block > model.block:
            yield "The champion is later and beat it although epsilon was in its own favour."


def _paid(record: RoundRecord, model: ModelRecord, standing: float, weight: float) -> Iterator[str]:
    if model.score is not None and record.champion is not None:
        rivals = sum(each.score is not None for each in record.models) - 1
        yield (
            f"It won {model.wins} comparisons in a field of {rivals + 1} scored models, a win rate"
            f" of {model.win_rate:.3g}, which makes {model.weight:.3g} of the round's weight."
        )
    yield (
        f"Averaged over rounds it holds {standing:.3g} of the competition, and with the shares of"
        f" all competitions {weight:.3g} of the validator's weights."
    )
