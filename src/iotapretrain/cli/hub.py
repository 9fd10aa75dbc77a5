"""`iota hub`: publish models, look at them, bring them here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import answer, echo
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.option_groups import with_groups
from iotapretrain.cli.pull import CacheFolder, progress_bar
from iotapretrain.cli.workplace import PlainHub, parse_size

if TYPE_CHECKING:
    from iotapretrain.hub.model_cache import ModelCache
    from iotapretrain.hub.protocol import Commit, Hub

app = typer.Typer(help="Publish models, look at them, bring them here.", no_args_is_help=True)

Model = Annotated[str, typer.Argument(metavar="NAMESPACE/NAME@COMMIT")]


@dataclass(frozen=True)
class NamedHub:
    """A hub, and who we are there."""

    hub: PlainHub = "hf"
    owner: Annotated[
        str | None,
        typer.Option("--as", help="Your namespace on a folder hub. Writing: by default --repo's."),
    ] = None

    def open(self, written: str | None = None) -> Hub:
        """As whoever is named, or as the owner of what is `written`, where no login says it."""
        from iotapretrain.hub.address import open_hub

        owner = written if self.hub.startswith("folder:") else None
        return open_hub(self.hub, self.owner or owner)


@app.command()
@with_groups
def publish(
    place: NamedHub,
    folder: Annotated[Path, typer.Argument(help="The folder of a model.")],
    repo: Annotated[str, typer.Option(help="NAMESPACE/NAME; made where it is missing.")],
    message: Annotated[str, typer.Option(help="What changed.")] = "Publish a model",
    public: Annotated[
        bool, typer.Option("--public", help="Open it to everybody; else a new one stays private.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a folder the newest commit of a repository.

    Example: iota hub publish runs/best --repo alice/model --hub folder:/srv/hub
    """
    from iotapretrain.hub.model_files import ModelFolder
    from iotapretrain.hub.protocol import RepositoryId

    repository = RepositoryId.parse(repo)
    hub = place.open(repository.namespace)
    model = ModelFolder.scan(folder)
    commit = hub.publish(model, repository, message)
    if public:
        hub.set_visibility(repository, "public")
    visibility = hub.visibility(repository)
    report = {"commit": str(commit), "visibility": visibility, "left_out": list(model.left_out)}
    answer(report, as_json, f"{commit}  {visibility}")
    for path in () if as_json else model.left_out:
        echo(f"left out, no file of a model: {path}", err=True)


@app.command("list")
@with_groups
def list_files(model: Model, place: NamedHub, as_json: AsJson = False) -> None:
    """List the files of a commit; without @COMMIT, of the newest.

    Example: iota hub list alice/model --hub folder:/srv/hub
    """
    hub = place.open()
    listing = hub.listing(_commit(hub, model))
    files = [
        {"path": each.path, "size": each.size, "sha256": each.sha256} for each in listing.files
    ]
    report = {"commit": str(listing.commit), "bytes": listing.total_bytes, "files": files}
    lines = [f"{each.size:>15}  {each.path}" for each in listing.files]
    answer(report, as_json, f"{listing.commit}  {listing.total_bytes} bytes", *lines)


@app.command()
@with_groups
def fetch(
    model: Model,
    place: NamedHub,
    cache: CacheFolder = None,
    to: Annotated[Path | None, typer.Option(help="Copy it to this new folder, too.")] = None,
    max_bytes: Annotated[str, typer.Option(help="Refuse a larger commit.")] = "15GiB",
    budget: Annotated[str | None, typer.Option(help="Keep the cache below this size.")] = None,
    seconds: Annotated[float, typer.Option(help="Give up after so long.", min=1)] = 3600.0,
    as_json: AsJson = False,
) -> None:
    """Bring a pinned commit here, whole and verified, and print its hash.

    Example: iota hub fetch alice/model@0123456789abcdef0123456789abcdef01234567 --max-bytes 15GiB
    """
    from iotapretrain.hub.fetch import fetch as fetch_model
    from iotapretrain.hub.fetched_model import model_hash
    from iotapretrain.hub.protocol import Commit

    commit, hub, limit = Commit.parse(model), place.open(), parse_size(max_bytes)
    kept = _cache(cache, budget)
    with progress_bar(model) as progress:
        fetch_model(hub, commit, kept, max_bytes=limit, seconds=seconds, progress=progress)
    with kept.hold(commit) as fetched:
        if to is not None:
            fetched.copy_to(to)
        folder, digest = to or fetched.folder, model_hash(fetched)
    report = {"commit": str(commit), "folder": str(folder), "model_hash": digest}
    answer(report, as_json, f"{folder}  {digest}")


@app.command()
def clean(
    budget: Annotated[str, typer.Option(help="Shrink the cache to this size, say 50GB.")],
    cache: CacheFolder = None,
    grace: Annotated[
        float, typer.Option(help="Keep what was used in the last so many seconds.", min=0)
    ] = 600.0,
    as_json: AsJson = False,
) -> None:
    """Delete the longest unused models until the rest fits a budget.

    Example: iota hub clean --budget 50GB
    """
    kept = _cache(cache, budget, grace)
    removed, freed = kept.clean()
    used = kept.used()
    answer({"removed": removed, "freed_bytes": freed, "used_bytes": used}, as_json, *removed)
    if not as_json:
        echo(f"{freed} bytes freed, {used} in use", err=True)


def _commit(hub: Hub, model: str) -> Commit:
    from iotapretrain.hub.protocol import Commit, RepositoryId

    return Commit.parse(model) if "@" in model else hub.resolve(RepositoryId.parse(model))


def _cache(folder: Path | None, budget: str | None, grace: float = 600.0) -> ModelCache:
    from iotapretrain.hub.model_cache import ModelCache, default_folder

    return ModelCache(folder or default_folder(), parse_size(budget) if budget else None, grace)
