"""Everything that happens and is worth a record: one struct a kind, one JSON object a line.

The kind is the tag `kind`. Units are in the names: `_seconds`, `_bytes`, `_tokens`; losses are nats
a token; blocks are block numbers. What is unknown is null, never a number that stands for it.
`docs/records.md` is made from this file.
"""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One thing that happened: when, as seconds since 1970, and to whom."""

    time: float
    source: str
    """Who says so: `train:RUN`, `validator:HOTKEY`, `miner:HOTKEY`, `auditor:NAME`, `demo`."""


class RunEvent(Event, frozen=True, kw_only=True):
    """How far a training run is."""

    step: int
    tokens: int
    """So far, in all."""


class TrainStarted(Event, frozen=True, kw_only=True, tag="train-started"):
    """A training run began, or went on after a stop."""

    competition: str
    architecture: str
    parameters: int
    origin: str
    """What it starts from: `scratch`, a folder, or `hub:NAMESPACE/NAME@COMMIT`."""
    resumed_at_step: int
    planned_tokens: int | None
    settings: dict[str, str | int | float | bool | None]


class TrainStep(RunEvent, frozen=True, kw_only=True, tag="train-step"):
    """One optimiser step, or the last of several that are reported together."""

    loss: float
    learning_rate: float
    gradient_norm: float
    tokens_per_second: float
    flops_share: float | None
    """Of the matmul peak that was measured on this machine: MFU."""
    memory_bytes: int


class TrainEvaluated(RunEvent, frozen=True, kw_only=True, tag="train-evaluated"):
    """The loss on pages that training never sees."""

    held_out_loss: float
    best: bool


class Checkpointed(RunEvent, frozen=True, kw_only=True, tag="checkpoint"):
    """A checkpoint is on disk, whole."""

    size_bytes: int
    seconds: float


class TrainFinished(RunEvent, frozen=True, kw_only=True, tag="train-finished"):
    """A training run ended: by its plan, or because somebody stopped it."""

    seconds: float
    held_out_loss: float | None
    reason: str


class Published(Event, frozen=True, kw_only=True, tag="published"):
    """A miner's model is public and its commitment on the chain."""

    hotkey: str
    competition: str
    repository: str
    commit: str
    model_hash: str
    block: int
    judged_from_block: int


class ValidatorStarted(Event, frozen=True, kw_only=True, tag="validator-started"):
    """A validator came up; how many rounds its journal held."""

    network: str
    netuid: int
    version: str
    rounds: int


class ModelFetched(Event, frozen=True, kw_only=True, tag="model-fetched"):
    """A commitment was looked at: the outcome by `rules.retry.Outcome`, and reasons if refused."""

    hotkey: str
    uid: int
    competition: int
    repository: str
    commit: str
    outcome: str
    reasons: list[str]
    size_bytes: int | None
    seconds: float


class RoundEvent(Event, frozen=True, kw_only=True):
    """Which round, of what, at which block."""

    round: int
    competition: int
    block: int


class RoundStarted(RoundEvent, frozen=True, kw_only=True, tag="round-started"):
    """A round's field and pages are fixed."""

    models: int


class RoundFinished(RoundEvent, frozen=True, kw_only=True, tag="round-finished"):
    """A round was decided; its signed record says everything else."""

    digest: str
    models: int
    champion_uid: int | None
    champion_hotkey: str | None
    champion_loss: float | None
    pages_scored: int
    pages_of_full_round: int
    seconds: dict[str, float]
    """By stage: text, fetch, score, decide."""


class WeightsSet(Event, frozen=True, kw_only=True, tag="weights-set"):
    """A validator's row on the chain."""

    block: int
    weights: dict[str, float]
    """By uid; JSON's keys are text."""


class RecordPublished(Event, frozen=True, kw_only=True, tag="record-published"):
    """A signed round record can be fetched by anyone."""

    round: int
    digest: str
    repository: str
    commit: str


class Waiting(Event, frozen=True, kw_only=True, tag="waiting"):
    """Something outside did not answer, or there is nothing to do: why, and how long at most."""

    what: str
    reason: str
    seconds: float


class Audited(Event, frozen=True, kw_only=True, tag="audited"):
    """Somebody recomputed a published round."""

    validator: str
    round: int
    held: bool
    differences: list[str]


class Acted(Event, frozen=True, kw_only=True, tag="acted"):
    """An actor of the demo network did something: what, in plain words, and why it matters."""

    actor: str
    what: str
    why: str


OfTraining = TrainStarted | TrainStep | TrainEvaluated | Checkpointed | TrainFinished | Published
OfRounds = RoundStarted | RoundFinished | WeightsSet | RecordPublished | Audited
AnyEvent = OfTraining | OfRounds | ValidatorStarted | ModelFetched | Waiting | Acted
