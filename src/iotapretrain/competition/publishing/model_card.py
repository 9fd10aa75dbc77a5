"""The card of a model that says where it comes from: training writes that into its weights file."""

from __future__ import annotations

from pathlib import Path

import msgspec
from safetensors import safe_open

from iotapretrain.competition.publishing.offer import Offer
from iotapretrain.hub.card import Card, TrainingData
from iotapretrain.hub.protocol import Commit

FROM_HUB = "hub:"


class _Facts(msgspec.Struct):
    """Of a training run, all as text, as the header of a weights file holds it."""

    origin: str
    tokens: int
    held_out_loss: float
    training_data: str


def describe(offer: Offer) -> str | None:
    """The text of the card, or None where the weights do not say what they were trained on."""
    try:
        facts = msgspec.convert(_metadata(offer.folder), _Facts, strict=False)
        sources = msgspec.json.decode(facts.training_data, type=tuple[TrainingData, ...])
    except msgspec.DecodeError:
        return None
    return Card(
        title=offer.repository.name,
        competition=offer.competition.name,
        licence=offer.licence,
        tokens=facts.tokens,
        loss=facts.held_out_loss,
        training_data=sources,
        parent=_parent(facts.origin),
    ).render()


def _metadata(folder: Path) -> dict[str, str]:
    """What the first weights file says of itself."""
    weights = min(folder.glob("*.safetensors"), default=None)
    if weights is None:
        return {}
    with safe_open(weights, framework="numpy") as file:
        return dict(file.metadata() or {})


def _parent(origin: str) -> str | None:
    """Only what lies on a hub can be named to others."""
    if not origin.startswith(FROM_HUB):
        return None
    return str(Commit.parse(origin.removeprefix(FROM_HUB)))
