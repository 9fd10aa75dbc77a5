"""A model by what people call it: `best`, or `uid:N`."""

from __future__ import annotations

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.standing.committed import CommittedModel, Ground, read_ground
from iotapretrain.errors import InputError
from iotapretrain.hub.protocol import Hub
from iotapretrain.rules.schedule import Competition

BEST = "best"
UID = "uid:"
CANDIDATES = 5
"""Places by incentive among which the best is looked for where no record names one (13)."""


async def find_model(
    client: ChainClient, hub: Hub, netuid: int, competition: Competition, which: str = BEST
) -> CommittedModel:
    """The best model of a competition, or the one of a uid; InputError where there is none."""
    ground = await read_ground(client, netuid)
    if which == BEST:
        found = best_by_incentive(ground, competition.models)
        if found is None:
            raise InputError(
                f"{competition.name}: nobody has committed a model to it yet; train from scratch"
            )
        return found
    return model_of(ground, competition, _uid(which))


def best_by_incentive(ground: Ground, models: int) -> CommittedModel | None:
    """Of the five uids with most incentive the first whose commitment names the competition (13).

    Without any incentive yet, the earliest commitment.
    """
    committed = list(ground.models(models))
    incentive = ground.metagraph.incentive
    order = sorted(range(len(incentive)), key=lambda uid: (-incentive[uid], uid))[:CANDIDATES]
    paid = [model for uid in order for model in committed if model.uid == uid and incentive[uid]]
    return next(
        iter(paid), min(committed, key=lambda model: (model.block, model.uid), default=None)
    )


def model_of(ground: Ground, competition: Competition, uid: int) -> CommittedModel:
    """What a uid has committed to a competition."""
    for model in ground.models(competition.models):
        if model.uid == uid:
            return model
    there = [model.uid for model in ground.models(competition.models)]
    raise InputError(
        f"uid {uid}: has committed no model to {competition.name};"
        f" uids that have: {', '.join(map(str, there)) or 'none'}"
    )


def _uid(which: str) -> int:
    number = which.removeprefix(UID)
    if not which.startswith(UID) or not number.isdecimal():
        raise InputError(f"model {which!r}: write {BEST} or {UID}N")
    return int(number)
