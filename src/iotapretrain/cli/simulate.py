"""`iota simulate`: laboratories in which the rules are tried out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import PrintedTable, answer, echo, out, print_json
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


@app.command()
def swarm(
    scenario: Annotated[
        list[str] | None,
        typer.Argument(
            help="Scenarios by name (calm, churn, iota, cheats, storm) or TOML files; all names"
            " when none is given.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The first seed; one seed, one log.", show_default="1")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds each scenario is played with.")] = 1,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of every stage.", show_default="4")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="A PNG to write.", metavar="FILE.png")] = None,
    as_json: AsJson = False,
) -> None:
    """Whole swarms in virtual time: the real roles and rules over simulated machines.

    Exits with 1 if anything that must hold did not, and names the seed that shows it.

    Example: iota simulate swarm churn iota --epochs 20 --plot swarm.png
    """
    from iotapretrain.arena.incentives.figure import require_matplotlib, save
    from iotapretrain.arena.swarm.scenario_file import SCENARIOS, find_scenario
    from iotapretrain.arena.swarm.swarm_report import SwarmReport, play_scenario
    from iotapretrain.arena.swarm.swarm_study import SwarmStudy

    if plot is not None:
        require_matplotlib()
    names = list(dict.fromkeys(scenario or SCENARIOS))
    wanted = {name: find_scenario(name, seed, epochs) for name in names}
    reports: dict[str, list[SwarmReport]] = {name: [] for name in names}
    for name, found in wanted.items():
        for number in range(found.seed, found.seed + seeds):
            echo(f"{name}, seed {number}: {found.epochs} epochs …", err=True)
            reports[name].append(play_scenario(find_scenario(name, number, epochs)))
    study = SwarmStudy(reports)
    if plot is not None:
        save(plot, study.draw)
    if as_json:
        print_json({"scenarios": study.as_data(), "broken": study.problems()})
    else:
        PrintedTable.of("", study.columns()).show()
        for problem in study.problems():
            echo(problem)
    if study.problems():
        raise typer.Exit(1)


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
