"""Events as Prometheus metrics.

The rule of their names: `iota_`, the role, what is counted, the base unit (seconds, bytes, tokens,
nats); `_total` for what only grows. No rates: whoever asks computes them. `source` is the event's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
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


FED: Mapping[type, Mapping[str, str | None]] = MappingProxyType(
    {
        events.TrainStep: {
            "iota_train_step": "step",
            "iota_train_tokens": "tokens",
            "iota_train_loss_nats": "loss",
            "iota_train_learning_rate": "learning_rate",
            "iota_train_gradient_norm": "gradient_norm",
            "iota_train_memory_bytes": "memory_bytes",
            "iota_train_flops_ratio": "flops_share",
        },
        events.TrainEvaluated: {"iota_train_held_out_loss_nats": "held_out_loss"},
        events.Checkpointed: {
            "iota_train_checkpoints_total": None,
            "iota_train_checkpoint_bytes_total": "size_bytes",
            "iota_train_checkpoint_seconds_total": "seconds",
        },
        events.Published: {"iota_miner_publications_total": None},
        events.ModelFetched: {
            "iota_validator_models_looked_at_total": None,
            "iota_validator_fetched_bytes_total": "size_bytes",
            "iota_validator_fetch_seconds_total": "seconds",
        },
        events.RoundStarted: {"iota_validator_round_models": "models"},
        events.RoundFinished: {
            "iota_validator_rounds_total": None,
            "iota_validator_round_block": "block",
            "iota_validator_pages_scored_total": "pages_scored",
            "iota_validator_pages_full_total": "pages_of_full_round",
            "iota_validator_champion_loss_nats": "champion_loss",
            "iota_validator_stage_seconds_total": "seconds",
        },
        events.WeightsSet: {
            "iota_validator_weights_set_total": None,
            "iota_validator_weights_block": "block",
        },
        events.RecordPublished: {"iota_validator_records_published_total": None},
        events.Waiting: {"iota_waits_total": None},
        events.Audited: {"iota_audits_total": None},
    }
)
"""By kind of event, the metrics that it feeds, each with its field; None counts the events."""
OF_EVERY_EVENT = {"iota_events_total": None, "iota_last_event_timestamp_seconds": "time"}


@final
class Metrics:
    """A sink that keeps the newest value of every metric for whoever scrapes it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._metrics = {each.name: (each, _made(each, self.registry)) for each in METRICS}

    def emit(self, event: AnyEvent) -> None:
        """Count it, and take its numbers."""
        for name, field in (*OF_EVERY_EVENT.items(), *FED.get(type(event), {}).items()):
            metric, made = self._metrics[name]
            value = 1 if field is None else getattr(event, field)
            if isinstance(value, dict):  # its keys are the label
                for key, part in value.items():
                    _take(made, part, event.source, key)
            else:
                _take(made, value, event.source, *(_label(event, each) for each in metric.labels))

    def close(self) -> None:
        """Nothing to lose: scrapes read memory."""


def _take(made: Counter | Gauge, value: float | None, *labels: str) -> None:
    """What is unknown adds nothing, and leaves a gauge as it is."""
    if isinstance(made, Counter):
        made.labels(*labels).inc(value or 0)
    elif value is not None:
        made.labels(*labels).set(value)


def _label(event: AnyEvent, name: str) -> str:
    value = event.__struct_config__.tag if name == "kind" else getattr(event, name)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _made(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge:
    kind = Counter if metric.kind == "counter" else Gauge
    return kind(metric.name, metric.says, ("source", *metric.labels), registry=registry)
