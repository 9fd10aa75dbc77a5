"""One suite for every hub: what the protocol promises, whoever implements it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from iotapretrain.errors import (
    HubRightsError,
    InputError,
    MissingModelError,
    RefusedModelError,
    UnavailableHubError,
)
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, FileEntry, Hub, RepositoryId
from tests.hub.worlds import ALICES, World, write_model

PUBLISHED = {"config.json", "model.safetensors", "tokenizer.json"}


def read(hub: Hub, commit: Commit, entry: FileEntry, start: int = 0) -> bytes:
    with hub.read(commit, entry, start) as arriving:
        return b"".join(arriving)


def entries(hub: Hub, commit: Commit) -> dict[str, FileEntry]:
    listed = hub.listing(commit).files
    return {entry.path: entry for entry in listed if entry.path != ".gitattributes"}


def test_what_was_published_can_be_listed_and_read(world: World, model_folder: ModelFolder) -> None:
    hub = world.hub_as("alice")
    commit = hub.publish(model_folder, ALICES, "first")
    assert hub.resolve(ALICES) == commit
    assert hub.resolve(ALICES, commit.id) == commit
    listed = entries(hub, commit)
    assert set(listed) == PUBLISHED
    weights = Path(str(model_folder.files["model.safetensors"])).read_bytes()
    assert listed["model.safetensors"].size == len(weights)
    assert listed["model.safetensors"].sha256 == hashlib.sha256(weights).hexdigest()
    for path, entry in listed.items():
        assert read(hub, commit, entry) == Path(str(model_folder.files[path])).read_bytes()


def test_a_file_can_be_read_from_any_byte(world: World, model_folder: ModelFolder) -> None:
    hub = world.hub_as("alice")
    commit = hub.publish(model_folder, ALICES, "first")
    listed = entries(hub, commit)
    for path, start in (("model.safetensors", 123_456), ("config.json", 7)):
        whole = Path(str(model_folder.files[path])).read_bytes()
        assert read(hub, commit, listed[path], start) == whole[start:]


def test_a_new_repository_is_private_until_it_is_opened(
    world: World, model_folder: ModelFolder
) -> None:
    alice, bob, nobody = (world.hub_as(name) for name in ("alice", "bob", None))
    commit = alice.publish(model_folder, ALICES, "first")
    assert alice.visibility(ALICES) == "private"
    config = entries(alice, commit)["config.json"]
    for stranger in (bob, nobody):
        for look in (
            lambda hub: hub.resolve(ALICES),
            lambda hub: hub.listing(commit),
            lambda hub: read(hub, commit, config),
            lambda hub: hub.visibility(ALICES),
        ):
            with pytest.raises(MissingModelError, match="alice/model"):
                look(stranger)
    alice.set_visibility(ALICES, "public")
    assert bob.resolve(ALICES) == nobody.resolve(ALICES) == commit
    assert read(nobody, commit, config) == read(alice, commit, config)
    alice.set_visibility(ALICES, "private")
    with pytest.raises(MissingModelError):
        bob.resolve(ALICES)


def test_only_the_owner_writes(world: World, model_folder: ModelFolder) -> None:
    alice, bob = world.hub_as("alice"), world.hub_as("bob")
    commit = alice.publish(model_folder, ALICES, "first")
    alice.set_visibility(ALICES, "public")
    with pytest.raises(HubRightsError, match="alice/model"):
        bob.publish(model_folder, ALICES, "mine now")
    with pytest.raises(HubRightsError, match="alice/model"):
        bob.set_visibility(ALICES, "private")
    with pytest.raises(HubRightsError, match="alice/model"):
        bob.delete(ALICES)
    assert bob.resolve(ALICES) == commit


def test_a_commit_holds_the_folder_and_nothing_older(
    world: World, model_folder: ModelFolder, tmp_path: Path
) -> None:
    hub = world.hub_as("alice")
    first = hub.publish(model_folder, ALICES, "first")
    second_folder = write_model(tmp_path / "second", seed=2)
    (second_folder / "tokenizer.json").unlink()
    second = hub.publish(ModelFolder.scan(second_folder), ALICES, "second")
    assert second != first
    assert hub.resolve(ALICES) == second
    assert set(entries(hub, second)) == {"config.json", "model.safetensors"}
    old = entries(hub, first)
    assert set(old) == PUBLISHED
    whole = Path(str(model_folder.files["model.safetensors"])).read_bytes()
    assert read(hub, first, old["model.safetensors"]) == whole


def test_an_unchanged_folder_is_no_new_commit(world: World, model_folder: ModelFolder) -> None:
    hub = world.hub_as("alice")
    assert hub.publish(model_folder, ALICES, "one") == hub.publish(model_folder, ALICES, "two")


def test_a_publication_whose_answer_is_lost_is_not_done_twice(
    world: World, model_folder: ModelFolder
) -> None:
    hub = world.hub_as("alice")
    world.faults.publishing().answers(503).once()
    commit = hub.publish(model_folder, ALICES, "first")
    assert world.faults.asked["publishing"] in (1, 2)
    assert hub.resolve(ALICES) == commit
    assert set(entries(hub, commit)) == PUBLISHED


def test_what_is_not_there_is_missing(world: World, model_folder: ModelFolder) -> None:
    hub = world.hub_as("alice")
    with pytest.raises(MissingModelError, match="alice/model"):
        hub.resolve(ALICES)
    commit = hub.publish(model_folder, ALICES, "first")
    unknown = Commit(ALICES, "0" * 40)
    for look in (
        lambda: hub.resolve(ALICES, "no-such-branch"),
        lambda: hub.resolve(ALICES, unknown.id),
        lambda: hub.listing(unknown),
        lambda: read(hub, commit, FileEntry("absent.json", 3, sha256="0" * 64)),
    ):
        with pytest.raises(MissingModelError, match="alice/model"):
            look()


def test_a_deleted_repository_is_gone_and_its_name_free(
    world: World, model_folder: ModelFolder
) -> None:
    hub = world.hub_as("alice")
    commit = hub.publish(model_folder, ALICES, "first")
    hub.delete(ALICES)
    with pytest.raises(MissingModelError):
        hub.listing(commit)
    with pytest.raises(MissingModelError):
        hub.delete(ALICES)
    hub.publish(model_folder, ALICES, "again")
    assert hub.visibility(ALICES) == "private"


def test_bytes_that_we_made_are_published_like_files(
    world: World, model_folder: ModelFolder
) -> None:
    hub = world.hub_as("alice")
    commit = hub.publish(model_folder.with_card("# a card\n"), ALICES, "first")
    assert read(hub, commit, entries(hub, commit)["README.md"]) == b"# a card\n"


RECORDS = RepositoryId("alice", "rounds")


def test_added_files_join_those_that_are_there(world: World) -> None:
    hub = world.hub_as("alice")
    first = hub.add({"rounds/000001.json": b"1"}, RECORDS, "round 1")
    second = hub.add({"rounds/000002.json": b"22"}, RECORDS, "round 2")
    assert hub.resolve(RECORDS) == second != first
    listed = entries(hub, second)
    assert {path: entry.size for path, entry in listed.items()} == {
        "rounds/000001.json": 1,
        "rounds/000002.json": 2,
    }
    assert read(hub, second, listed["rounds/000001.json"]) == b"1"
    assert read(hub, second, listed["rounds/000002.json"]) == b"22"
    assert set(entries(hub, first)) == {"rounds/000001.json"}


def test_a_repository_made_by_adding_is_private(world: World) -> None:
    world.hub_as("alice").add({"rounds/000001.json": b"1"}, RECORDS, "round 1")
    assert world.hub_as("alice").visibility(RECORDS) == "private"
    with pytest.raises(MissingModelError):
        world.hub_as("bob").resolve(RECORDS)


def test_files_that_are_there_already_are_no_new_commit(world: World) -> None:
    hub = world.hub_as("alice")
    hub.add({"rounds/000001.json": b"1"}, RECORDS, "round 1")
    second = hub.add({"rounds/000002.json": b"2"}, RECORDS, "round 2")
    assert hub.add({"rounds/000001.json": b"1"}, RECORDS, "again") == second
    third = hub.add({"rounds/000001.json": b"other"}, RECORDS, "corrected")
    assert third != second
    assert read(hub, third, entries(hub, third)["rounds/000001.json"]) == b"other"


def test_files_are_added_to_a_model_without_losing_it(
    world: World, model_folder: ModelFolder
) -> None:
    hub = world.hub_as("alice")
    hub.publish(model_folder, ALICES, "first")
    assert set(entries(hub, hub.add({"notes.json": b"{}"}, ALICES, "notes"))) == {
        *PUBLISHED,
        "notes.json",
    }


def test_an_addition_whose_answer_is_lost_is_not_done_twice(world: World) -> None:
    hub = world.hub_as("alice")
    world.faults.publishing().answers(503).once()
    commit = hub.add({"rounds/000001.json": b"1"}, RECORDS, "round 1")
    assert hub.resolve(RECORDS) == commit
    assert set(entries(hub, commit)) == {"rounds/000001.json"}


def test_only_the_owner_adds(world: World) -> None:
    commit = world.hub_as("alice").add({"rounds/000001.json": b"1"}, RECORDS, "round 1")
    world.hub_as("alice").set_visibility(RECORDS, "public")
    with pytest.raises(HubRightsError, match="alice/rounds"):
        world.hub_as("bob").add({"rounds/000002.json": b"2"}, RECORDS, "mine")
    assert world.hub_as("bob").resolve(RECORDS) == commit


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../up.json", "a\b.json", "model.safetensors", None]
)
def test_what_may_not_be_added(world: World, path: str | None) -> None:
    files = {} if path is None else {path: b"1"}
    with pytest.raises((InputError, RefusedModelError)):
        world.hub_as("alice").add(files, RECORDS, "no")
    with pytest.raises(MissingModelError):
        world.hub_as("alice").resolve(RECORDS)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_hub_that_recovers_is_asked_again(
    world: World, model_folder: ModelFolder, status: int
) -> None:
    hub = world.hub_as("alice")
    commit = hub.publish(model_folder, ALICES, "first")
    world.faults.resolving().answers(status, retry_after=0).twice()
    assert hub.resolve(ALICES) == commit
    world.faults.listing().answers(status).twice()
    assert set(entries(hub, commit)) == PUBLISHED


def test_patience_with_a_hub_ends(world: World, model_folder: ModelFolder) -> None:
    hub = world.hub_as("alice")
    commit = hub.publish(model_folder, ALICES, "first")
    world.faults.listing().answers(503).always()
    with pytest.raises(UnavailableHubError, match=r"503.*gave up after 6 tries"):
        hub.listing(commit)
    assert world.faults.asked["listing"] >= 6


def test_a_hub_that_asks_for_more_time_than_there_is_is_not_waited_for(
    world: World, model_folder: ModelFolder
) -> None:
    hub = world.hub_as("alice")
    commit = hub.publish(model_folder, ALICES, "first")
    world.faults.listing().answers(429, retry_after=86_400).always()
    with pytest.raises(UnavailableHubError, match="429") as caught:
        hub.listing(commit)
    assert caught.value.retry_after == 86_400


@pytest.mark.parametrize(
    "name", ["a/..", "a/b/c", "a", "a/b--c", "/b", "a/b.git", "ä/b", "a/" + "b" * 99]
)
def test_names_that_no_hub_takes(name: str) -> None:
    with pytest.raises(InputError, match="repository"):
        RepositoryId.parse(name)


@pytest.mark.parametrize("commit", ["main", "0" * 39, "0" * 41, "A" * 40, "g" * 40])
def test_a_branch_pins_nothing(commit: str) -> None:
    with pytest.raises(InputError, match="pins nothing"):
        Commit(ALICES, commit)
