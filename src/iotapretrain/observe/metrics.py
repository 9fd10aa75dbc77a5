"""Events as Prometheus metrics.

The rule of their names: `iota_`, the role, what is counted, the base unit (seconds, bytes, tokens,
nats); `_total` for what only grows. No rates: whoever asks computes them. `source` is the event's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge

from iotapretrain.observe import events
from iotapretrain.observe.events import AnyEvent


@dataclass(frozen=True)
class Metric:
    """One metric: the field of an event that it takes, or None to count events; what it says; and
    the labels that tell its series apart beside `source`."""

    name: str
    field: str | None
    says: str
    labels: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return "counter" if self.name.endswith("_total") else "gauge"


OF = ("competition",)
FED: Mapping[type[events.Event], tuple[Metric, ...]] = {
    events.Event: (
        Metric("iota_events_total", None, "Events", ("kind",)),
        Metric("iota_last_event_timestamp_seconds", "time", "When the last event was, since 1970"),
    ),
    events.TrainStep: (
        Metric("iota_train_step", "step", "Optimiser steps so far"),
        Metric("iota_train_tokens", "tokens", "Tokens trained on so far"),
        Metric("iota_train_loss_nats", "loss", "Training loss, nats a token"),
        Metric("iota_train_learning_rate", "learning_rate", "Learning rate"),
        Metric("iota_train_gradient_norm", "gradient_norm", "Norm of the gradient"),
        Metric("iota_train_memory_bytes", "memory_bytes", "Memory in use"),
        Metric(
            "iota_train_flops_ratio", "flops_share", "Share of this machine's matmul peak (MFU)"
        ),
    ),
    events.TrainEvaluated: (
        Metric(
            "iota_train_held_out_loss_nats", "held_out_loss", "Loss on held-out pages, nats a token"
        ),
    ),
    events.Checkpointed: (
        Metric("iota_train_checkpoints_total", None, "Checkpoints written"),
        Metric("iota_train_checkpoint_bytes_total", "size_bytes", "Bytes of checkpoints written"),
        Metric("iota_train_checkpoint_seconds_total", "seconds", "Time spent on checkpoints"),
    ),
    events.Published: (
        Metric("iota_miner_publications_total", None, "Models published and committed"),
    ),
    events.ModelFetched: (
        Metric("iota_validator_models_looked_at_total", None, "Commitments", ("outcome",)),
        Metric("iota_validator_fetched_bytes_total", "size_bytes", "Bytes of models fetched"),
        Metric("iota_validator_fetch_seconds_total", "seconds", "Time spent on fetching"),
    ),
    events.RoundStarted: (
        Metric("iota_validator_round_models", "models", "Models in the last round", OF),
    ),
    events.RoundFinished: (
        Metric("iota_validator_rounds_total", None, "Rounds decided", OF),
        Metric("iota_validator_round_block", "block", "Block of the last round", OF),
        Metric("iota_validator_pages_scored_total", "pages_scored", "Pages scored", OF),
        Metric(
            "iota_validator_pages_full_total",
            "pages_of_full_round",
            "Pages that rounds without a race would have scored",
            OF,
        ),
        Metric("iota_validator_champion_loss_nats", "champion_loss", "Score of the best", OF),
        Metric(
            "iota_validator_stage_seconds_total", "seconds", "Time by stage of a round", ("stage",)
        ),
    ),
    events.WeightsSet: (
        Metric("iota_validator_weights_set_total", None, "Times that weights were set"),
        Metric("iota_validator_weights_block", "block", "Block at which weights were last set"),
    ),
    events.RecordPublished: (
        Metric("iota_validator_records_published_total", None, "Round records published"),
    ),
    events.Waiting: (Metric("iota_waits_total", None, "Waits for something outside", ("what",)),),
    events.Audited: (Metric("iota_audits_total", None, "Audits of rounds", ("held",)),),
}
"""By kind of event, what it feeds; those of `Event` are fed by every one."""
METRICS = tuple(chain.from_iterable(FED.values()))


@final
class Metrics:
    """A sink that keeps the newest value of every metric for whoever scrapes it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._made = {each.name: _made(each, self.registry) for each in METRICS}

    def emit(self, event: AnyEvent) -> None:
        for metric in (*FED[events.Event], *FED.get(type(event), ())):
            made = self._made[metric.name]
            value = 1 if metric.field is None else getattr(event, metric.field)
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
