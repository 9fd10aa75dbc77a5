"""`iota benchmark`: how good models are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import answer, printable
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.option_groups import with_groups
from iotapretrain.cli.workplace import PlainHub, TextCache, check_folder
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.benchmark.results import Watch


@dataclass(frozen=True)
class Measured:
    """What is measured, on what, and where that comes from."""

    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL", help="Folders, or hub:NAMESPACE/NAME@COMMIT.", show_default=False
        ),
    ]
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|NAME=PATH|PATH",
            help="Again, or after commas, for more. Default: eleven of the field.",
        ),
    ] = None
    limit: Annotated[
        int | None, typer.Option(help="At most so many items or sequences a task.", min=1)
    ] = None
    seed: Annotated[
        int,
        typer.Option(
            help="Draws pages of texts and generated questions; the same seed, the same ones.",
            min=0,
        ),
    ] = 0
    tokenizer: Annotated[
        str | None, typer.Option(help="`bytes`, a file or a folder. Default: each model's own.")
    ] = None
    hub: PlainHub = "hf"
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda. Default: cuda where there is one.")
    ] = None
    cache: TextCache = None


@with_groups
def benchmark(
    asked: Measured,
    out: Annotated[
        Path | None, typer.Option(help="Write Markdown, CSV, JSON and a chart to this folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure models: perplexity of texts, the field's tasks, generated tasks.

    Results are kept by model and task, so that a run that was interrupted goes on where it was.
    Exit code 1 when a result is missing, which the others do not suffer from.

    Example: iota benchmark my-model --tasks synthetic/invoices,prose=README.md --out benchmark
    """
    from iotapretrain.benchmark import result_tables
    from iotapretrain.benchmark.results import BenchmarkRun
    from iotapretrain.benchmark.task_list import DEFAULT, Choosing
    from iotapretrain.data.page_cache import PageCache, default_folder
    from iotapretrain.hub.model_cache import ModelCache as HubCache
    from iotapretrain.hub.model_cache import default_folder as hub_folder
    from iotapretrain.models.worker import Budget, Worker

    kept, fetched = PageCache(asked.cache or default_folder()), HubCache(hub_folder())
    names = [name for listed in asked.tasks or DEFAULT for name in listed.split(",")]
    chosen = Choosing(kept, asked.seed, asked.limit).tasks(names)
    for model in asked.models:
        if not model.startswith("hub:"):
            check_folder(Path(model))
    place = _device(asked.device)
    results = []
    with Worker(Budget()) as worker, _progress() as (watch, say):
        bench = BenchmarkRun(kept, asked.hub, fetched, worker, place, asked.tokenizer)
        for result in bench.results(asked.models, chosen, watch):
            results.append(result)
            end = result.missing or ("known" if result.kept else f"{result.seconds:.1f} s")
            say(f"{result.model}: {result.task}: {end}")
            if out is not None:
                result_tables.write(out, results, chosen)
        if out is not None and not result_tables.draw(out / "benchmark.png", results):
            say("no chart: pip install 'iotapretrain[plot]'")
    lines = result_tables.as_markdown(results).splitlines()
    answer(result_tables.as_data(results), as_json, *lines)
    if any(result.missing for result in results):
        raise typer.Exit(1)


def _device(wanted: str | None) -> str:
    """Where to compute."""
    there = wanted in (None, "cuda") and _has_cuda()
    if wanted not in (None, "cpu", "cuda") or (wanted == "cuda" and not there):
        raise InputError(f"--device {wanted}: give cpu, or cuda on a machine that has it")
    return wanted or ("cuda" if there else "cpu")


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


@contextmanager
def _progress() -> Iterator[tuple[Watch, Callable[[str], None]]]:
    """A bar on standard error while something is measured, and lines above it."""
    from rich.console import Console
    from rich.progress import Progress

    # The stream as it is now: `lm-eval` is kept from writing to whatever sys.stderr is later.
    console = Console(file=sys.stderr, soft_wrap=True, highlight=False, markup=False)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        line = bar.add_task("", total=None)

        def watch(model: str, task: str, done: int, of: int) -> None:
            bar.update(line, description=f"{model}: {task}", completed=done, total=of)

        yield watch, lambda line: console.print(printable(line))
