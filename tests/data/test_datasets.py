from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from iotapretrain.data.batches import read_page
from iotapretrain.data.datasets import (
    find_dataset,
    known_datasets,
    open_source,
    parse_dataset,
    read_dataset,
)
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.source import Description, SourceConfig
from iotapretrain.errors import ConfigError, CorruptSourceError, InputError
from iotapretrain.rules.sampling import Page

GOOD = {
    "title": '"A set"',
    "location": '"texts"',
    "format": '"jsonl"',
    "files": '"*.jsonl"',
    "licence": '"none"',
    "access": '"open"',
}


def toml(**changes: str | None) -> str:
    rows = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return "\n".join(f"{key} = {value}" for key, value in rows.items())


def test_every_known_dataset_says_all_that_is_needed() -> None:
    known = known_datasets()
    assert {
        "falcon-refinedweb",
        "fineweb",
        "fineweb-edu-score-2",
        "the-stack-v2-dedup",
        "pes2o",
        "finemath-3plus",
        "infiwebmath-3plus",
        "wikitext-103",
    } <= set(known)
    for dataset in known.values():
        assert dataset.location.startswith("hf://datasets/")
        assert dataset.licence
        assert dataset.access


def test_datasets_are_found_by_name_repository_and_path(tmp_path: Path) -> None:
    assert find_dataset("fineweb") == find_dataset("HuggingFaceFW/fineweb")
    math = "HuggingFaceTB/finemath"
    assert find_dataset(math, "infiwebmath-3plus").name == "infiwebmath-3plus"
    with pytest.raises(InputError, match="say which; there are finemath-3plus, infiwebmath-3plus"):
        find_dataset(math)
    with pytest.raises(InputError, match=r"'no-such': unknown; there are python-docs, .*fineweb"):
        find_dataset("no-such")
    (tmp_path / "mine.toml").write_text(toml())
    assert find_dataset(str(tmp_path / "mine.toml")).name == "mine"


def test_every_competition_that_ships_names_datasets_that_are_known() -> None:
    from iotapretrain.rules.competition.schedule_file import parse

    folder = Path(__file__).parents[2] / "examples" / "competitions"
    for path in folder.glob("*.toml"):
        for competition in parse(path.read_text(), path.name).competitions:
            for task in competition.tasks:
                if task.dataset not in ("python-docs", "python-code"):
                    find_dataset(task.dataset, task.config)


def test_reading_the_same_files_in_another_way_is_another_revision(
    tmp_path: Path, cache: PageCache
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.jsonl").write_text('{"text": "one", "title": "two"}\n')
    revisions = {}
    for field in ("text", "title"):
        (tmp_path / "mine.toml").write_text(toml(text=f'"{field}"'))
        source = open_source(str(tmp_path / "mine.toml"), cache)
        revisions[source.describe().revision] = read_page(source, Page("all", 0, 1), cache).texts
    assert sorted(revisions.values()) == [["one"], ["two"]]
    shown = next(iter(revisions))
    (tmp_path / "mine.toml").write_text(toml(revision=f'"{shown}"'))
    assert open_source(str(tmp_path / "mine.toml"), cache).describe().revision == shown


def test_an_unpinned_dataset_is_not_opened(cache: PageCache) -> None:
    with pytest.raises(InputError, match=r"not a commit.*iota data pin laion/Pes2oX-fulltext"):
        open_source("pes2o", cache)


def test_a_folder_is_relative_to_its_file(tmp_path: Path, cache: PageCache) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.jsonl").write_text('{"body": "text"}\n')
    (tmp_path / "mine.toml").write_text(toml(text='"body"'))
    source = open_source(str(tmp_path / "mine.toml"), cache)
    assert source.name == "mine"
    assert source.describe().rows == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title": None}, "title: missing"),
        ({"tilte": '"x"'}, "tilte: unknown key; allowed: title, location"),
        ({"format": '"csv"'}, "format: 'csv'; allowed: one of parquet, stack, jsonl"),
        ({"location": '"https://host/x"'}, "for format jsonl; allowed: a folder"),
        (
            {"location": '"hf://datasets/a/b"', "format": '"parquet"', "revision": '"main"'},
            "revision: 'main'; allowed: a commit of 40 hex digits",
        ),
        ({"row_bytes": "0"}, "row_bytes: 0; allowed: 1 or more"),
        ({"format": '"stack"'}, "blobs: missing"),
        ({"configs": '"one"'}, "configs: 'one'; allowed: a list"),
        ({"join_rows": "1"}, "join_rows: 1; allowed: true or false"),
        ({"title": "x"}, "syntax"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(
    changes: dict[str, str | None], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=r"^mine\.toml: ") as caught:
        parse_dataset(toml(**changes), "mine", "mine.toml", Path())
    assert sentence in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: file: "):
        read_dataset(Path("gone.toml"))


def test_descriptions_refuse_nonsense() -> None:
    with pytest.raises(InputError, match="-1 rows"):
        SourceConfig("a", -1)
    with pytest.raises(InputError, match="repeat: a, a"):
        Description("s", "1", (SourceConfig("a", 1), SourceConfig("a", 2)))
    with pytest.raises(CorruptSourceError, match="no rows at all"):
        Description("s", "1", (SourceConfig("a", 0),))
    with pytest.raises(InputError, match="no config 'b'; there are a"):
        Description("s", "1", (SourceConfig("a", 1),)).only("b")


def test_the_room_needs_neither_the_chain_nor_a_database_nor_torch() -> None:
    script = """
import sys
heavy = {"bittensor", "wandb", "sqlalchemy", "torch", "transformers", "obstore"}
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in heavy:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
import iotapretrain.data.outcome, iotapretrain.data.stream
from iotapretrain.data.python_text import EmbeddedSource
print(EmbeddedSource("python-docs").describe().rows > 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
