"""The record of one round: everything that a stranger needs to compute it again, signed.

    digest    = BLAKE3("iotapretrain round 1" ‖ 0x00 ‖ canonical JSON of the record)
    signature = the validator's hotkey over the digest

Records of one validator form a chain: each names the digest of the one before, so that none can be
left out unseen. What is unknown is null; no number is ever infinite or NaN. Nothing here depends on
the clock of the machine: a validator that was killed and resumed signs what its twin signs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from blake3 import blake3

from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.validator.journal_records import Entry, Reason, Refused

DOMAIN = b"iotapretrain round 1\x00"
SCHEMA = "iotapretrain/round/1"
Struct = msgspec.Struct

Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
Place = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
"""Where a page begins: generated tasks have as many rows as there are numbers."""
Number = Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
"""What a stranger's record may hold, so that no arithmetic on it can overflow."""
MOST_MODELS = 4096


class PageRecord(Struct, frozen=True):
    """One page of a task: where it lies, what it holds, and how many sequences of it count."""

    config: str
    start: Place
    rows: Count
    digest: str
    sequences: Count


class TaskRecord(Struct, frozen=True):
    """One task of the round; `missing` says why it has no text."""

    name: str
    dataset: str
    revision: str
    weight: Share
    pages: tuple[PageRecord, ...]
    batch_digest: str | None
    missing: Reason | None = None


class ModelRecord(Struct, frozen=True, kw_only=True):
    """One model of the field."""

    uid: Count
    hotkey: str
    block: Count
    """Of the commitment."""
    commitment: str
    digest: str | None
    """The model hash; null where it was never whole here."""
    outcome: str
    """By `rules.retry.Outcome`: evaluated, infrastructure, model, bad_hash, inadmissible."""
    reasons: tuple[Reason, ...] = ()
    """Of refusals, of failures, and of being left out of the tournament."""
    losses: dict[str, tuple[Number | None, ...]] = msgspec.field(default_factory=dict)
    """By task, the mean loss of each page in the order of the task's pages; null was not scored."""
    score: Number | None = None
    task_scores: dict[str, Number] = msgspec.field(default_factory=dict)
    pages_scored: Count = 0
    raced_out: bool = False
    epsilon: Number | None = None
    wins: Count = 0
    win_rate: Number = 0.0
    weight: Number = 0.0
    """Of this round in this competition; `RoundRecord.standings` holds the averages."""


class RaceRecord(Struct, frozen=True):
    """How models were dropped early; null in the round's record where everything was scored."""

    error_probability: Number
    pages_scored: Count
    pages_of_full_round: Count


class RoundRecord(Struct, frozen=True, kw_only=True):
    """One round of one validator."""

    schema: str = SCHEMA
    code_version: str
    network: str
    """The chain's genesis hash, so that a record of one network fits no other."""
    netuid: Count
    validator: str
    round: Count
    """Counts this validator's rounds over all competitions, from 1."""
    previous: str | None
    competition: Count
    competition_name: str
    schedule_digest: str
    """BLAKE3 of the competitions file's text."""
    block: Count
    """At which the round was decided upon: ages and schedule are those of this block."""
    sync_block: Count
    seed_hash: str
    """The hash of the sync block, hex without 0x."""
    tasks: tuple[TaskRecord, ...]
    race: RaceRecord | None
    models: Annotated[tuple[ModelRecord, ...], msgspec.Meta(max_length=MOST_MODELS)]
    champion: str | None
    """Hotkey; null if the round had no result."""
    standings: dict[str, dict[str, Number]]
    """After the round: competition id (JSON's keys are text) to hotkey to average."""
    weights: dict[str, Number]
    """Hotkey to the weight that follows for the chain: standings merged by shares; sums to 1."""


class SignedRound(Struct, frozen=True):
    """A round record with its digest and the validator's signature, both hex."""

    record: RoundRecord
    digest: str
    signature: str


def unscored(
    model: Entry | Refused, outcome: Outcome, reasons: tuple[Reason, ...] = ()
) -> ModelRecord:
    """The record of a model of which no more is known than that."""
    return ModelRecord(
        uid=model.uid,
        hotkey=model.hotkey,
        block=model.block,
        commitment=model.text,
        digest=model.digest,
        outcome=str(outcome),
        reasons=reasons,
    )


def model_record(record: RoundRecord, hotkey: str | None) -> ModelRecord | None:
    """What a record says of a hotkey's model."""
    return next((model for model in record.models if model.hotkey == hotkey), None)


def champion_of(record: RoundRecord) -> ModelRecord | None:
    """What a record says of the model that it crowned; None of a round without result."""
    return model_record(record, record.champion)


def round_digest(record: RoundRecord) -> bytes:
    """What is signed. Keys are sorted, so that the order of dictionaries changes nothing."""
    return blake3(DOMAIN + msgspec.json.encode(record, order="sorted")).digest()


def seal(record: RoundRecord, sign: Callable[[bytes], bytes]) -> SignedRound:
    """Sign with the validator's hotkey: `wallet.hotkey.sign`."""
    digest = round_digest(record)
    return SignedRound(record, digest.hex(), sign(digest).hex())


def is_sealed(signed: SignedRound, verify: Callable[[str, bytes, bytes], bool]) -> bool:
    """Whether digest and signature are the record's; `verify(address, message, signature)`."""
    digest = round_digest(signed.record)
    try:
        signature = bytes.fromhex(signed.signature)
    except ValueError:
        return False
    return signed.digest == digest.hex() and verify(signed.record.validator, digest, signature)
