"""A task whose text cannot be had drops out, weights renormalise, and the record says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotapretrain.data.outcome import round_text
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.ranges import PagePatience
from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.schedule import TextTask
from iotapretrain.rules.competition.task_score import aggregate
from tests.data.parquet_sets import parquet_file
from tests.data.web import Fault, Web

TOML = """
title = "A set on a web server"
location = "{url}/set"
format = "parquet"
files = "*.parquet"
paths = ["0.parquet"]
licence = "none"
access = "open"
{more}
"""

POEMS = """
title = "Lines in a folder"
location = "{folder}"
format = "jsonl"
files = "*.jsonl"
licence = "none"
access = "open"
"""


@pytest.fixture
def web_set(web: Web, tmp_path: Path) -> str:
    web.files["set/0.parquet"] = parquet_file(0)
    path = tmp_path / "web-set.toml"
    path.write_text(TOML.format(url=web.url, more=""))
    return str(path)


def tasks(web_set: str) -> list[TextTask]:
    poems = Path(web_set).with_name("poems.toml")
    poems.write_text(POEMS.format(folder=Path(__file__).parent / "golden" / "poem"))
    prose = TextTask("PROSE", 0.6, dataset=str(poems), pages=2, page_rows=5, sequences=4)
    web = TextTask("WEB", 0.4, dataset=web_set, pages=2, page_rows=10, sequences=8)
    return [prose, web]


def gather(
    web_set: str, tokens: Tokenizer, cache: PageCache, patience: PagePatience
) -> tuple[set[str], dict[str, str]]:
    text = round_text(tasks(web_set), 1, 7, 64, tokens, cache, patience)
    return set(text.batches), {each.task: each.reason for each in text.missing}


def test_all_is_well(
    web_set: str, tokens: Tokenizer, cache: PageCache, patience: PagePatience
) -> None:
    text = round_text(tasks(web_set), 1, 7, 64, tokens, cache, patience)
    assert text.missing == ()
    assert {task: len(batch.sequences) for task, batch in text.batches.items()} == {
        "PROSE": 4,
        "WEB": 8,
    }
    again = round_text(tasks(web_set), 1, 7, 64, tokens, cache, patience)
    assert {t: b.digest for t, b in again.batches.items()} == {
        t: b.digest for t, b in text.batches.items()
    }


OUTCOMES = {
    "slow": (Fault(drip=0.05), "unavailable"),
    "silent": (Fault(silence=1.0), "unavailable"),
    "cut in the middle": (Fault(cut=0.5), "unavailable"),
    "429": (Fault(status=429, headers={"Retry-After": "1"}), "unavailable"),
    "500": (Fault(status=500), "unavailable"),
    "503": (Fault(status=503), "unavailable"),
    "404": (Fault(status=404), "unavailable"),
    "403": (Fault(status=403), "unavailable"),
    "another revision": (Fault(etag='"new"'), "changed"),
    "wrong bytes": (Fault(flip=True), "corrupt"),
}


@pytest.mark.parametrize(("fault", "reason"), OUTCOMES.values(), ids=OUTCOMES)
def test_a_task_drops_out_for_a_stated_reason_and_comes_back(
    web: Web,
    web_set: str,
    tokens: Tokenizer,
    cache: PageCache,
    patience: PagePatience,
    fault: Fault,
    reason: str,
) -> None:
    warm = PageCache(cache.folder / "index")
    round_text(tasks(web_set)[1:], 1, 6, 64, tokens, warm, patience)  # another seed: index only
    web.always = fault
    assert gather(web_set, tokens, warm, patience) == ({"PROSE"}, {"WEB": reason})
    web.always = None
    assert gather(web_set, tokens, warm, patience) == ({"PROSE", "WEB"}, {})


def test_the_weights_of_the_others_are_renormalised(
    web: Web, web_set: str, tokens: Tokenizer, cache: PageCache, patience: PagePatience
) -> None:
    web.always = Fault(status=500)
    both = tasks(web_set)
    text = round_text(both, 1, 7, 64, tokens, cache, patience)
    (missing,) = text.missing
    assert missing.task == "WEB"
    assert missing.source == "web-set"
    assert "HTTP 500; gave up after 4 attempts" in missing.sentence
    score = aggregate(both, {"PROSE": 2.5}, failed=[missing.task])
    assert score is not None
    assert score.value == 2.5


def test_a_dataset_nobody_knows_stops_the_round(
    tokens: Tokenizer, cache: PageCache, patience: PagePatience
) -> None:
    task = TextTask("X", 1.0, dataset="no-such", pages=1)
    with pytest.raises(InputError, match="source 'no-such': unknown"):
        round_text([task], 1, 7, 64, tokens, cache, patience)


def test_fewer_pages_than_asked_for_are_all_pages(
    web_set: str, tokens: Tokenizer, cache: PageCache, patience: PagePatience
) -> None:
    task = TextTask("WEB", 1.0, dataset=web_set, pages=99, page_rows=30)
    text = round_text([task], 1, 7, 64, tokens, cache, patience)
    assert len(text.batches["WEB"].pages) == 4
