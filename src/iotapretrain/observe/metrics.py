"""Events as Prometheus metrics.

The rule of their names: `iota_`, the role, what is counted, the base unit (seconds, bytes, tokens,
nats); `_total` for what only grows. No rates: whoever asks computes them. `source` is the event's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, final

from prometheus_client import CollectorRegistry, Counter, Gauge

from iotapretrain.observe import events
from iotapretrain.observe.events import AnyEvent


@dataclass(frozen=True)
class Metric:
    """One metric: what it says, and the labels that tell its series apart beside `source`."""

    name: str
    kind: Literal["counter", "gauge"]
    says: str
    labels: tuple[str, ...] = ()


METRICS = (
    Metric("iota_events_total", "counter", "Events", ("kind",)),
    Metric("iota_last_event_timestamp_seconds", "gauge", "When the last event was, since 1970"),
    Metric("iota_train_step", "gauge", "Optimiser steps so far"),
    Metric("iota_train_tokens", "gauge", "Tokens trained on so far"),
    Metric("iota_train_loss_nats", "gauge", "Training loss, nats a token"),
    Metric("iota_train_held_out_loss_nats", "gauge", "Loss on held-out pages, nats a token"),
    Metric("iota_train_learning_rate", "gauge", "Learning rate"),
    Metric("iota_train_gradient_norm", "gauge", "Norm of the gradient"),
    Metric("iota_train_flops_ratio", "gauge", "Share of this machine's matmul peak (MFU)"),
    Metric("iota_train_memory_bytes", "gauge", "Memory in use"),
    Metric("iota_train_checkpoints_total", "counter", "Checkpoints written"),
    Metric("iota_train_checkpoint_bytes_total", "counter", "Bytes of checkpoints written"),
    Metric("iota_train_checkpoint_seconds_total", "counter", "Time spent on checkpoints"),
    Metric("iota_miner_publications_total", "counter", "Models published and committed"),
    Metric("iota_validator_rounds_total", "counter", "Rounds decided", ("competition",)),
    Metric("iota_validator_round_block", "gauge", "Block of the last round", ("competition",)),
    Metric("iota_validator_round_models", "gauge", "Models in the last round", ("competition",)),
    Metric("iota_validator_champion_loss_nats", "gauge", "Score of the best", ("competition",)),
    Metric("iota_validator_pages_scored_total", "counter", "Pages scored", ("competition",)),
    Metric(
        "iota_validator_pages_full_total",
        "counter",
        "Pages that rounds without a race would have scored",
        ("competition",),
    ),
    Metric("iota_validator_stage_seconds_total", "counter", "Time by stage of a round", ("stage",)),
    Metric("iota_validator_models_looked_at_total", "counter", "Commitments", ("outcome",)),
    Metric("iota_validator_fetched_bytes_total", "counter", "Bytes of models fetched"),
    Metric("iota_validator_fetch_seconds_total", "counter", "Time spent on fetching"),
    Metric("iota_validator_weights_set_total", "counter", "Times that weights were set"),
    Metric("iota_validator_weights_block", "gauge", "Block at which weights were last set"),
    Metric("iota_validator_records_published_total", "counter", "Round records published"),
    Metric("iota_waits_total", "counter", "Waits for something outside", ("what",)),
    Metric("iota_audits_total", "counter", "Audits of rounds", ("held",)),
)


@final
class Metrics:
    """A sink that keeps the newest value of every metric for whoever scrapes it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._metrics = {each.name: _made(each, self.registry) for each in METRICS}
        self._takers: Mapping[type, Callable[..., None]] = {
            events.TrainStep: self._train_step,
            events.TrainEvaluated: self._train_evaluated,
            events.Checkpointed: self._checkpointed,
            events.Published: self._published,
            events.ModelFetched: self._model_fetched,
            events.RoundStarted: self._round_started,
            events.RoundFinished: self._round_finished,
            events.WeightsSet: self._weights_set,
            events.RecordPublished: self._record_published,
            events.Waiting: self._waiting,
            events.Audited: self._audited,
        }

    def emit(self, event: AnyEvent) -> None:
        """Count it, and take its numbers."""
        source = event.source
        self._add("iota_events_total", 1, source, str(event.__struct_config__.tag))
        self._set("iota_last_event_timestamp_seconds", event.time, source)
        taker = self._takers.get(type(event))
        if taker is not None:
            taker(event, source)

    def close(self) -> None:
        """Nothing to lose: scrapes read memory."""

    def _train_step(self, event: events.TrainStep, source: str) -> None:
        self._set("iota_train_step", event.step, source)
        self._set("iota_train_tokens", event.tokens, source)
        self._set("iota_train_loss_nats", event.loss, source)
        self._set("iota_train_learning_rate", event.learning_rate, source)
        self._set("iota_train_gradient_norm", event.gradient_norm, source)
        self._set("iota_train_memory_bytes", event.memory_bytes, source)
        if event.flops_share is not None:
            self._set("iota_train_flops_ratio", event.flops_share, source)

    def _train_evaluated(self, event: events.TrainEvaluated, source: str) -> None:
        self._set("iota_train_held_out_loss_nats", event.held_out_loss, source)

    def _checkpointed(self, event: events.Checkpointed, source: str) -> None:
        self._add("iota_train_checkpoints_total", 1, source)
        self._add("iota_train_checkpoint_bytes_total", event.size_bytes, source)
        self._add("iota_train_checkpoint_seconds_total", event.seconds, source)

    def _published(self, event: events.Published, source: str) -> None:  # noqa: ARG002 -- counted
        self._add("iota_miner_publications_total", 1, source)

    def _model_fetched(self, event: events.ModelFetched, source: str) -> None:
        self._add("iota_validator_models_looked_at_total", 1, source, event.outcome)
        self._add("iota_validator_fetched_bytes_total", event.size_bytes or 0, source)
        self._add("iota_validator_fetch_seconds_total", event.seconds, source)

    def _round_started(self, event: events.RoundStarted, source: str) -> None:
        competition = str(event.competition)
        self._set("iota_validator_round_models", event.models, source, competition)

    def _round_finished(self, event: events.RoundFinished, source: str) -> None:
        competition = str(event.competition)
        self._add("iota_validator_rounds_total", 1, source, competition)
        self._set("iota_validator_round_block", event.block, source, competition)
        self._add("iota_validator_pages_scored_total", event.pages_scored, source, competition)
        full = event.pages_of_full_round
        self._add("iota_validator_pages_full_total", full, source, competition)
        if event.champion_loss is not None:
            loss = event.champion_loss
            self._set("iota_validator_champion_loss_nats", loss, source, competition)
        for stage, seconds in event.seconds.items():
            self._add("iota_validator_stage_seconds_total", seconds, source, stage)

    def _weights_set(self, event: events.WeightsSet, source: str) -> None:
        self._add("iota_validator_weights_set_total", 1, source)
        self._set("iota_validator_weights_block", event.block, source)

    def _record_published(self, event: events.RecordPublished, source: str) -> None:  # noqa: ARG002 -- counted
        self._add("iota_validator_records_published_total", 1, source)

    def _waiting(self, event: events.Waiting, source: str) -> None:
        self._add("iota_waits_total", 1, source, event.what)

    def _audited(self, event: events.Audited, source: str) -> None:
        self._add("iota_audits_total", 1, source, str(event.held).lower())

    def _add(self, name: str, amount: float, *labels: str) -> None:
        self._metrics[name].labels(*labels).inc(amount)

    def _set(self, name: str, value: float, *labels: str) -> None:
        gauge = self._metrics[name]
        if isinstance(gauge, Gauge):
            gauge.labels(*labels).set(value)


def _made(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge:
    kind = Counter if metric.kind == "counter" else Gauge
    return kind(metric.name, metric.says, ("source", *metric.labels), registry=registry)
