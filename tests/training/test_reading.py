"""What is read for training, and what never is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from iotapretrain.data.datasets import open_source
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.stream import StreamPart
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.errors import InputError
from iotapretrain.training import recipe
from iotapretrain.training.plan import DataPlan
from iotapretrain.training.reading import BatchReader, held_out, lanes_of
from tests.training.small import plan


@pytest.fixture
def data(cache: PageCache) -> DataPlan:
    return plan(cache, data={"lanes": 4}).data


def test_training_never_reads_a_held_out_page(data: DataPlan, cache: PageCache) -> None:
    """By address over a whole epoch; the text of the two is then disjoint, as pages are."""
    source = data.sources[0]
    part = StreamPart(open_source(source.dataset, cache), 1.0, source.page_rows, source.held_out)
    kept_back = set(part.held_out_pages(0))
    assert len(kept_back) == source.held_out
    reader = BatchReader(data, 0, cache, range(4))
    pages = [
        page
        for stream in reader._streams
        for tape in stream._tapes
        for (epoch, _, page), _ in zip(tape._addresses(0, 0), range(10_000), strict=False)
        if epoch == 0
    ]
    everything = set(part.order(0, 0).first(len(part.order(0, 0))))
    assert set(pages) | kept_back == everything
    assert not set(pages) & kept_back


def test_held_out_text_is_the_same_for_everybody(data: DataPlan, cache: PageCache) -> None:
    rows = held_out(data, 0, cache)
    assert rows.shape == (128, 32)
    assert torch.equal(rows, held_out(data, 0, cache))
    assert not torch.equal(rows, held_out(data, 1, cache))


def test_ranks_share_the_batches_of_one(data: DataPlan, cache: PageCache) -> None:
    alone = BatchReader(data, 0, cache, lanes_of(data, 0, 1))
    two = [BatchReader(data, 0, cache, lanes_of(data, rank, 2)) for rank in (0, 1)]
    for _ in range(3):
        rows = torch.cat([reader.take(4) for reader in two])
        assert torch.equal(alone.take(8), rows)
    assert alone.states == [*two[0].states, *two[1].states]


def test_goes_on_at_the_next_token(data: DataPlan, cache: PageCache) -> None:
    reader = BatchReader(data, 0, cache, range(4))
    reader.take(40)
    again = BatchReader(data, 0, cache, range(4), reader.states)
    np.testing.assert_array_equal(reader.take(8), again.take(8))


def test_lanes_must_be_shared_evenly(data: DataPlan) -> None:
    with pytest.raises(InputError, match="4 lanes"):
        lanes_of(data, 0, 3)


def test_one_config_of_a_dataset_is_read_alone(tmp_path: Path, cache: PageCache) -> None:
    for name in ("wanted", "other"):
        (tmp_path / name).mkdir()
        lines = [json.dumps({"text": f"{name} {number} " * 20}) for number in range(60)]
        (tmp_path / name / "0.jsonl").write_text("\n".join(lines))
    (tmp_path / "two.toml").write_text(
        """title = "two"
        location = "."
        format = "jsonl"
        files = "{config}/*.jsonl"
        licence = "none"
        access = "open"
        """
    )
    mix = (recipe.MixPart(str(tmp_path / "two.toml"), 1.0, "wanted"),)
    data = plan(cache, data={"mix": mix, "lanes": 4, "page_rows": 2}).data
    read = [BatchReader(data, 0, cache, range(4)).take(400), held_out(data, 0, cache)]
    backend = load_tokenizer("bytes").backend
    texts = [backend.decode(rows.flatten().tolist()) for rows in read]
    assert all("wanted" in text and "other" not in text for text in texts)
