"""`iota data`: look at sources, pages and tokenizers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from iotapretrain.cli.console import echo, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from iotapretrain.data.batches import Batch
    from iotapretrain.data.page_cache import Cache
    from iotapretrain.data.source import Description, Source
    from iotapretrain.rules.sampling import Page

Item = TypeVar("Item")

app = typer.Typer(help="Look at sources of text, their pages and tokenizers.", no_args_is_help=True)
tokenizer_app = typer.Typer(help="Make tokenizers.", no_args_is_help=True)
app.add_typer(tokenizer_app, name="tokenizer")

SourceName = Annotated[
    str,
    typer.Option("--source", help="A name (see `iota data sources`) or a TOML file."),
]
Config = Annotated[str | None, typer.Option(help="Only this config (a crawl dump, a language).")]
CacheFolder = Annotated[
    Path | None, typer.Option("--cache", help="Cache folder. Default: $IOTA_CACHE or the user's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def sample(
    source: SourceName,
    seed: Annotated[int, typer.Option(help="The seed that validators share.", min=0)] = 0,
    pages: Annotated[int, typer.Option(help="How many pages.", min=1)] = 4,
    rows: Annotated[int, typer.Option(help="Rows a page.", min=1)] = 50,
    config: Config = None,
    competition: Annotated[int, typer.Option(help="Competition id, part of the draw.", min=0)] = 0,
    task: Annotated[
        str, typer.Option(help="Task name, part of the draw. Default: the source's.")
    ] = "",
    tokenizer: Annotated[
        str | None,
        typer.Option(help="Also pack: `bytes`, a file, a folder or REPO@COMMIT."),
    ] = None,
    sequence_length: Annotated[int, typer.Option(help="Tokens a sequence.", min=2)] = 1024,
    sequences: Annotated[
        int | None, typer.Option(help="Keep this many, shared out over the pages.", min=1)
    ] = None,
    packed: Annotated[
        bool, typer.Option("--packed/--unpacked", help="Across documents, or each padded.")
    ] = True,
    cache: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Draw pages from a seed and print their digests: the same for all who name the same revision.

    Example: iota data sample --source python-docs --seed 7 --pages 4
    """
    from iotapretrain.data.batches import Packing, make_batch
    from iotapretrain.data.datasets import open_source
    from iotapretrain.data.page_ids import draw, read_page
    from iotapretrain.data.prefetch import prefetched
    from iotapretrain.data.tokenizer import load_tokenizer

    kept = _cache(cache)
    opened = open_source(source, kept, config)
    description = _described(opened, config)
    drawn = draw(description, seed, competition, task or opened.name, rows).first(pages)
    report: dict[str, Any] = {
        "source": description.source,
        "revision": description.revision,
        "seed": seed,
        "competition": competition,
        "task": task or opened.name,
    }
    if tokenizer is None:
        texts = _followed(prefetched(lambda page: read_page(opened, page, kept), drawn), pages)
        report["pages"] = [_page_record(text.page, text.digest, text.counts) for text in texts]
    else:
        packing = Packing(sequence_length, packed, sequences)
        batch = make_batch(opened, drawn, load_tokenizer(tokenizer), packing, kept)
        report |= _batch_record(batch)
    if as_json:
        print_json(report)
        return
    echo(f"{report['source']} at {report['revision']}, seed {seed}")
    for entry in report["pages"]:
        echo(f"{entry['config']}:{entry['start']}+{entry['rows']}  {entry['digest']}")
    if "digest" in report:
        echo(f"{report['sequences']} sequences of {sequence_length}  {report['digest']}")


