"""Bringing a model to the hub unseen, and making sure that the hub has it.

Its card says where it comes from: training writes that into its weights file.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from safetensors import safe_open

from iotapretrain.competition.publishing.offer import Offer
from iotapretrain.data.tokenizer import WHOLE
from iotapretrain.errors import CorruptModelError, InputError, MissingModelError
from iotapretrain.hub.card import Card, TrainingData
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import model_hash
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, Hub, RepositoryId

FROM_HUB = "hub:"
DOWNLOAD_SECONDS = 6 * 3600.0
"""As long as an upload may take."""


class _Facts(msgspec.Struct):
    """Of a training run, all as text, as the header of a weights file holds it."""

    origin: str
    tokens: int
    held_out_loss: float
    training_data: str


def upload(offer: Offer, hub: Hub, used: bool) -> Commit:
    """Make the model the newest commit of a repository that nobody else can read; `used` is one
    that holds a model which stands on the chain.
    """
    _close(offer.repository, hub, used)
    folder, card = ModelFolder.scan(offer.folder), _card(offer)
    if card is not None:
        folder = folder.with_card(card)
    if WHOLE not in folder.files:
        folder = _with_tokenizer(folder, offer)
    return hub.publish(folder, offer.repository, f"A model for {offer.competition.name}")


def _with_tokenizer(folder: ModelFolder, offer: Offer) -> ModelFolder:
    """The model with the competition's tokenizer, unless it would be refused as too large then."""
    whole = folder.with_files(offer.tokenizer)
    return whole if whole.size <= offer.competition.constraints.max_bytes else folder


def compare(commit: Commit, hub: Hub, expected: str, place: Path, max_bytes: int) -> None:
    """Download what was uploaded, by the rules that validators follow, and compare its hash."""
    model = fetch(hub, commit, ModelCache(place), max_bytes=max_bytes, seconds=DOWNLOAD_SECONDS)
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


def _card(offer: Offer) -> str | None:
    """The text of the card, or None where the weights do not say what they were trained on."""
    try:
        facts = msgspec.convert(_metadata(offer.folder), _Facts, strict=False)
        sources = msgspec.json.decode(facts.training_data, type=tuple[TrainingData, ...])
    except msgspec.DecodeError:
        return None
    parent = None  # only what lies on a hub can be named to others
    if facts.origin.startswith(FROM_HUB):
        parent = str(Commit.parse(facts.origin.removeprefix(FROM_HUB)))
    return Card(
        title=offer.repository.name,
        competition=offer.competition.name,
        licence=offer.licence,
        tokens=facts.tokens,
        loss=facts.held_out_loss,
        training_data=sources,
        parent=parent,
    ).render()


def _metadata(folder: Path) -> dict[str, str]:
    weights = min(folder.glob("*.safetensors"), default=None)
    if weights is None:
        return {}
    with safe_open(weights, framework="numpy") as file:
        return dict(file.metadata() or {})
