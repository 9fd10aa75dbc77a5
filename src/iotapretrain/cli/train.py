"""`iota train`: pretrain a model for a competition."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import answer, echo, printable
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.option_groups import Workplace, with_groups
from iotapretrain.cli.workplace import Metrics, Wandb, find_competition

if TYPE_CHECKING:
    from iotapretrain.rules.competition.schedule import Competition
    from iotapretrain.training.planning import TrainingSite
    from iotapretrain.training.ranks import Ranks
    from iotapretrain.training.recipe import TrainingRecipe
    from iotapretrain.training.start import Decision, Library
    from iotapretrain.training.trainer import Trained

INTERRUPTED = 130
COMPETITION = "tiny/nano"


@dataclass(frozen=True)
class RecipeWishes:
    """What is said in the place of a recipe's own words, by their names."""

    competition: Annotated[
        str | None,
        typer.Option(help=f"tiny/NAME, sn9/NAME or FILE.toml:NAME. Default: {COMPETITION}."),
    ] = None
    origin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Start from a folder, hub:REPO@COMMIT, best or uid:N. Default: from scratch.",
        ),
    ] = None
    size: Annotated[
        int | None, typer.Option(help="Parameters. Default: the middle of what is allowed.")
    ] = None
    tokens: Annotated[int | None, typer.Option(help="Train on so many tokens.")] = None
    steps: Annotated[int | None, typer.Option(help="Train so many steps.")] = None
    seconds: Annotated[float | None, typer.Option(help="Train for so long.")] = None
    loss: Annotated[float | None, typer.Option(help="Stop when a batch's loss is this low.")] = None
    tokenizer: Annotated[
        str | None, typer.Option(help="Where the competition's tokenizer lies.")
    ] = None


@with_groups
def train(
    place: Workplace,
    wishes: RecipeWishes,
    config: Annotated[
        Path | None, typer.Argument(help="A recipe in TOML.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="The folder of the run. Default: runs/COMPETITION."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the run's newest checkpoint stands.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the losses of the run.")
    ] = None,
    metrics: Metrics = None,
    wandb: Wandb = None,
    as_json: AsJson = False,
) -> None:
    """Pretrain a model: from a recipe, or with nothing but a competition's name.

    Everything that is not given is derived. No crash loses what a checkpoint holds.

    The best model by held-out loss lies in RUN/model, ready for `iota score`.

    Examples:

    iota train --competition tiny/nano --seconds 60

    iota train --competition tiny/nano --from best --out runs/better

    iota train my-recipe.toml --resume

    torchrun --nproc-per-node 8 --no-python iota train my-recipe.toml
    """
    place.check()
    from iotapretrain.training.recipe import TrainingRecipe, read_recipe

    recipe = TrainingRecipe() if config is None else read_recipe(config)
    recipe = recipe.with_options(**vars(wishes))
    name = recipe.competition or COMPETITION
    recipe = recipe.with_options(competition=name)
    folder = out or Path("runs") / name.replace("/", "-").rpartition(":")[2]
    found = find_competition(name)
    _check(recipe, found, folder, resume)

    from iotapretrain.training.ranks import joined
    from iotapretrain.training.start import decide

    library = partial(_library, place, found)
    deciding = partial(decide, recipe, found, folder, library=library, resume=resume)
    with joined() as ranks:
        trained = _sit(folder, ranks, deciding, metrics, wandb)
    if ranks.leads:
        _report(trained, plot, as_json)


def _check(recipe: TrainingRecipe, competition: Competition, run: Path, resume: bool) -> None:
    """Say at once what is wrong, before everything that training needs is imported."""
    from iotapretrain.data.tokenizer import BYTES, find_files
    from iotapretrain.training.plan import check_unbegun, has_begun
    from iotapretrain.training.recipe import check_early

    if not resume:
        check_unbegun(run)
    if not has_begun(run):
        check_early(recipe, competition.constraints)
        if (spelling := recipe.data.tokenizer or competition.constraints.tokenizer) != BYTES:
            find_files(spelling)


def _sit(
    run: Path,
    ranks: Ranks,
    deciding: Callable[[TrainingSite], Decision],
    metrics: str | None,
    wandb: str | None,
) -> Trained:
    """Decide together, then train; only the leading rank writes and speaks."""
    from rich.console import Console

    from iotapretrain.data.page_cache import PageCache, default_folder
    from iotapretrain.observe.sink import NoSink, Several, Sink, open_sinks
    from iotapretrain.training.planning import TrainingSite
    from iotapretrain.training.progress import RunProgress
    from iotapretrain.training.run_folder import RECORDS, make
    from iotapretrain.training.trainer import train

    cache = PageCache(default_folder())
    site = TrainingSite(cache, ranks.count, gpu=ranks.device.type == "cuda")
    decision = ranks.share(partial(deciding, site))
    with ExitStack() as stack:
        sink: Sink = NoSink()
        console = Console(stderr=True, soft_wrap=True, markup=False, quiet=not ranks.leads)
        if ranks.leads:
            make(run)
            kept = stack.enter_context(open_sinks(run / RECORDS, metrics=metrics, wandb=wandb))
            shown = RunProgress(console)
            stack.callback(shown.close)
            sink = Several(kept, shown)
        return train(
            decision.plan,
            run,
            sink,
            cache,
            start=decision.start,
            limits=decision.limits,
            ranks=ranks,
            say=lambda line: console.print(printable(line)),
        )


def _library(place: Workplace, competition: Competition) -> Library:
    """Where `--from` looks for models; the chain is asked only for `best` and `uid:N`."""
    from iotapretrain.hub.fetched_model import Model
    from iotapretrain.hub.model_cache import ModelCache, default_folder
    from iotapretrain.training.start import Library

    hub, cache = place.open_hub(), ModelCache(default_folder())
    most = competition.constraints.max_bytes

    def find(which: str) -> Model:
        from iotapretrain.competition.records.find_model import bring, find_model

        found = place.ask(lambda client: find_model(client, hub, place.netuid, competition, which))
        return bring(found, hub, cache, most)

    return Library(hub, cache, find, most)


def _report(trained: Trained, picture: Path | None, as_json: bool) -> None:
    """What came out, and how to go on."""
    from iotapretrain.net.retry import duration
    from iotapretrain.observe.read_records import read_events
    from iotapretrain.training.progress import plot
    from iotapretrain.training.run_folder import RECORDS
    from iotapretrain.training.stopping import StopReason

    if picture is not None:
        plot(read_events(trained.run / RECORDS), picture)
    again = f"iota train --out {trained.run} --resume"
    reason, done = trained.reason.name.lower(), trained.reason is StopReason.PLAN
    document = asdict(trained) | {"run": str(trained.run), "model": str(trained.model)}
    document |= {"reason": reason, "resume": None if done else again}
    answer(
        document,
        as_json,
        f"{trained.model}  held-out {trained.held_out_loss:.4f} after {trained.tokens:,} tokens"
        f" in {duration(trained.seconds)}",
    )
    if not done:
        echo(f"stopped ({reason}) at step {trained.step:,}; go on: {again}", err=True)
    if trained.reason is StopReason.INTERRUPTED:
        sys.exit(INTERRUPTED)
