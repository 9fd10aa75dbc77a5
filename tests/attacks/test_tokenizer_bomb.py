"""A stranger's tokenizer that makes millions of ids of a letter, or that breaks its reader."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from typer.testing import CliRunner

from iotapretrain.benchmark.results import BenchmarkRun
from iotapretrain.benchmark.sandboxed_tokenizer import GuardedSpelling, guarded
from iotapretrain.benchmark.spelling import describe
from iotapretrain.benchmark.task_list import Choosing
from iotapretrain.cli.main import app
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import find_files, load_tokenizer, save_tokenizer
from iotapretrain.errors import InputError
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_cache import ModelCache as HubCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.models.open_files import open_named
from iotapretrain.models.verdict import Rejection
from iotapretrain.models.worker import Budget, Worker
from tests.attacks import lying_tasks
from tests.models import zoo

LEVELS, COPIES = 6, 12
SHORT = Budget(seconds=20, memory_bytes=2**29)
REPLACE = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * COPIES}
RETRIES = {
    "type": "Split",
    "pattern": {"Regex": r"(a|a|aa)*c\b"},
    "behavior": "Isolated",
    "invert": False,
}
"""Each place of the text takes ten million tries; then the library panics."""


def bomb(folder: Path, **parts: Any) -> Path:
    """The tokenizer of bytes with other parts."""
    folder.mkdir(exist_ok=True)
    save_tokenizer(load_tokenizer("bytes").backend, folder)
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | parts))
    return folder


def normaliser() -> dict[str, Any]:
    return {"normalizer": {"type": "Sequence", "normalizers": [REPLACE] * LEVELS}}


@contextmanager
def opened(folder: Path, budget: Budget = SHORT) -> Iterator[GuardedSpelling]:
    files = find_files(str(folder))
    assert files is not None
    with guarded("stranger", files, budget) as spelling:
        yield spelling


def test_six_levels_of_replacement(tmp_path: Path) -> None:
    bomb(tmp_path, **normaliser())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        opened(tmp_path, Budget(seconds=60, memory_bytes=2**31)) as spelling,
        pytest.raises(InputError, match="it makes 2,985,984 ids of a text of 1 characters"),
    ):
        spelling.encode(["a"], framed=False)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**15, "KiB"


def test_what_takes_more_memory_than_there_is(tmp_path: Path) -> None:
    bomb(tmp_path, **normaliser())
    with (
        opened(tmp_path) as spelling,
        pytest.raises(InputError, match="not used: in the worker: died by SIGABRT"),
    ):
        spelling.encode(["a" * 100], framed=False)


def test_a_decoder_is_no_way_round(tmp_path: Path) -> None:
    bomb(tmp_path, decoder={"type": "Sequence", "decoders": [REPLACE] * LEVELS})
    with opened(tmp_path) as spelling:
        ids = spelling.encode(["a"], framed=False)
        with pytest.raises(InputError, match="it makes 2,985,984 characters of 1 ids"):
            spelling.decode(ids)


def test_an_expression_that_takes_for_ever(tmp_path: Path) -> None:
    bomb(tmp_path, pre_tokenizer=RETRIES)
    with opened(tmp_path) as spelling:
        assert spelling.encode(["abc"], framed=False) == [[64, 65, 66]]
        with pytest.raises(InputError, match="in the worker: ended with code 1"):
            spelling.encode(["a" * 40 + "c_"], framed=False)


def test_too_slow(tmp_path: Path) -> None:
    """Ten thousand rules over a million letters take longer than a call may."""
    rule = {"type": "Replace", "pattern": {"String": "a"}, "content": "a"}
    bomb(tmp_path, normalizer={"type": "Sequence", "normalizers": [rule] * 10_000})
    started = time.monotonic()
    with (
        pytest.raises(InputError, match="took more than 2 seconds"),
        opened(tmp_path, Budget(seconds=2, memory_bytes=2**30)) as spelling,
    ):
        spelling.encode(["a" * 1_000_000], framed=False)
    assert time.monotonic() - started < 15


def test_a_file_that_nobody_needs_is_not_read(tmp_path: Path) -> None:
    with (bomb(tmp_path) / "tokenizer.json").open("r+b") as file:
        file.truncate(200 * 2**20)
    started = time.monotonic()
    with (
        pytest.raises(InputError, match="209,715,283 bytes; at most 67,108,864 are read"),
        opened(tmp_path),
    ):
        pass
    assert time.monotonic() - started < 1


def settings(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text("[" * 100_000)


def whole(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("[" * 100_000)


def long_end(folder: Path) -> None:
    end = {"eos_token": "e" * 1_000}
    (folder / "tokenizer_config.json").write_text(json.dumps(end))
    backend = load_tokenizer("bytes").backend
    backend.add_special_tokens(["e" * 1_000])
    backend.save(str(folder / "tokenizer.json"))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (settings, "tokenizer_config.json cannot be read: maximum recursion depth"),
        (whole, "not a tokenizer.json"),
        (long_end, "an end token of 1,000 characters"),
    ],
)
def test_files_that_break_their_reader(
    tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(bomb(tmp_path))
    with pytest.raises(InputError, match=reason) as caught, opened(tmp_path):
        pass
    assert len(str(caught.value)) < 1_000
    assert "\n" not in str(caught.value)


def test_more_ids_than_anybody_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iotapretrain.benchmark.spelling._opened", [])
    monkeypatch.setattr("iotapretrain.benchmark.spelling.LARGEST_VOCABULARY", 256)
    bomb(tmp_path)
    with (
        open_named(tmp_path, "tokenizer.json") as files,
        pytest.raises(Rejection, match=r"257 ids, .* at most 256"),
    ):
        describe({"tokenizer.json": files.files[0].descriptor})


def test_the_caller_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = bomb(tmp_path)
    expected = [load_tokenizer(str(place)).backend.encode("Grüße").ids]

    class Forbidden:
        def __getattr__(self, _name: str) -> None:
            raise AssertionError("opened in the caller")

    monkeypatch.setattr(tokenizers, "Tokenizer", Forbidden())
    with opened(place) as spelling:
        assert spelling.encode(["Grüße"], framed=True) == expected
        assert spelling.decode(expected) == ["Grüße"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("a" * (2**25 + 1), "33,554,433 bytes is too long"), ("\ud800", "no Unicode")],
)
def test_texts_that_no_tokenizer_is_to_blame_for(tmp_path: Path, text: str, reason: str) -> None:
    with opened(bomb(tmp_path)) as spelling:
        with pytest.raises(InputError, match=reason):
            spelling.encode([text], framed=False)
        assert spelling.encode(["b"], framed=False) == [[65]]


@pytest.mark.parametrize("lie", ["many", "large", "negative", "words", "none"])
def test_a_worker_that_lies_is_not_believed(tmp_path: Path, lie: str) -> None:
    bomb(tmp_path)
    with (
        open_named(tmp_path, "tokenizer.json") as files,
        Worker(Budget(seconds=30, memory_bytes=2**28), lying_tasks.__name__) as worker,
    ):
        spelling = GuardedSpelling("stranger", files, worker)
        with pytest.raises(InputError, match=r"answer|no message"):
            spelling.encode([lie], framed=False)
        with pytest.raises(InputError, match=r"answer|no message"):
            spelling.decode([[1]])


@pytest.fixture
def published(tmp_path: Path) -> tuple[str, str]:
    """A stranger's model on a hub: its place, and the hub's address."""
    model = zoo.save(zoo.network("LlamaForCausalLM"), tmp_path / "model")
    bomb(model, **normaliser())
    hub = FolderHub(tmp_path / "hub", "mallory")
    commit = hub.publish(ModelFolder.scan(model), repository := RepositoryId("mallory", "m"), "x")
    hub.set_visibility(repository, "public")
    return f"hub:{commit}", f"folder:{tmp_path / 'hub'}"


def test_a_benchmark_of_a_strangers_model(
    published: tuple[str, str], tmp_path: Path, worker: Worker
) -> None:
    """The text that sets it off has no result, and a reason; others have theirs."""
    place, hub = published
    cache = PageCache(tmp_path / "cache")
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("Words. " * 60)
    bad.write_text("Words. " * 60 + "a")
    tasks = Choosing(cache, limit=1).tasks([str(good), str(bad)])
    bench = BenchmarkRun(cache, hub, HubCache(tmp_path / "hub-cache"), worker)
    first, second = bench.results([place], tasks, lambda *_: None)
    assert first.metrics["perplexity"].value > 1
    assert second.missing == (
        f"{place}: its tokenizer is not used: it makes 2,986,404 ids of a text of 421 characters"
    )


def test_a_command_ends_with_one_line(
    published: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, hub = published
    monkeypatch.setenv("IOTA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("iotapretrain.benchmark.sandboxed_tokenizer.LARGEST_FILE", 1_000)
    arguments = ["benchmark", place, "--hub", hub, "--tasks", "synthetic/recall"]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, InputError)
    assert "bytes; at most 1,000 are read" in str(result.exception)
    assert InputError.exit_code == 2
