"""Bringing a model to the hub unseen, and making sure that the hub has it."""

from __future__ import annotations

from pathlib import Path

from iotapretrain.competition.publishing.model_card import describe
from iotapretrain.competition.publishing.offer import Offer
from iotapretrain.errors import CorruptModelError, InputError, MissingModelError
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import model_hash
from iotapretrain.hub.model_cache import Cache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, Hub, RepositoryId

DOWNLOAD_SECONDS = 6 * 3600.0
"""As long as an upload may take."""


def upload(offer: Offer, hub: Hub, used: bool) -> Commit:
    """Make the model the newest commit of a repository that nobody else can read; `used` is one
    that holds a model which stands on the chain.
    """
    _close(offer.repository, hub, used)
    folder, card = ModelFolder.scan(offer.folder), describe(offer)
    if card is not None:
        folder = folder.with_card(card)
    return hub.publish(folder, offer.repository, f"A model for {offer.competition.name}")


def compare(commit: Commit, hub: Hub, expected: str, place: Path, max_bytes: int) -> None:
    """Download what was uploaded, by the rules that validators follow, and compare its hash."""
    model = fetch(hub, commit, Cache(place), max_bytes=max_bytes, seconds=DOWNLOAD_SECONDS)
    got = model_hash(model)
    if got != expected:
        raise CorruptModelError(
            f"{commit}: the hub gives back model hash {got}, sent was {expected}; was the folder"
            " changed meanwhile? publish it again"
        )


def has(hub: Hub, commit: Commit) -> bool:
    """Whether the hub still has a commit, for its owner."""
    try:
        return hub.resolve(commit.repository, commit.id) == commit
    except MissingModelError:
        return False


def show(hub: Hub, repository: RepositoryId) -> bool:
    """Open a repository to everybody. Was it closed?"""
    if hub.visibility(repository) == "public":
        return False
    hub.set_visibility(repository, "public")
    return True


def _close(repository: RepositoryId, hub: Hub, used: bool) -> None:
    """See to it that the next commit is not seen before its commitment (3.1): whoever reads a model
    first can commit to it first.
    """
    try:
        listing = hub.listing(hub.resolve(repository))
    except MissingModelError:
        return
    if any(entry.path.startswith("rounds/") for entry in listing.files):
        raise InputError(f"{repository}: holds round records; name another repository")
    if hub.visibility(repository) == "private":
        return
    if used:
        raise InputError(
            f"{repository}: is public and holds a model that is committed; a new one would show"
            " there before its commitment: name a new repository"
        )
    hub.set_visibility(repository, "private")
