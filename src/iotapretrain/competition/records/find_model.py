"""A model by what people call it, `best`, `uid:N` or its repository's name, and its bytes as they
were committed to.
"""

from __future__ import annotations

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.records.committed import CommittedModel, Ground, read_ground
from iotapretrain.competition.records.opinions import opinions_of
from iotapretrain.competition.records.reign import champion_now, with_loss
from iotapretrain.errors import CorruptModelError, InputError
from iotapretrain.hub.fetch import Progress, fetch
from iotapretrain.hub.fetched_model import Model, is_bound
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.protocol import Hub, RepositoryId
from iotapretrain.rules.competition.schedule import Competition

BEST = "best"
UID = "uid:"


async def find_model(
    client: ChainClient, hub: Hub, netuid: int, competition: Competition, which: str = BEST
) -> CommittedModel:
    """The best model of a competition, or the one that is named; InputError where there is none."""
    repository = RepositoryId.parse(which) if "/" in which else None
    uid = None if which == BEST or repository else read_uid(which)
    ground = await read_ground(client, netuid)
    opinions = await opinions_of(client, hub, ground, competition.id)
    if repository is not None:
        return with_loss(_model_in(ground, competition, repository), opinions)
    if uid is not None:
        return with_loss(model_of(ground, competition, uid), opinions)
    best = champion_now(ground, competition.models, opinions)
    if best is None:
        raise InputError(
            f"{competition.name}: nobody has committed a model to it yet; train from scratch"
        )
    return best


def model_of(ground: Ground, competition: Competition, uid: int) -> CommittedModel:
    models = {model.uid: model for model in ground.models(competition.models)}
    if uid not in models:
        raise InputError(
            f"uid {uid}: has committed no model to {competition.name};"
            f" uids that have: {', '.join(map(str, models)) or 'none'}"
        )
    return models[uid]


def _model_in(ground: Ground, competition: Competition, repository: RepositoryId) -> CommittedModel:
    """The first that was committed there: later ones can only be copies."""
    models = sorted(ground.models(competition.models), key=lambda model: model.block)
    for model in models:
        if model.repository == repository:
            return model
    there = ", ".join(str(model.repository) for model in models) or "none"
    raise InputError(
        f"{repository}: no model of {competition.name} is committed there; there are: {there}"
    )


def read_uid(text: str) -> int:
    number = text.removeprefix(UID)
    if not text.startswith(UID) or not number.isdecimal():
        raise InputError(f"model {text!r}: write {BEST} or {UID}N")
    return int(number)


def bring(
    found: CommittedModel,
    hub: Hub,
    cache: ModelCache,
    max_bytes: int,
    progress: Progress | None = None,
) -> Model:
    """The model in the cache, whole, verified, and bound to the hotkey that committed to it."""
    model = fetch(hub, found.commit, cache, max_bytes=max_bytes, progress=progress)
    if not is_bound(model, found.commitment, found.hotkey):
        raise CorruptModelError(
            f"{found.commit}: not the bytes that uid {found.uid} committed to; validators refuse it"
        )
    return model
