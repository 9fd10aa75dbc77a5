"""Perplexity is what anybody computes with `transformers` alone."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import transformers

from iotapretrain.benchmark.opened_model import Opened
from iotapretrain.benchmark.perplexity import LocalText, Perplexity, SampledText
from iotapretrain.data.datasets import open_source
from iotapretrain.data.page_cache import PageCache
from iotapretrain.errors import InputError
from tests.benchmark.conftest import nothing, save_lines
from tests.models import zoo


def plain(folder: Path, documents: list[str], length: int) -> tuple[float, int]:
    """Perplexity and number of sequences, by nothing of ours."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    ids: list[int] = []
    for document in documents:
        encoded = tokenizer(document, add_special_tokens=False, verbose=False).input_ids
        ids += [*encoded, tokenizer.eos_token_id]
    losses = []
    for first in range(0, len(ids) - length + 1, length):
        row = torch.tensor([ids[first : first + length]])
        with torch.no_grad():
            losses.append(model(row, labels=row).loss.item())
    return math.exp(sum(losses) / len(losses)), len(losses)


def test_a_text_file(opened: Opened, folder: Path, prose: Path) -> None:
    measured = Perplexity("prose", LocalText(prose), None).measure(opened, nothing)
    expected, sequences = plain(folder, [prose.read_text()], zoo.POSITIONS)
    assert measured.metrics["perplexity"].value == pytest.approx(expected, rel=1e-5)
    assert measured.basis["sequences"] == sequences > 5
    assert measured.basis["sequence length"] == zoo.POSITIONS


def test_json_lines_are_packed_with_an_end_after_each(
    opened: Opened, folder: Path, tmp_path: Path
) -> None:
    texts = [f"Document {number} \u2028 of many, {'x' * number}" for number in range(30)]
    path = save_lines(tmp_path / "texts.jsonl", [{"id": 1, "text": text} for text in texts])
    measured = Perplexity("texts", LocalText(path), None).measure(opened, nothing)
    expected, sequences = plain(folder, texts, zoo.POSITIONS)
    assert measured.metrics["perplexity"].value == pytest.approx(expected, rel=1e-5)
    assert measured.basis["sequences"] == sequences


def test_bytes_cost_what_their_tokens_cost(opened: Opened, prose: Path) -> None:
    measured = Perplexity("prose", LocalText(prose), None).measure(opened, nothing)
    metrics, basis = measured.metrics, measured.basis
    assert basis["bytes"] == len(prose.read_bytes())
    assert basis["tokens"] == len(opened.encode(prose.read_text(), framed=False)) + 1
    nats = metrics["loss"].value * basis["tokens"] / basis["bytes"]
    assert metrics["byte perplexity"].value == pytest.approx(math.exp(nats))
    assert metrics["bits per byte"].value == pytest.approx(nats / math.log(2))
    assert 0 < metrics["loss"].stderr < 0.5


def test_no_more_sequences_than_asked_for(opened: Opened, prose: Path) -> None:
    seen: list[tuple[int, int]] = []
    task = Perplexity("prose", LocalText(prose), 2)
    measured = task.measure(opened, lambda done, of: seen.append((done, of)))
    assert measured.basis["sequences"] == 2
    assert seen[-1] == (2, 2)


def test_a_source_is_read_by_seed(opened: Opened, cache: PageCache) -> None:
    source = open_source("synthetic/recall", cache)
    one, two = (Perplexity("r", SampledText(source, seed, cache), 3) for seed in (1, 2))
    assert one.fingerprint() != two.fingerprint()
    first, again, other = (task.measure(opened, nothing).metrics for task in (one, one, two))
    assert first == again != other


def test_the_fingerprint_is_the_content(prose: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_bytes(prose.read_bytes())
    assert LocalText(copy).fingerprint == LocalText(prose).fingerprint
    copy.write_text("other")
    assert LocalText(copy).fingerprint != LocalText(prose).fingerprint


def test_a_text_that_is_too_short(opened: Opened, tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("short")
    with pytest.raises(InputError, match="short: 5 tokens; at least 192 are needed"):
        Perplexity("short", LocalText(path), None).measure(opened, nothing)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("gone.txt", None, "cannot be read"),
        ("empty.txt", b"", "holds no text"),
        ("latin.txt", b"\xff\xfe", "cannot be read"),
        ("broken.jsonl", b"{", "line 1: not JSON"),
        ("rows.jsonl", b'{"query": 1}\n', "line 1: no `text`; for the rows of a task"),
        ("list.jsonl", b"[]\n", "line 1: no `text`"),
    ],
)
def test_what_is_no_text(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=problem):
        LocalText(path)
