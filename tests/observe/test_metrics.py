"""Metrics: named by rule, fed by every kind of event, drawn by the Grafana dashboard."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from prometheus_client import generate_latest

from iotapretrain.errors import InputError
from iotapretrain.observe.events import Checkpointed, ModelFetched, RoundFinished, TrainStep
from iotapretrain.observe.metrics import METRICS, Metrics
from iotapretrain.observe.read_records import read_events
from iotapretrain.observe.sink import open_sinks

GRAFANA = Path(__file__).parents[2] / "examples" / "grafana"
RATES = re.compile(r"(per_second|(?<!learning)_rate$|_rps|_mb|_ms|_minutes|_percent)")
STEP = TrainStep(
    time=1.0,
    source="train:run",
    step=7,
    tokens=700,
    loss=3.5,
    learning_rate=1e-3,
    gradient_norm=0.9,
    tokens_per_second=10.0,
    flops_share=None,
    memory_bytes=1 << 20,
)


def round_finished(round_: int) -> RoundFinished:
    return RoundFinished(
        time=2.0,
        source="validator:v",
        round=round_,
        competition=1,
        block=100 + round_,
        digest="00",
        models=5,
        champion_uid=3,
        champion_hotkey="h",
        champion_loss=2.25,
        pages_scored=40,
        pages_of_full_round=60,
        seconds={"score": 1.5},
    )


def fetched(outcome: str) -> ModelFetched:
    return ModelFetched(
        time=3.0,
        source="validator:v",
        hotkey="h",
        uid=3,
        competition=1,
        repository="a/b",
        commit="0" * 40,
        outcome=outcome,
        reasons=[],
        size_bytes=500,
        seconds=0.25,
    )


def test_names_follow_the_rule() -> None:
    for metric in METRICS:
        assert metric.name.startswith("iota_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert not RATES.search(metric.name), metric.name


def test_numbers_of_events_arrive() -> None:
    metrics = Metrics()
    for event in (STEP, round_finished(1), round_finished(2), fetched("evaluated"), fetched("x")):
        metrics.emit(event)
    text = generate_latest(metrics.registry).decode()
    assert 'iota_train_tokens{source="train:run"} 700.0' in text
    assert 'iota_validator_rounds_total{competition="1",source="validator:v"} 2.0' in text
    assert 'iota_validator_stage_seconds_total{source="validator:v",stage="score"} 3.0' in text
    assert 'iota_validator_fetched_bytes_total{source="validator:v"} 1000.0' in text
    assert 'looked_at_total{outcome="x",source="validator:v"} 1.0' in text
    assert "iota_train_flops_ratio{" not in text  # unknown is absent, not zero


def test_served_over_http_and_written_to_the_file(tmp_path: Path, unused_tcp_port: int) -> None:
    records = tmp_path / "run" / "records.jsonl"
    with open_sinks(records, metrics=f"127.0.0.1:{unused_tcp_port}") as sink:
        sink.emit(STEP)
        answer = httpx.get(f"http://127.0.0.1:{unused_tcp_port}/metrics", trust_env=False)
        assert "iota_train_loss_nats" in answer.text
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{unused_tcp_port}/metrics", trust_env=False)
    assert list(read_events(records)) == [STEP]


@pytest.mark.parametrize("address", ["9100", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    with (
        pytest.raises(InputError, match="HOST:PORT"),
        open_sinks(tmp_path / "records.jsonl", metrics=address),
    ):
        pass


def test_an_address_in_use_is_one_line(tmp_path: Path, unused_tcp_port: int) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    with (
        open_sinks(tmp_path / "a.jsonl", metrics=address),
        pytest.raises(InputError, match="cannot listen"),
        open_sinks(tmp_path / "b.jsonl", metrics=address),
    ):
        pass


def test_grafana_asks_only_for_metrics_that_exist() -> None:
    known = {metric.name for metric in METRICS}
    dashboards = list(GRAFANA.glob("*.json"))
    assert dashboards
    for path in dashboards:
        document = json.loads(path.read_text())
        asked = set(re.findall(r"iota_[a-z_]+", json.dumps(document["panels"])))
        assert asked
        assert asked <= known, f"{path.name}: {asked - known}"


def test_sizes_and_times_of_checkpoints_add_up() -> None:
    metrics = Metrics()
    for size in (10, 20):
        metrics.emit(
            Checkpointed(time=1, source="train:r", step=1, tokens=1, size_bytes=size, seconds=0.5)
        )
    text = generate_latest(metrics.registry).decode()
    assert 'iota_train_checkpoint_bytes_total{source="train:r"} 30.0' in text
    assert 'iota_train_checkpoint_seconds_total{source="train:r"} 1.0' in text
