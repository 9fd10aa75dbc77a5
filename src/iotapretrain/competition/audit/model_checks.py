"""Are the models those that their owners committed, since the blocks that the record says?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded
from iotapretrain.competition.records.committed import commit_of, model_commitment
from iotapretrain.competition.records.round_field import REFUSED
from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord
from iotapretrain.errors import HubError, RefusedModelError
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import is_bound, model_hash
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.protocol import Hub
from iotapretrain.models.admission import inspect
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.schedule import Competition

JUDGED_ELSEWHERE = frozenset({"copy", "near-copy", "sabotage", "unreasonable", "misbehaved"})
"""Refusals that need more than the model's own files and their limits to be repeated."""


@dataclass(frozen=True)
class Dated:
    """What the chain says of a hotkey at the round's block, or at that of its commitment."""

    uid: int | None
    text: str | None
    block: int | None


@dataclass(frozen=True)
class Fetched:
    """A model's bytes as the hub has them, and where they lie, or why they cannot be had.

    `codes` are an inspection's reasons to refuse it; None where it was not inspected.
    """

    digest: str | None = None
    bound: bool = False
    codes: tuple[str, ...] | None = None
    problem: str | None = None
    folder: Path | None = None


_differs = partial(Difference, Name.MODELS)


def fetch_model(
    model: ModelRecord, hub: Hub, cache: ModelCache, limits: Limits, worker: Worker
) -> Fetched:
    """A model at its pinned commit; inspected if the record refuses it."""
    commitment = model_commitment(model.commitment)
    if commitment is None:
        return Fetched(problem="its commitment names no model")
    commit = commit_of(commitment)
    try:
        found = fetch(hub, commit, cache, max_bytes=limits.constraints.max_bytes)
    except RefusedModelError as error:
        return Fetched(codes=(f"must not be fetched: {error}",))
    except HubError as error:
        return Fetched(problem=str(error))
    codes = None
    if model.outcome == Outcome.INADMISSIBLE:
        verdict = inspect(found.folder, limits, worker).verdict
        codes = tuple(finding.code for finding in verdict.findings)
    bound = is_bound(found, commitment, model.hotkey)
    return Fetched(model_hash(found), bound, codes, folder=found.folder)


def check_models(
    record: RoundRecord,
    competition: Competition,
    dated: Mapping[str, Dated | None],
    fetched: Mapping[str, Fetched],
) -> Check:
    """Commitment, date and uid by the chain; digest and owner by the bytes. None is unknown."""
    found: list[Difference] = []
    missing: list[str] = []
    for kind, counts in (
        ("uid", Counter(str(model.uid) for model in record.models)),
        ("hotkey", Counter(model.hotkey for model in record.models)),
    ):
        twice = (one for one, count in counts.items() if count > 1)
        found += [_differs(f"{kind} {one}", "one model", "listed twice") for one in twice]
    for model in record.models:
        found += _terms(model, record.block, competition)
        seen = dated.get(model.hotkey)
        if seen is None:
            missing.append(f"uid {model.uid}: the chain no longer keeps the state of its block")
        else:
            found += _dates(model, seen)
        bytes_ = fetched.get(model.hotkey)
        if bytes_ is not None and bytes_.problem is not None:
            missing.append(f"uid {model.uid}: {bytes_.problem}")
        elif bytes_ is not None and model.digest is not None:
            found += _bytes(model, bytes_)
    if unseen := sum(model.hotkey not in fetched for model in record.models):
        missing.append(f"the bytes of {unseen} models, which are not in the sample")
    holds = f"{len(record.models)} models are what their owners committed"
    return concluded(Name.MODELS, found, holds, "; ".join(missing) or None)


def check_refusals(record: RoundRecord, fetched: Mapping[str, Fetched]) -> Check:
    """Whoever was refused for what the files themselves show is refused here too."""
    found: list[Difference] = []
    repeated = 0
    refused = [model for model in record.models if model.outcome in REFUSED]
    for model in refused:
        bytes_ = fetched.get(model.hotkey)
        if bytes_ is None or bytes_.problem is not None:
            continue
        uid, codes = f"uid {model.uid}", {reason.code for reason in model.reasons}
        said = f"refused: {', '.join(sorted(codes)) or model.outcome}"
        if model.outcome == Outcome.BAD_HASH:
            repeated += 1
            if bytes_.bound:
                found.append(Difference(Name.REFUSALS, uid, said, "bound to its owner"))
        elif codes.isdisjoint(JUDGED_ELSEWHERE) and bytes_.codes is not None:
            repeated += 1
            if not bytes_.codes:
                found.append(Difference(Name.REFUSALS, uid, said, "admitted"))
    others = len(refused) - repeated
    skipped = f"{others} of what only the validator saw" if others else None
    return concluded(Name.REFUSALS, found, f"{repeated} of {len(refused)} looked at again", skipped)


def _terms(model: ModelRecord, block: int, competition: Competition) -> Iterator[Difference]:
    """What holds of every model of a round, whatever the chain says."""
    commitment = model_commitment(model.commitment)
    if commitment is None:
        yield _differs(f"uid {model.uid}, commitment", model.commitment, "no commitment of a model")
    elif commitment.competition_id != competition.models:
        number = str(commitment.competition_id)
        yield _differs(f"uid {model.uid}, competition", number, str(competition.models))
    elif block - model.block < competition.eval_block_delay:
        early = f"judged {block - model.block} blocks after its commitment"
        allowed = f"{competition.eval_block_delay} at least"
        yield _differs(f"uid {model.uid}", early, allowed)


def _dates(model: ModelRecord, seen: Dated) -> Iterator[Difference]:
    if model.commitment != seen.text:
        yield _differs(f"uid {model.uid}, commitment", model.commitment, seen.text)
    elif model.block != seen.block:
        yield _differs(
            f"uid {model.uid}, block of the commitment", str(model.block), f"{seen.block}"
        )
    if seen.uid != model.uid:
        yield _differs(f"hotkey {model.hotkey}, uid", str(model.uid), f"{seen.uid}")


def _bytes(model: ModelRecord, seen: Fetched) -> Iterator[Difference]:
    if model.digest != seen.digest:
        yield _differs(f"uid {model.uid}, digest", f"{model.digest}", seen.digest)
    elif not seen.bound and model.outcome != Outcome.BAD_HASH:
        yield _differs(f"uid {model.uid}, owner", model.hotkey, "bytes that it did not commit to")
