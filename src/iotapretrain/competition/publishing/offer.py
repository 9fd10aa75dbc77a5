"""What a miner wants to publish, and the reasons that need no model to refuse it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iotapretrain.competition.records.committed import CommittedModel, Ground, model_commitment
from iotapretrain.competition.records.public_rounds import rounds_repository
from iotapretrain.errors import InputError
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.rules.competition.commitment import Commitment, secure_hash
from iotapretrain.rules.competition.schedule import Competition, Schedule

_ANY_COMMIT, _ANY_HASH = "0" * 40, "A" * 43 + "="


@dataclass(frozen=True)
class Offer:
    """A model for a competition, and the repository that it is to appear in."""

    folder: Path
    repository: RepositoryId
    competition: Competition
    schedule: Schedule
    netuid: int
    licence: str = "mit"
    tokenizer: Mapping[str, bytes] = field(default_factory=dict)
    """The files of the competition's, for a model that carries none."""

    def __post_init__(self) -> None:
        self.commitment(_ANY_COMMIT, _ANY_HASH, "")  # too long a name is told before any upload
        models, every = self.competition.models, self.schedule.competitions
        if models != self.competition.id:
            scored = next(each.name for each in every if each.id == models)
            raise InputError(
                f"{self.competition.name} scores the models of another competition:"
                f" publish to {scored}"
            )

    def commitment(self, commit: str, model_hash: str, hotkey: str) -> Commitment:
        """What the hotkey writes on the chain for these bytes."""
        repository, competition = self.repository, self.competition.models
        bound = secure_hash(model_hash, hotkey)
        return Commitment(repository.namespace, repository.name, commit, bound, competition)

    def judged_from(self, block: int) -> int:
        """The first block at which validators look at a commitment of this one (admission, 4)."""
        return block + self.competition.eval_block_delay


def place_of(offer: Offer, ground: Ground, hotkey: str) -> int:
    """The uid; refused is what the chain or the schedule would refuse."""
    name, block, uid = offer.competition.name, ground.block, ground.metagraph.uid(hotkey)
    if uid is None:
        raise InputError(
            f"{hotkey}: has no place on subnet {offer.netuid}; buy one: iota chain register"
        )
    if rounds_repository(ground.text(hotkey) or "") is not None:
        raise InputError(
            f"{hotkey}: its commitment says where its round records are; publish with another"
            " hotkey"
        )
    for at in (block, offer.judged_from(block)):
        if offer.schedule.accepting(offer.competition.id, at) is None:
            raise InputError(f"{name}: takes no models at block {at}; it is now block {block}")
    return uid


def own_model(offer: Offer, ground: Ground, hotkey: str) -> CommittedModel | None:
    """The model that this hotkey is committed to in this competition, if any."""
    models = ground.models(offer.competition.models)
    return next((model for model in models if model.hotkey == hotkey), None)


def is_used(ground: Ground, repository: RepositoryId) -> bool:
    """Whether somebody is committed to a model in this repository, in whatever competition."""
    written = (model_commitment(ground.text(hotkey)) for hotkey in ground.metagraph.hotkeys)
    return any(each is not None and each.repo_id == str(repository) for each in written)


def check_original(offer: Offer, ground: Ground, hotkey: str, model_hash: str) -> None:
    """Refuse the bytes of somebody else: whoever committed to them first keeps them."""
    for model in ground.models(offer.competition.models):
        if model.hotkey != hotkey and model.commitment.binds(model_hash, model.hotkey):
            raise InputError(
                f"{offer.folder}: these are the bytes of uid {model.uid}, committed at block"
                f" {model.block}; validators refuse copies: train on from them"
            )
