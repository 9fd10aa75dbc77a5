"""`iota data`: look at sources, pages and tokenizers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iotapretrain.cli.console import echo, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iotapretrain.data.batches import Batch, PageText
    from iotapretrain.rules.sampling import Page, Pages

app = typer.Typer(help="Look at sources of text, their pages and tokenizers.", no_args_is_help=True)
tokenizer_app = typer.Typer(help="Make tokenizers.", no_args_is_help=True)
app.add_typer(tokenizer_app, name="tokenizer")

SourceName = Annotated[
    str,
    typer.Option("--source", help="A name (see `iota data sources`) or a TOML file."),
]
Config = Annotated[str | None, typer.Option(help="Only this config (a crawl dump, a language).")]
Rows = Annotated[int, typer.Option(help="Rows a page.", min=1)]
CacheFolder = Annotated[
    Path | None, typer.Option("--cache", help="Cache folder. Default: $IOTA_CACHE or the user's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def sample(
    source: SourceName,
    seed: Annotated[int, typer.Option(help="The seed that validators share.", min=0)] = 0,
    pages: Annotated[int, typer.Option(help="How many pages.", min=1)] = 4,
    rows: Rows = 50,
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
    from iotapretrain.data.tokenizer import load_tokenizer

    opened = OpenedSource(source, config, cache)
    name = task or opened.source.name
    drawn = opened.order(seed, competition, name, rows).first(pages)
    report: dict[str, Any] = {**opened.named, "seed": seed, "competition": competition}
    report["task"] = name
    if tokenizer is None:
        texts = opened.read(drawn)
        report["pages"] = [_page_record(text.page, text.digest, text.counts) for text in texts]
    else:
        packing = Packing(sequence_length, packed, sequences)
        loaded = load_tokenizer(tokenizer)
        report |= _batch_record(make_batch(opened.source, drawn, loaded, packing, opened.cache))
    if as_json:
        print_json(report)
    else:
        _show_sample(report)


@app.command()
def stats(
    source: SourceName,
    config: Config = None,
    pages: Annotated[int, typer.Option(help="Read this many pages for averages.", min=0)] = 0,
    rows: Rows = 50,
    cache: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show a source's revision and rows by config; with --pages, what its text is like.

    Example: iota data stats --source python-docs --pages 8
    """
    opened = OpenedSource(source, config, cache)
    description = opened.description
    configs = {each.name: each.rows for each in description.configs}
    report: dict[str, Any] = {**opened.named, "rows": description.rows, "configs": configs}
    if pages:
        drawn = opened.some(0, description.source, rows, pages)
        counts = [text.counts for text in opened.read(drawn)]
        totals = {key: sum(each[key] for each in counts) for key in counts[0]}
        report["sample"] = {"pages": len(counts), **totals}
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

    rows: dict[str, dict[str, str | None]] = {
        **dict.fromkeys(EMBEDDED, _entry("this Python", "its version and a digest", "PSF-2.0")),
        **dict.fromkeys(
            SYNTHETIC,
            _entry(
                "generated by row number",
                "a digest of the first rows",
                "none: no text of anybody's",
            ),
        ),
    }
    for name, each in known_datasets().items():
        rows[name] = _entry(each.location, each.revision, each.licence, each.access)
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
    rows: Rows = 50,
    seed: Annotated[int, typer.Option(help="Which pages.", min=0)] = 0,
    config: Config = None,
    cache: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Train a byte-level BPE tokenizer on a source. The same text gives the same tokenizer.

    Example: iota data tokenizer train --source python-docs --vocabulary 4096 --out tokenizer
    """
    from iotapretrain.data.tokenizer import save_tokenizer, train_tokenizer
    from iotapretrain.errors import InputError

    if (out / "tokenizer.json").exists():
        raise InputError(f"{out}: has a tokenizer.json already; choose another folder")
    opened = OpenedSource(source, config, cache)
    drawn = opened.some(seed, "tokenizer", rows, pages)
    texts = opened.read(drawn)
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


class OpenedSource:
    """A source with its cache and description; indexing a large set can take minutes at first."""

    def __init__(self, name: str, config: str | None, cache: Path | None) -> None:
        from rich.console import Console

        from iotapretrain.data.datasets import open_source
        from iotapretrain.data.page_cache import PageCache, default_folder

        self._console = Console(stderr=True)
        self.cache = PageCache(cache or default_folder())
        self.source = open_source(name, self.cache, config)
        with self._console.status(f"describing {self.source.name}"):
            self.description = self.source.describe().only(config)

    @property
    def named(self) -> dict[str, str]:
        """What every report begins with."""
        return {"source": self.description.source, "revision": self.description.revision}

    def order(self, seed: int, competition: int, task: str, rows: int) -> Pages:
        """All pages as a task of a round takes them."""
        from iotapretrain.data.batches import draw

        return draw(self.description, seed, competition, task, rows)

    def some(self, seed: int, task: str, rows: int, count: int | None) -> tuple[Page, ...]:
        """So many pages outside of any competition, as far as there are; all for None."""
        order = self.order(seed, 0, task, rows)
        return order.first(min(count or len(order), len(order)))

    def read(self, pages: Sequence[Page]) -> list[PageText]:
        """The text of pages, with a bar on standard error while they come."""
        from rich.progress import track

        from iotapretrain.data.batches import read_page
        from iotapretrain.net.threads import prefetched

        texts = prefetched(lambda page: read_page(self.source, page, self.cache), pages)
        bar = track(
            texts,
            "pages",
            len(pages),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        return list(bar)


def _entry(
    location: str, revision: str | None, licence: str, access: str = "open"
) -> dict[str, str | None]:
    return {"location": location, "revision": revision, "licence": licence, "access": access}


def _show_sample(report: dict[str, Any]) -> None:
    echo(f"{report['source']} at {report['revision']}, seed {report['seed']}")
    for entry in report["pages"]:
        echo(f"{entry['config']}:{entry['start']}+{entry['rows']}  {entry['digest']}")
    if "digest" in report:
        length = report["sequence_length"]
        echo(f"{report['sequences']} sequences of {length}  {report['digest']}")


def _page_record(page: Page, digest: str, counts: dict[str, int]) -> dict[str, Any]:
    place = {"config": page.config, "start": page.start, "rows": page.rows}
    return {**place, "digest": digest, **counts}


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
