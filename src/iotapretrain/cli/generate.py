"""`iota generate`: talk to a model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iotapretrain.cli.console import echo, print_json, stream
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.option_groups import Workplace, with_groups
from iotapretrain.cli.workplace import find_competition
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.hub.fetch import Progress
    from iotapretrain.hub.model_cache import ModelCache
    from iotapretrain.hub.protocol import Commit
    from iotapretrain.rules.competition.schedule import Competition


@dataclass(frozen=True)
class DrawingWishes:
    """How each token is drawn."""

    top_p: Annotated[
        float,
        typer.Option(
            min=0.001, max=1, help="Draw from the fewest tokens with so much of the odds."
        ),
    ] = 0.95
    temperature: Annotated[
        float,
        typer.Option(min=0, max=100, help="0 takes the likeliest token; above 1 gets wilder."),
    ] = 0.8
    top_k: Annotated[
        int, typer.Option(min=0, help="Draw from so many of the likeliest tokens; 0 is from all.")
    ] = 0
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same text.")
    ] = 0


HUB = "hub:"


@with_groups
def generate(
    place: Workplace,
    wishes: DrawingWishes,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A folder, hub:NAMESPACE/NAME@COMMIT, or of the leaderboard: best, uid:N or"
            " NAMESPACE/NAME.",
        ),
    ],
    prompt: Annotated[str, typer.Argument(help="The text to go on with.")],
    max_tokens: Annotated[int, typer.Option(min=1, help="Stop after so many tokens.")] = 200,
    competition: Annotated[
        str | None,
        typer.Option(help="Whose leaderboard, and whose tokenizer if the model carries none."),
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="`bytes`, a file or a folder. Default: the model's own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Continue a text with a model: tokens as they come.

    Strangers' weights and tokenizers are opened in processes without rights.

    Examples:

    iota generate runs/tiny-nano/model "def main("

    iota generate best "Once upon a time" --competition tiny/nano --temperature 0.5
    """
    chosen = None if competition is None else find_competition(competition)
    pieces: list[str] = []
    started = time.monotonic()
    with _located(place, model, chosen) as folder:
        from iotapretrain.benchmark.spoken import Drawing, budget_for, speak
        from iotapretrain.benchmark.subject import identified
        from iotapretrain.models.worker import Worker

        drawing, spelled = Drawing(**vars(wishes)), _tokenizer(tokenizer, folder, chosen)
        say = pieces.append if as_json else stream
        with identified(model, folder, spelled) as subject, Worker(budget_for(folder)) as worker:
            speech = speak(subject, prompt, max_tokens, drawing, worker, say)
    if as_json:
        document: dict[str, Any] = {"model": model, "digest": subject.weights, "prompt": prompt}
        document |= {"text": "".join(pieces), "tokens": len(speech.tokens), **asdict(drawing)}
        print_json(document | {"ended_by": speech.ending, "seconds": time.monotonic() - started})
        return
    stream("\n")
    if speech.ending == "positions":
        whole = len(speech.prompt) + len(speech.tokens)
        echo(f"ended at {whole:,} tokens: the model has positions for no more", err=True)


def _tokenizer(named: str | None, folder: Path, competition: Competition | None) -> str | None:
    """The one that is named; None for the model's own, and where it has none the competition's."""
    from iotapretrain.data.tokenizer import WHOLE

    if named is not None or competition is None or (folder / WHOLE).exists():
        return named
    return competition.constraints.tokenizer


@contextmanager
def _located(place: Workplace, model: str, competition: Competition | None) -> Iterator[Path]:
    """The folder of a model; what is neither one nor on a hub is a name of the leaderboard."""
    if Path(model).is_dir():
        yield Path(model)
        return
    on_hub = model.startswith(HUB)
    if not on_hub and competition is None:
        raise InputError(
            f"{model}: no such folder; of a leaderboard's model name the --competition, too"
        )
    from iotapretrain.benchmark.subject import located
    from iotapretrain.cli.pull import progress_bar
    from iotapretrain.hub.model_cache import ModelCache, default_folder

    cache = ModelCache(default_folder())
    with ExitStack() as held:
        with progress_bar(model) as progress:
            if competition is None or on_hub:
                there = located(model, place.hub_address, cache, progress)
                folder = held.enter_context(there)
            else:
                commit = _brought(place, model, competition, cache, progress)
                folder = held.enter_context(cache.hold(commit)).folder
        yield folder


def _brought(
    place: Workplace, model: str, competition: Competition, cache: ModelCache, progress: Progress
) -> Commit:
    """A model of the leaderboard, now in the cache."""
    from iotapretrain.competition.records.find_model import bring, find_model

    hub = place.open_hub()
    found = place.ask(lambda client: find_model(client, hub, place.netuid, competition, model))
    bring(found, hub, cache, competition.constraints.max_bytes, progress)
    return found.commit
