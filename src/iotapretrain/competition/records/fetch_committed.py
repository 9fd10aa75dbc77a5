"""The bytes of a committed model, as its hotkey committed to them."""

from __future__ import annotations

from iotapretrain.competition.records.committed import CommittedModel
from iotapretrain.errors import CorruptModelError
from iotapretrain.hub.fetch import Progress, fetch
from iotapretrain.hub.fetched_model import Model, is_bound
from iotapretrain.hub.model_cache import Cache
from iotapretrain.hub.protocol import Hub


def bring(
    found: CommittedModel,
    hub: Hub,
    cache: Cache,
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
