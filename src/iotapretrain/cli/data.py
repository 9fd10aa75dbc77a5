"""`iota data`: look at sources, pages and tokenizers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from iotapretrain.cli.console import print_json

app = typer.Typer(help="Look at sources of text, their pages and tokenizers.", no_args_is_help=True)

SourceName = Annotated[
    str,
    typer.Option("--source", help="A dataset's name (see `iota data sources`) or TOML file."),
]
Seed = Annotated[int, typer.Option(help="The seed that validators share.", min=0)]
Competition = Annotated[int, typer.Option(help="Competition id; it takes part in the draw.", min=0)]
Task = Annotated[
    str, typer.Option(help="Task name; it takes part in the draw. Default: the source's name.")
]
CacheFolder = Annotated[
    Path | None, typer.Option("--cache", help="Cache folder. Default: $IOTA_CACHE or the user's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def sample(
    source: SourceName,
    seed: Seed = 0,
    pages: Annotated[int, typer.Option(help="How many pages.", min=1)] = 4,
    rows: Annotated[int, typer.Option(help="Rows a page.", min=1)] = 50,
    competition: Competition = 0,
    task: Task = "",
    cache: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Draw pages from a seed and print their digests: the same everywhere for the same revision.

    Example: iota data sample --source python-docs --seed 7 --pages 4
    """
    from iotapretrain.data.cache import Cache, default_folder
    from iotapretrain.data.datasets import open_source
    from iotapretrain.data.pages import draw, read_page

    kept = Cache(cache or default_folder())
    opened = open_source(source, kept)
    description = opened.describe()
    drawn = draw(description, seed, competition, task or source, rows).first(pages)
    texts = [read_page(opened, page, kept) for page in drawn]
    report: dict[str, Any] = {
        "source": description.source,
        "revision": description.revision,
        "seed": seed,
        "pages": [
            {
                "config": text.page.config,
                "start": text.page.start,
                "rows": text.page.rows,
                "digest": text.digest,
                **text.counts,
            }
            for text in texts
        ],
    }
    if as_json:
        print_json(report)
        return
    typer.echo(f"{description.source} at {description.revision}, seed {seed}")
    for entry in report["pages"]:
        typer.echo(f"{entry['config']}:{entry['start']}+{entry['rows']}  {entry['digest']}")
