"""`iota score`: where a model would stand, before anything is published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iotapretrain.cli.console import PrintedTable, print_json, tell
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.option_groups import Workplace, with_groups
from iotapretrain.cli.workplace import CompetitionName, TokenizerPlace, check_folder, find_scheduled

if TYPE_CHECKING:
    from iotapretrain.competition.records.prospect import Duel, Outlook
    from iotapretrain.competition.trial import Scene, Trial
    from iotapretrain.hub.protocol import Hub
    from iotapretrain.rules.competition.schedule import Competition

REFUSED = 1


@with_groups
def score(
    place: Workplace,
    folder: Annotated[Path, typer.Argument(help="A folder with config.json and *.safetensors.")],
    competition: CompetitionName,
    tokenizer: TokenizerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Say what validators would say of a model now: verdict, loss beside the champion's, and pay.

    Exit code 0 if it may take part, 1 if it is refused, 2 for wrong input.

    Example: iota score net/miners/miner-1/run/model --competition tiny/nano --network net
    """
    check_folder(folder)
    schedule, chosen = find_scheduled(competition)
    from iotapretrain.competition.trial import read_scene

    hub, cadence = place.open_hub(), schedule.sync_cadence
    scene = place.ask(lambda client: read_scene(client, hub, place.netuid, chosen, cadence))
    trial = _tried(folder, scene, hub, chosen, tokenizer)
    if as_json:
        print_json(_document(trial))
    else:
        _show(trial)
    raise typer.Exit(REFUSED if trial.findings else 0)


def _tried(
    folder: Path, scene: Scene, hub: Hub, competition: Competition, place: str | None
) -> Trial:
    from iotapretrain.competition.trial import TrialBench, try_model
    from iotapretrain.data import page_cache as texts
    from iotapretrain.data.tokenizer import load_tokenizer
    from iotapretrain.hub import model_cache as models
    from iotapretrain.models.worker import Budget, Worker
    from iotapretrain.scoring.loss_cache import LossCache

    tokenizer = load_tokenizer(place or competition.constraints.tokenizer)
    losses = models.default_folder().parent / "losses.sqlite"
    with Worker(Budget()) as worker, LossCache(losses) as kept:
        bench = TrialBench(
            hub=hub,
            models=models.ModelCache(models.default_folder()),
            text=texts.PageCache(texts.default_folder()),
            losses=kept,
            worker=worker,
            tokenizer=tokenizer,
        )
        return try_model(folder, scene, bench)


def _show(trial: Trial) -> None:
    for finding in trial.findings:
        tell(f"refused: {finding.code}: {finding.sentence}")
    if trial.facts is not None and not trial.findings:
        facts = trial.facts
        tell(f"admitted: {facts.architecture}, {facts.parameters:,} parameters")
    if trial.tasks:
        _tasks(trial).show()
    for sentence in _sentences(trial):
        tell(sentence)


def _tasks(trial: Trial) -> PrintedTable:
    rows = [
        (
            task.name,
            len(task.batch.pages),
            len(task.batch.sequences),
            task.loss,
            task.champions,
            None if task.loss is None or task.champions is None else task.loss - task.champions,
        )
        for task in trial.tasks
    ]
    columns = ("task", "pages", "sequences", "loss", "champion's", "difference")
    scene = trial.scene
    title = f"{scene.competition.name}, pages of block {scene.sync_block}"
    return PrintedTable(title, columns, rows, "; ".join(trial.missing))


def _sentences(trial: Trial) -> Iterator[str]:
    if trial.own is not None:
        yield (
            f"These bytes are committed already, by uid {trial.own.uid} in block"
            f" {trial.own.block}; from anybody else they would be refused as a copy."
        )
    if trial.duel is not None:
        yield from _duelled(trial.duel)
    elif trial.prospect is not None:
        yield f"Loss {trial.prospect.loss:.6g}; there is no other champion to beat."
    if trial.prospect is not None:
        yield from _prospects(trial.prospect)
        when = "Committed in the next block, it would be" if trial.own is None else "It is"
        yield f"{when} judged from block {trial.prospect.judged_from} on."


def _duelled(duel: Duel) -> Iterator[str]:
    champion = duel.champion
    error = "unknown" if duel.standard_error is None else f"{duel.standard_error:.2g}"
    side = "below" if duel.ahead > 0 else "above"
    yield (
        f"Loss {duel.loss - duel.ahead:.6g}, {abs(duel.ahead):.4g} {side} that of the champion, uid"
        f" {champion.uid} ({champion.repository}), {duel.loss:.6g}; paired standard error {error}."
    )
    until = "" if duel.decayed_from is None else f", falling until block {duel.decayed_from}"
    yield (
        f"The champion's epsilon is {duel.epsilon_now:.4%} now{until} to {duel.epsilon_floor:.4%}:"
        f" a loss below {duel.needed_now:.6g} beats it now, one below {duel.needed_ever:.6g} in"
        " the end."
    )


def _prospects(prospect: Outlook) -> Iterator[str]:
    yield (
        f"In the present field of {prospect.field_size} its win rate is {prospect.win_rate:.3g}"
        f" and its weight in a round {prospect.weight:.3g}."
    )
    if prospect.left_out is not None:
        yield f"The filter leaves it out: {prospect.left_out.value}."
    if prospect.wins_now:
        yield "It would win now."
    elif prospect.wins_from is not None:
        yield f"It would not win now, but from block {prospect.wins_from} on, if all else stays."
    else:
        yield "It would not win now, nor later, however far epsilons decay."


def _document(trial: Trial) -> dict[str, Any]:
    scene = trial.scene
    return {
        "competition": scene.competition.name,
        "block": scene.ground.block,
        "sync_block": scene.sync_block,
        "seed_hash": scene.seed_hash,
        "admitted": not trial.findings,
        "findings": [asdict(finding) for finding in trial.findings],
        "facts": None if trial.facts is None else asdict(trial.facts),
        "digest": trial.digest,
        "committed_by_uid": None if trial.own is None else trial.own.uid,
        "tasks": [
            {
                "task": task.name,
                "loss": task.loss,
                "champions_loss": task.champions,
                "pages": [
                    {**asdict(page.page), "digest": page.digest, "sequences": len(page.sequences)}
                    for page in task.batch.pages
                ],
            }
            for task in trial.tasks
        ],
        "missing": list(trial.missing),
        "champion": None if trial.duel is None else _duel(trial.duel),
        "prospect": None if trial.prospect is None else asdict(trial.prospect),
    }


def _duel(duel: Duel) -> dict[str, Any]:
    champion = duel.champion
    who = {
        "uid": champion.uid,
        "hotkey": champion.hotkey,
        "repository": str(champion.repository),
        "block": champion.block,
    }
    return who | {key: value for key, value in asdict(duel).items() if key != "champion"}
