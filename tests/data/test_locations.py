from __future__ import annotations

from pathlib import Path

import pytest

from iotapretrain.data.locations import (
    HubPlace,
    Pattern,
    SystemPlace,
    WebPlace,
    latest_commit,
    place_of,
)
from iotapretrain.data.ranges import PagePatience, Stamp
from iotapretrain.errors import InputError, UnavailableSourceError
from tests.data.conftest import Watch
from tests.data.web import Fault, Web

COMMIT = "ab" * 20


@pytest.mark.parametrize(
    ("pattern", "path", "config"),
    [
        ("*.parquet", "a.parquet", "all"),
        ("*.parquet", "deep/a.parquet", None),
        ("data/{config}/*.parquet", "data/CC-MAIN-2024-10/000_00000.parquet", "CC-MAIN-2024-10"),
        ("data/{config}/*.parquet", "data/x/y/a.parquet", None),
        (
            "{config}/test-*.parquet",
            "wikitext-103-raw-v1/test-00000.parquet",
            "wikitext-103-raw-v1",
        ),
        ("{config}/test-*.parquet", "wikitext-103-raw-v1/train-00000.parquet", None),
        ("a+b.txt", "aab.txt", None),
        ("a+b.txt", "a+b.txt", "all"),
    ],
)
def test_patterns(pattern: str, path: str, config: str | None) -> None:
    assert Pattern(pattern).config_of(path) == config


def test_a_pattern_knows_its_folder_and_its_configs() -> None:
    assert Pattern("data/{config}/*.parquet").folder == "data"
    assert Pattern("*.txt").folder == ""
    paths = dict.fromkeys(["b/2", "b/1", "a/1", "c/1"])
    chosen = Pattern("{config}/*", ("b", "a")).chosen(paths)
    assert [file.path for file in chosen] == ["a/1", "b/1", "b/2"]


def stock(hub: Web) -> None:
    for path in ("data/en/0.parquet", "data/fr/1.parquet", "README.md"):
        hub.files[f"datasets/team/set/resolve/{COMMIT}/{path}"] = path.encode() * 10


def test_the_hub_is_listed_at_its_commit_and_read_by_ranges(
    hub: Web, patience: PagePatience
) -> None:
    stock(hub)
    place = HubPlace("set", "team/set", COMMIT, patience)
    files = place.files(Pattern("data/{config}/*.parquet"))
    assert [(file.config, file.path, file.stamp) for file in files] == [
        ("en", "data/en/0.parquet", Stamp(170, "")),
        ("fr", "data/fr/1.parquet", Stamp(170, "")),
    ]
    found = place.open("data/fr/1.parquet").read(0, 9, Stamp(170, ""), patience.deadline())
    assert found == b"data/fr/1"
    assert hub.requests[-1][0] == f"/datasets/team/set/resolve/{COMMIT}/data/fr/1.parquet"


def test_the_hub_gets_the_token_of_the_environment(
    hub: Web, patience: PagePatience, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(hub)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    place = HubPlace("set", "team/set", COMMIT, patience)
    place.open("README.md").tail(4, patience.deadline())
    headers = {name.lower(): value for name, value in hub.requests[-1][1].items()}
    assert headers["authorization"] == "Bearer hf_secret"


def test_a_commit_that_is_not_there_is_not_asked_for_again(
    hub: Web, patience: PagePatience, watch: Watch
) -> None:
    place = HubPlace("set", "team/set", COMMIT, patience)
    with pytest.raises(UnavailableSourceError, match="not there, or not for you"):
        place.files(Pattern("*.parquet"))
    assert watch.pauses == []


def test_a_hub_that_stumbles_is_listed_at_the_next_attempt(
    hub: Web, patience: PagePatience, watch: Watch
) -> None:
    stock(hub)
    hub.faults.append(Fault(status=500))
    place = HubPlace("set", "team/set", COMMIT, patience)
    assert len(place.files(Pattern("data/{config}/*"))) == 2


def test_the_latest_commit_of_a_repository(hub: Web) -> None:
    with pytest.raises(UnavailableSourceError, match="its commit cannot be read"):
        latest_commit("team/none", "dataset")


def test_a_web_place_lists_what_it_was_told(web: Web, patience: PagePatience) -> None:
    place = WebPlace("set", f"{web.url}/set/", ["a.parquet", "b.txt"], patience)
    assert [file.path for file in place.files(Pattern("*.parquet"))] == ["a.parquet"]
    with pytest.raises(InputError, match="name its files"):
        WebPlace("set", web.url, [], patience)


def test_a_folder_is_listed_with_stamps(tmp_path: Path, patience: PagePatience) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "0.txt").write_text("text")
    place = SystemPlace("set", str(tmp_path), patience)
    (file,) = place.files(Pattern("{config}/*.txt"))
    assert file.config == "en"
    tail, stamp = place.open(file.path).tail(2, patience.deadline())
    assert (tail, stamp) == (b"xt", file.stamp)
    with pytest.raises(UnavailableSourceError, match="gone"):
        place.open("en/gone.txt").tail(1, patience.deadline())


def test_the_location_decides_the_place(patience: PagePatience) -> None:
    assert isinstance(place_of("s", "hf://datasets/a/b", COMMIT, (), patience), HubPlace)
    assert isinstance(place_of("s", "https://host/set", None, ("a",), patience), WebPlace)
    assert isinstance(place_of("s", "folder", None, (), patience), SystemPlace)
    for revision in (None, "main", "ab" * 19):
        with pytest.raises(InputError, match=r"not a commit.*iota data pin a/b"):
            place_of("s", "hf://datasets/a/b", revision, (), patience)
    with pytest.raises(InputError, match="no file system"):
        place_of("s", "nosuch://x/y", None, (), patience)
