"""Perplexity: the exponential of the mean loss of the next token, over packed tokens. Only what a
byte costs compares models with different tokenizers: loss · tokens / bytes.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from iotapretrain.benchmark.results import Measurement, MetricValue, Progress, mean
from iotapretrain.data.batches import draw, read_page
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.source import Source
from iotapretrain.errors import InputError
from iotapretrain.rules.packing import pack

if TYPE_CHECKING:
    from iotapretrain.benchmark.opened_model import Opened

LONGEST = 1_024
"""Tokens a sequence, or as many as the model has positions."""
SAMPLED = 1_000
"""Sequences of a dataset that is too large to be read whole."""
PAGE_ROWS = 50
ROWS_TOGETHER = 16
GREATEST_LOSS = 300.0
"""Its exponential, a token or a byte, is still a number."""


@dataclass(frozen=True)
class LocalText:
    """A file: plain text is one document, of JSON lines each `text` is one."""

    path: Path

    def __post_init__(self) -> None:
        if not any(self.documents()):
            raise InputError(f"{self.path}: holds no text")

    @property
    def fingerprint(self) -> str:
        return f"{self.path.suffix} {blake3(self.path.read_bytes()).hexdigest()}"

    def documents(self) -> Iterator[str]:
        try:
            content = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{self.path}: cannot be read: {error}") from error
        if self.path.suffix != ".jsonl":
            yield content
            return
        for number, line in enumerate(content.split("\n"), 1):
            if line.strip():
                yield _text_of(line, f"{self.path}: line {number}")


@dataclass(frozen=True)
class SampledText:
    """Pages of a source in random order."""

    source: Source
    seed: int
    cache: PageCache

    @property
    def fingerprint(self) -> str:
        description = self.source.describe()
        return f"{description.source}@{description.revision} {self.seed}"

    def documents(self) -> Iterator[str]:
        order = draw(self.source.describe(), self.seed, 0, "benchmark", PAGE_ROWS)
        for place in range(len(order)):
            yield from read_page(self.source, order[place], self.cache).texts


@dataclass(frozen=True)
class Perplexity:
    """The task: at most `limit` sequences of a text."""

    name: str
    text: LocalText | SampledText
    limit: int | None

    def fingerprint(self) -> str:
        return f"perplexity {self.text.fingerprint} {self.limit}"

    def measure(self, opened: Opened, progress: Progress) -> Measurement:
        import torch

        from iotapretrain.models.losses import token_losses

        length = min(LONGEST, opened.positions)
        sequences, tokens, size = self._packed(opened, length)
        means: list[float] = []
        for first in range(0, len(sequences), ROWS_TOGETHER):
            rows = torch.from_numpy(sequences[first : first + ROWS_TOGETHER])
            rows = rows.to(opened.device, torch.int64)
            means += token_losses(opened.model, rows).mean(1, dtype=torch.float64).tolist()
            progress(len(means), len(sequences))
        loss = mean(means)
        if not loss.value < GREATEST_LOSS:
            raise InputError(f"{self.name}: a mean loss of {loss.value:g} has no perplexity")
        metrics = {
            "loss": loss,
            "perplexity": _exponential(loss),
            "byte perplexity": _exponential(_scaled(loss, tokens / size)),
            "bits per byte": _scaled(loss, tokens / size / math.log(2)),
        }
        basis = {"sequences": len(means), "sequence length": length, "tokens": tokens}
        return Measurement(metrics, basis | {"bytes": size})

    def _packed(self, opened: Opened, length: int) -> tuple[npt.NDArray[np.integer[Any]], int, int]:
        """The sequences; and how many tokens, with end tokens, so many bytes of text became."""
        flat = array("i")
        offsets, size = [0], 0
        for document in self.text.documents():
            flat.extend(opened.encode(document, framed=False))
            offsets.append(len(flat))
            size += len(document.encode())
            if self.limit is not None and len(flat) >= self.limit * length:
                break
        tokens = np.array(flat, dtype=np.int32)
        sequences = pack(tokens, np.array(offsets), length, opened.end_id)[: self.limit]
        if not len(sequences):
            raise InputError(f"{self.name}: {len(flat)} tokens; at least {length} are needed")
        return sequences, len(flat) + len(offsets) - 1, size


def _text_of(line: str, where: str) -> str:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: not JSON: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise InputError(f"{where}: no `text`; for the rows of a task write TASK=PATH")
    return str(row["text"])


def _scaled(metric: MetricValue, factor: float) -> MetricValue:
    stderr = None if metric.stderr is None else metric.stderr * factor
    return MetricValue(metric.value * factor, stderr)


def _exponential(metric: MetricValue) -> MetricValue:
    """By the first term of its series, the error grows as the value does."""
    value = math.exp(metric.value)
    return MetricValue(value, None if metric.stderr is None else value * metric.stderr)
