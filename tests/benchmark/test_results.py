"""Runs go on where they were cut off, and say what they could not do."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from iotapretrain.benchmark import result_tables
from iotapretrain.benchmark.opened_model import Opened, open_subject
from iotapretrain.benchmark.results import (
    BenchmarkRun,
    MeasuredModel,
    Measurement,
    MetricValue,
    Progress,
)
from iotapretrain.benchmark.subject import identified
from iotapretrain.benchmark.task_list import DEFAULT, AbsentTask, Choosing
from iotapretrain.data.datasets import known_datasets
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import load_tokenizer, save_tokenizer
from iotapretrain.errors import InputError, UnavailableSourceError
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_cache import ModelCache as HubCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.models.worker import Worker
from tests.models import zoo


@dataclass
class Counted:
    """A task that says how often it was computed, and fails when it is told to."""

    name: str
    fails: BaseException | None = None
    done: list[Opened] = field(default_factory=list)

    def fingerprint(self) -> str:
        return self.name

    def measure(self, opened: Opened, progress: Progress) -> Measurement:
        if self.fails is not None:
            raise self.fails
        progress(1, 1)
        self.done.append(opened)
        return Measurement({"acc": MetricValue(0.5, 0.1)}, {"items": 1})


@pytest.fixture
def bench(cache: PageCache, worker: Worker, tmp_path: Path) -> BenchmarkRun:
    address = f"folder:{tmp_path / 'hub'}"
    return BenchmarkRun(cache, address, HubCache(tmp_path / "hub-cache"), worker)


def unwatched(model: str, task: str, done: int, of: int) -> None:
    """Progress that nobody follows."""


def test_an_interrupted_run_goes_on(bench: BenchmarkRun, folder: Path) -> None:
    first, second = Counted("first"), Counted("second", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        list(bench.results([str(folder)], [first, second], unwatched))
    second.fails = None
    results = list(bench.results([str(folder)], [first, second], unwatched))
    assert (len(first.done), len(second.done)) == (1, 1)
    assert [result.kept for result in results] == [True, False]
    assert [result.metrics["acc"].value for result in results] == [0.5, 0.5]


def test_what_is_known_needs_no_model(
    bench: BenchmarkRun, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [Counted("first"), Counted("second")]
    list(bench.results([str(folder)], tasks, unwatched))
    assert tasks[0].done[0] is tasks[1].done[0], "opened once for all tasks"
    monkeypatch.setattr("iotapretrain.benchmark.opened_model.open_subject", None)
    copy = shutil.copytree(folder, folder.parent / "copy", dirs_exist_ok=True)
    (result, _) = bench.results([str(copy)], tasks, unwatched)
    assert result.kept
    assert result.model == str(copy)


def test_other_weights_and_other_tokenizers_are_other_models(
    bench: BenchmarkRun, folder: Path, tmp_path: Path
) -> None:
    weights, tokenizer = (shutil.copytree(folder, tmp_path / name) for name in ("w", "t"))
    zoo.save(zoo.network("LlamaForCausalLM", seed=1), weights)
    save_tokenizer(load_tokenizer("bytes").backend, tokenizer)
    task = Counted("task")
    results = list(bench.results([str(folder), str(weights), str(tokenizer)], [task], unwatched))
    assert len(task.done) == 3
    assert len({result.digest for result in results}) == 3


def test_what_cannot_be_had_does_not_stop_the_rest(bench: BenchmarkRun, folder: Path) -> None:
    gone = Counted("gone", UnavailableSourceError("gone", "the server is silent"))
    results = list(bench.results([str(folder)], [gone, Counted("here")], unwatched))
    assert [result.missing for result in results] == ["gone: the server is silent", None]
    gone.fails = None
    (again, _) = bench.results([str(folder)], [gone, Counted("here")], unwatched)
    assert again.metrics, "a failure is not kept"


def test_a_task_that_cannot_be_had_here_is_left_out(
    bench: BenchmarkRun, folder: Path, cache: PageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    chosen = Choosing(cache, limit=1).tasks(["pes2o", "piqa", "synthetic/copying"])
    results = list(bench.results([str(folder)], chosen, unwatched))
    assert [result.missing is None for result in results] == [False, False, True]
    assert "pin one: `iota data pin" in str(results[0].missing)
    assert "pip install 'iotapretrain[bench]'" in str(results[1].missing)


def test_the_default_tasks_are_pinned(cache: PageCache) -> None:
    known = known_datasets()
    texts = [name for name in DEFAULT if name in known]
    assert len(texts) == 3
    assert all(known[name].revision for name in texts)
    assert [task.name for task in Choosing(cache).tasks(DEFAULT)] == list(DEFAULT)
    assert not any(isinstance(task, AbsentTask) for task in Choosing(cache).tasks(DEFAULT))


def test_a_model_of_a_hub(bench: BenchmarkRun, folder: Path, tmp_path: Path) -> None:
    hub = FolderHub(tmp_path / "hub", "alice")
    repository = RepositoryId.parse("alice/model")
    commit = hub.publish(ModelFolder.scan(folder), repository, "x")
    hub.set_visibility(repository, "public")
    place = f"hub:{commit}"
    (result,) = bench.results([place], [Counted("task")], unwatched)
    assert result.model == place
    with identified("here", folder, None) as subject:
        assert result.digest == subject.digest


def test_models_are_inspected_before_they_are_opened(
    worker: Worker, folder: Path, tmp_path: Path
) -> None:
    spoilt = shutil.copytree(folder, tmp_path / "spoilt")
    zoo.edit_tensors(spoilt, {"model.norm.weight": torch.full((32,), torch.nan)})
    with (
        identified("bad", spoilt, None) as subject,
        pytest.raises(InputError, match=r"bad: is not opened: model\.norm\.weight holds NaN"),
    ):
        open_subject(subject, worker, "cpu")
    (spoilt / "evil.py").write_text("")
    with (
        pytest.raises(InputError, match=r"bad: is not opened: evil\.py is code"),
        identified("bad", spoilt, None),
    ):
        pass


def test_a_model_needs_its_tokenizer(worker: Worker, folder: Path, tmp_path: Path) -> None:
    bare = zoo.save(zoo.network("LlamaForCausalLM", vocab_size=200), tmp_path / "bare")
    with (
        pytest.raises(InputError, match=r"bare: has no tokenizer\.json; name a tokenizer"),
        identified("bare", bare, None),
    ):
        pass
    with (
        identified("bare", bare, "bytes") as subject,
        pytest.raises(InputError, match="the tokenizer has 257 ids, the model 200"),
    ):
        open_subject(subject, worker, "cpu")


def test_tasks_by_name(cache: PageCache, prose: Path) -> None:
    names = [str(prose), f"mine={prose}", "synthetic/recall", "python-docs"]
    chosen = Choosing(cache).tasks(names)
    assert [task.name for task in chosen] == [
        "prose.txt",
        "mine",
        "synthetic/recall",
        "python-docs",
    ]
    assert len({task.fingerprint() for task in chosen}) == 3, "one text under two names"
    with pytest.raises(InputError, match=r"task 'synthetic/recal': .* mean synthetic/recall\?"):
        Choosing(cache).tasks(["synthetic/recal"])
    with pytest.raises(InputError, match="name one or more, each once"):
        Choosing(cache).tasks([f"a={prose}", f"a={prose.parent}/./{prose.name}"])


RESULTS = (
    MeasuredModel(
        "one", "prose", "d", {"perplexity": MetricValue(12.3456, 0.5), "loss": MetricValue(2.5133)}
    ),
    MeasuredModel("one", "piqa", "d", {"acc": MetricValue(0.51234, 0.01)}, {"items": 9}),
    MeasuredModel(
        "two", "prose", "e", {"perplexity": MetricValue(9.0), "loss": MetricValue(2.1972)}
    ),
    MeasuredModel("two", "piqa", "e", missing="no rows"),
)


def test_the_forms_of_a_table(tmp_path: Path) -> None:
    result_tables.write(tmp_path / "out", RESULTS, [])
    markdown = (tmp_path / "out" / "benchmark.md").read_text().splitlines()
    assert markdown == [
        "| task | metric | one | two |",
        "| --- | --- | --- | --- |",
        "| prose | perplexity | 12.35 ± 0.50 | 9.00 |",
        "| piqa | acc | 0.5123 ± 0.0100 | - |",
        "",
        "* piqa, two: no rows",
    ]
    csv = (tmp_path / "out" / "benchmark.csv").read_text().splitlines()
    assert csv[:2] == ["model,task,metric,value,stderr", "one,prose,perplexity,12.3456,0.5"]
    assert len(csv) == 6
    document = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert document["results"][3]["missing"] == "no rows"
    assert document["results"][1]["basis"] == {"items": 9}


def test_a_chart_of_every_metric(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    assert result_tables.draw(tmp_path / "chart.png", RESULTS)
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert result_tables.draw(tmp_path / "nothing.png", RESULTS[3:])
    assert not (tmp_path / "nothing.png").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: cannot be written"):
        result_tables.write(tmp_path / "file", RESULTS, [])