@app.command()
def stats(
    source: SourceName,
    config: Config = None,
    pages: Annotated[int, typer.Option(help="Read this many pages for averages.", min=0)] = 0,
    rows: Annotated[int, typer.Option(help="Rows a page.", min=1)] = 50,
    cache: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show a source's revision and rows by config; with --pages, what its text is like.

    Example: iota data stats --source python-docs --pages 8
    """
    from iotapretrain.data.datasets import open_source
    from iotapretrain.data.page_ids import draw, read_page
    from iotapretrain.data.prefetch import prefetched

    kept = _cache(cache)
    opened = open_source(source, kept, config)
    description = _described(opened, config)
    configs = {each.name: each.rows for each in description.configs}
    report: dict[str, Any] = {
        "source": description.source,
        "revision": description.revision,
        "rows": description.rows,
        "configs": configs,
    }
    if pages:
        order = draw(description, 0, 0, description.source, rows)
        drawn = order.first(min(pages, len(order)))
        texts = _followed(prefetched(lambda page: read_page(opened, page, kept), drawn), len(drawn))
        totals = dict.fromkeys(texts[0].counts, 0)
        for text in texts:
            totals = {key: total + text.counts[key] for key, total in totals.items()}
        report["sample"] = {"pages": len(texts), **totals}
    if as_json:
        print_json(report)
        return
    echo(f"{report['source']} at {report['revision']}: {report['rows']:,} rows")
    for name, count in configs.items():
        echo(f"  {name}: {count:,}")
    for key, count in report.get("sample", {}).items():
        echo(f"sampled {key}: {count:,}")


@app.command()
def sources(as_json: AsJson = False) -> None:
    """List the known sources: where they lie, under which licence, and how to get in.

    Example: iota data sources
    """
    from iotapretrain.data.datasets import known_datasets
    from iotapretrain.data.python_text import EMBEDDED
    from iotapretrain.data.synthetic.generated_source import SYNTHETIC

    embedded: dict[str, str | None] = {
        "location": "this Python",
        "revision": "its version and a digest",
        "licence": "PSF-2.0",
        "access": "open",
    }
    generated: dict[str, str | None] = {
        "location": "generated by row number",
        "revision": "a digest of the first rows",
        "licence": "none: no text of anybody's",
        "access": "open",
    }
    rows = {
        **dict.fromkeys(EMBEDDED, embedded),
        **dict.fromkeys(SYNTHETIC, generated),
    }
    rows |= {
        name: {
            "location": dataset.location,
            "revision": dataset.revision,
            "licence": dataset.licence,
            "access": dataset.access,
        }
        for name, dataset in known_datasets().items()
    }
    if as_json:
        print_json([{"name": name, **row} for name, row in rows.items()])
        return
    for name, row in rows.items():
        echo(f"{name}: {row['location']} at {row['revision'] or 'NO PINNED REVISION'}")
        echo(f"  licence: {row['licence']}")
        echo(f"  access: {row['access']}")


@app.command()
def pin(
    repository: Annotated[str, typer.Argument(help="A repository on the hub: NAMESPACE/NAME.")],
    model: Annotated[
        bool, typer.Option("--model", help="A model's repository, for a tokenizer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the latest commit of a repository, to be written down as its pinned revision.

    Example: iota data pin HuggingFaceFW/fineweb
    """
    from iotapretrain.data.locations import latest_commit

    commit = latest_commit(repository, "model" if model else "dataset")
    if as_json:
        print_json({"repository": repository, "commit": commit})
    else:
        echo(commit)


@tokenizer_app.command("train")
def train(
    source: SourceName,
    out: Annotated[Path, typer.Option(help="Folder to write; tokenizer.json must not be in it.")],
    vocabulary: Annotated[int, typer.Option(help="Number of ids.", min=257)] = 4096,
    pages: Annotated[int | None, typer.Option(help="Read this many pages. Default: all.")] = None,
    rows: Annotated[int, typer.Option(help="Rows a page.", min=1)] = 50,
    seed: Annotated[int, typer.Option(help="Which pages.", min=0)] = 0,
    config: Config = None,
    cache: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Train a byte-level BPE tokenizer on a source. The same text gives the same tokenizer.

    Example: iota data tokenizer train --source python-docs --vocabulary 4096 --out tokenizer
    """
    from iotapretrain.data.datasets import open_source
    from iotapretrain.data.page_ids import draw, read_page
    from iotapretrain.data.prefetch import prefetched
    from iotapretrain.data.tokenizer import save_tokenizer, train_tokenizer
    from iotapretrain.errors import InputError

    if (out / "tokenizer.json").exists():
        raise InputError(f"{out}: has a tokenizer.json already; choose another folder")
    kept = _cache(cache)
    opened = open_source(source, kept, config)
    order = draw(_described(opened, config), seed, 0, "tokenizer", rows)
    drawn = order.first(min(pages or len(order), len(order)))
    texts = _followed(prefetched(lambda page: read_page(opened, page, kept), drawn), len(drawn))
    trained = train_tokenizer((text for page in texts for text in page.texts), vocabulary)
    saved = save_tokenizer(trained, out)
    report = {
        "folder": str(out),
        "vocabulary": saved.vocabulary,
        "end_token": saved.end_token,
        "digest": saved.digest,
        "pages": len(drawn),
    }
    if as_json:
        print_json(report)
    else:
        echo(f"{out}: {saved.vocabulary} ids from {len(drawn)} pages  {saved.digest}")


def _cache(folder: Path | None) -> Cache:
    from iotapretrain.data.page_cache import Cache, default_folder

    return Cache(folder or default_folder())


def _described(source: Source, config: str | None) -> Description:
    """The description; indexing a large set for the first time can take minutes."""
    from rich.console import Console

    with Console(stderr=True).status(f"describing {source.name}"):
        return source.describe().only(config)


def _followed(items: Iterable[Item], total: int) -> list[Item]:
    """All items, with a bar on standard error while they come."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    hidden = not console.is_terminal
    return list(track(items, "pages", total, console=console, transient=True, disable=hidden))


def _page_record(page: Page, digest: str, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "config": page.config,
        "start": page.start,
        "rows": page.rows,
        "digest": digest,
        **counts,
    }


def _batch_record(batch: Batch) -> dict[str, Any]:
    return {
        "tokenizer": batch.tokenizer,
        "sequence_length": batch.packing.sequence_length,
        "packed": batch.packing.packed,
        "pages": [
            _page_record(page.page, page.digest, page.counts) | {"sequences": len(page.sequences)}
            for page in batch.pages
        ],
        "sequences": len(batch.sequences),
        "digest": batch.digest,
    }
