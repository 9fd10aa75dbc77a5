"""Why a miner has its weight: the chain's numbers, and each validator's record in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.records.committed import Ground, model_commitment, read_ground
from iotapretrain.competition.records.opinions import (
    RecordSource,
    Silence,
    by_stake,
    is_of,
    network_id,
    newest,
    with_past,
)
from iotapretrain.competition.records.round_field import apart
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    RoundRecord,
    champion_of,
    model_record,
)
from iotapretrain.competition.records.whole_history import WholeHistory
from iotapretrain.errors import HubError, InputError
from iotapretrain.hub.protocol import Hub
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.epsilon import to_beat
from iotapretrain.rules.competition.schedule import Schedule
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


@dataclass(frozen=True)
class Explanation:
    """A uid at a block; `rows` holds what each validator's row on the chain gives it, by uid."""

    uid: int
    hotkey: str
    block: int
    committed: str | None
    incentive: float
    emission: int
    rows: Mapping[int, float]
    accounts: tuple[Account, ...]
    silences: tuple[Silence, ...]


async def explain(
    client: ChainClient,
    hub: Hub,
    netuid: int,
    uid: int,
    schedule: Schedule,
    number: int | None = None,
) -> Explanation:
    """From the newest records about it of each validator and competition, or from one round's."""
    ground = await read_ground(client, netuid)
    if not 0 <= uid < len(ground.metagraph):
        raise InputError(f"uid {uid}: subnet {netuid} has uids 0 to {len(ground.metagraph) - 1}")
    hotkey = ground.metagraph.hotkeys[uid]
    network = await network_id(client)
    weights = await client.weights(netuid, ground.block)
    competitions = [each.id for each in schedule.active(ground.block)]
    accounts: list[Account] = []
    silences: list[Silence] = []
    for source in await with_past(client, ground, by_stake(ground)):
        try:
            records = list(_records(hub, source, network, ground, competitions, hotkey, number))
        except HubError as error:
            silences.append(Silence(source, str(error)))
            continue
        told = (account(record, hotkey) for record in records)
        accounts += [each for each in told if each is not None]
    return Explanation(
        uid=uid,
        hotkey=hotkey,
        block=ground.block,
        committed=ground.text(hotkey),
        incentive=float(ground.metagraph.incentive[uid]),
        emission=int(ground.metagraph.emission[uid]),
        rows={validator: row[uid] for validator, row in weights.items() if uid in row},
        accounts=tuple(accounts),
        silences=tuple(silences),
    )


def _records(
    hub: Hub,
    source: RecordSource,
    network: str,
    ground: Ground,
    competitions: list[int],
    hotkey: str,
    number: int | None,
) -> Iterator[RoundRecord]:
    """A validator's record of that round, or its newest of each competition about the hotkey."""
    netuid = ground.metagraph.netuid
    if number is not None:
        rounds = WholeHistory(hub, source.repositories)
        if number in rounds.numbers() and is_of(rounds.read(number), source, network, netuid):
            yield rounds.read(number).record
        return
    for competition in competitions:
        record = newest(hub, source, network, netuid, competition, about=hotkey)
        if record is not None:
            yield record


def account(record: RoundRecord, hotkey: str) -> Account | None:
    """None where the record does not speak of the hotkey."""
    model = model_record(record, hotkey)
    if model is None:
        return None
    champion = champion_of(record)
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
    epsilon = 0.0 if champion.block == model.block else champion.epsilon or 0.0
    return to_beat(champion.score, epsilon)


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
