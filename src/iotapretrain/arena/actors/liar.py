"""The liar: a validator that works like any other, but swears that its friend's model is the best.

python -m iotapretrain.arena.actors.liar NETWORK NAME FRIEND COMPETITIONS
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from iotapretrain.chain.client import connect
from iotapretrain.chain.wallets import existing_wallet
from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Judged, Terms
from iotapretrain.competition.validator.run import INSPECTION, Scoring, open_score, validate
from iotapretrain.competition.validator.score_field import Score
from iotapretrain.competition.validator.settings import Settings, World
from iotapretrain.data import page_cache as text_cache
from iotapretrain.data.outcome import RoundText
from iotapretrain.hub import model_cache
from iotapretrain.hub.address import open_hub
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.models.worker import Worker
from iotapretrain.observe.sink import Lines
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.schedule_file import parse

FAVOUR = 0.5
"""What the friend's losses are times the best model's."""
POLL_SECONDS = 2.0
WEIGHTS_EVERY = 8

Lie = Callable[[Score], Score]


def favouring(friend: str) -> Lie:
    """Scores as they are, but for those of one hotkey."""

    def lie(honest: Score) -> Score:
        def score(contenders: Sequence[Contender], text: RoundText, terms: Terms) -> Evaluated:
            return _favoured(honest(contenders, text, terms), friend)

        return score

    return lie


def _favoured(found: Evaluated, friend: str) -> Evaluated:
    """The friend's losses are half of the best model's, whatever they are."""
    scored = [row for row, judged in enumerate(found.models) if judged.record.score is not None]
    if not scored:
        return found
    best = min(scored, key=lambda row: found.models[row].record.score or 0.0)
    sworn = (
        _sworn(judged, found.models[best]) if judged.record.hotkey == friend else judged
        for judged in found.models
    )
    return replace(found, models=tuple(sworn))


def _sworn(friend: Judged, best: Judged) -> Judged:
    told = best.record
    record = msgspec.structs.replace(
        friend.record,
        outcome=str(Outcome.EVALUATED),
        losses={
            task: tuple(None if loss is None else FAVOUR * loss for loss in losses)
            for task, losses in told.losses.items()
        },
        task_scores={task: FAVOUR * score for task, score in told.task_scores.items()},
        score=FAVOUR * (told.score or 0.0),
        raced_out=False,
        pages_scored=told.pages_scored,
    )
    return replace(friend, record=record, findings=(), estimate=None)


async def _live(network: Path, name: str, friend: str, competitions: Path) -> None:
    text = competitions.read_text(encoding="utf-8")
    state = network / "validators" / name
    settings = Settings(
        netuid=1,
        schedule=parse(text, str(competitions)),
        schedule_text=text,
        state=state,
        repository=RepositoryId(name, "rounds"),
        weights_every=WEIGHTS_EVERY,
        poll=POLL_SECONDS,
    )
    wallets = network / "wallets"
    hotkey = existing_wallet(friend, wallets).hotkeypub.ss58_address
    with (
        open_score(state, Scoring(workers=1, race=True, ray=None)) as score,
        Worker(INSPECTION) as worker,
    ):
        world = World(
            hub=open_hub(f"folder:{network / 'hub'}", name),
            score=favouring(hotkey)(score),
            worker=worker,
            sink=Lines(state / "records.jsonl"),
            models=model_cache.ModelCache(model_cache.default_folder()),
            texts=text_cache.PageCache(text_cache.default_folder()),
        )
        async with await connect(f"embedded:{network}") as client:
            task = asyncio.create_task(
                validate(settings, client, existing_wallet(name, wallets), world)
            )
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
            await asyncio.wait([task])


def main(network: str, name: str, friend: str, competitions: str) -> None:
    """What the process does, until it is told to end."""
    asyncio.run(_live(Path(network), name, friend, Path(competitions)))


if __name__ == "__main__":
    main(*sys.argv[1:])
