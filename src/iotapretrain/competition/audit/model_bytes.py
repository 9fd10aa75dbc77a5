"""The models of a record as the hub has them: their bytes, whose they are, and what they show."""

from __future__ import annotations

from pathlib import Path

from iotapretrain.competition.audit.model_checks import Fetched
from iotapretrain.competition.records.committed import model_commitment
from iotapretrain.competition.records.round_record import ModelRecord
from iotapretrain.errors import HubError, RefusedModelError
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import is_bound, model_hash
from iotapretrain.hub.model_cache import Cache
from iotapretrain.hub.protocol import Commit, Hub, RepositoryId
from iotapretrain.models.admission import inspect
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.attempts import Outcome


def fetch_model(
    model: ModelRecord, hub: Hub, cache: Cache, limits: Limits, worker: Worker
) -> tuple[Fetched, Path | None]:
    """A model at its pinned commit, and its folder; inspected if the record refuses it."""
    commitment = model_commitment(model.commitment)
    if commitment is None:
        return Fetched(problem="its commitment names no model"), None
    repository = RepositoryId(commitment.namespace, commitment.name)
    try:
        commit = Commit(repository, commitment.commit)
        found = fetch(hub, commit, cache, max_bytes=limits.constraints.max_bytes)
    except RefusedModelError as error:
        return Fetched(codes=(f"must not be fetched: {error}",)), None
    except HubError as error:
        return Fetched(problem=str(error)), None
    codes = None
    if model.outcome == Outcome.INADMISSIBLE:
        verdict = inspect(found.folder, limits, worker).verdict
        codes = tuple(finding.code for finding in verdict.findings)
    bound = is_bound(found, commitment, model.hotkey)
    return Fetched(model_hash(found), bound, codes), found.folder
