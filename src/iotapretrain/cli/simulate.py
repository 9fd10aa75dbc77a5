"""`iota simulate`: laboratories in which the rules are tried out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import PrintedTable, answer, out, print_json
from iotapretrain.cli.network_options import AsJson

if TYPE_CHECKING:
    from iotapretrain.arena.incentives.experiment import Experiment
    from iotapretrain.arena.incentives.laboratory import Study

COLOURS = {"holds": "green", "fails": "red", "note": "cyan"}

app = typer.Typer(help="Try the rules out, without models or machines.", no_args_is_help=True)


@app.command()
def incentives(
    experiment: Annotated[
        list[str] | None,
        typer.Argument(help="Experiments by name; all when none is given.", show_default=False),
    ] = None,
    rounds: Annotated[int, typer.Option(min=10, help="Rounds of a full-length world.")] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same numbers.")] = 1,
    models: Annotated[int, typer.Option(min=6, help="Models in a field.")] = 30,
    plot: Annotated[
        Path | None, typer.Option(help="A folder to write one PNG an experiment to.")
    ] = None,
    as_json: AsJson = False,
    listed: Annotated[bool, typer.Option("--list", help="List the experiments and stop.")] = False,
) -> None:
    """What the rules pay for: strategies of miners and validators, played for thousands of rounds.

    Example: iota simulate incentives cabal sybils --rounds 500 --plot out/
    """
    from iotapretrain.arena.incentives.experiment import claim_and_setup
    from iotapretrain.arena.incentives.figure import require_matplotlib, save
    from iotapretrain.arena.incentives.laboratory import chosen

    wanted = chosen(experiment or [])
    if listed:
        claims = {each.NAME: claim_and_setup(each)[0] for each in wanted}
        document = [{"name": name, "claim": claim} for name, claim in claims.items()]
        answer(document, as_json, *(f"{name:14} {claim}" for name, claim in claims.items()))
        return
    if plot is not None:
        require_matplotlib()
    studies = []
    for study in _conduct(wanted, models, rounds, seed):
        studies.append(study.as_data())
        if plot is not None:
            save(plot / f"{study.experiment.NAME}.png", study.draw)
        if not as_json:
            _show(study)
    if as_json:
        asked = {"rounds": rounds, "seed": seed, "models": models}
        print_json(asked | {"experiments": studies})


@app.command()
def routing(
    miners: Annotated[int, typer.Option(help="Miners of the swarm.", min=2)] = 96,
    stages: Annotated[int, typer.Option(help="Stages, two miners or more each.", min=1)] = 6,
    policy: Annotated[
        list[str] | None,
        typer.Option(help="A policy by name, repeatable; all by default.", show_default=False),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Swarms each policy is tried in.", min=1)] = 3,
    plot: Annotated[Path | None, typer.Option(help="A PNG to write.", metavar="FILE.png")] = None,
    as_json: AsJson = False,
) -> None:
    """How fast samples go through a swarm under each policy of routing, event by event.

    Example: iota simulate routing --miners 96 --stages 6 --policy ours --policy random --seeds 5
    """
    from iotapretrain.arena.incentives.figure import require_matplotlib, save
    from iotapretrain.arena.swarm.routing_study import study_routing
    from iotapretrain.arena.swarm.routing_world import LabWorld

    if plot is not None:
        require_matplotlib()
    study = study_routing(LabWorld(miners=miners, stages=stages), policy, range(1, seeds + 1))
    if plot is not None:
        save(plot, study.draw)
    if as_json:
        print_json(study.as_data())
        return
    PrintedTable.of("", study.columns(), study.note()).show()


def _conduct(
    experiments: Sequence[Experiment], models: int, rounds: int, seed: int
) -> Iterator[Study]:
    """One study after the other, with a bar for each on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from iotapretrain.arena.incentives.laboratory import conduct, rounds_of_world

    columns = (
        TextColumn("{task.description:14}"),
        BarColumn(),
        TextColumn("{task.completed:,} rounds"),
    )
    for each in experiments:
        with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
            total = len(each.worlds(models)) * rounds_of_world(each, rounds)
            task = progress.add_task(each.NAME, total=total)
            study = conduct(each, models, rounds, seed, partial(progress.advance, task))
        yield study


def _show(study: Study) -> None:
    document = study.as_data()
    out.print(f"\n[bold]{document['experiment']}[/bold]: {document['claim']}")
    PrintedTable("", [column.name for column in study.columns], study.texts()).show()
    for each in study.evidence:
        out.print(f"  [{COLOURS[each.verdict]}]{each.verdict:5}[/]  {each.text}")
