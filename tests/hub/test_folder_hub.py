"""What only the folder hub promises: ids that anyone can recompute, and many writers at once."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from iotapretrain.errors import (
    CorruptModelError,
    HubError,
    HubRightsError,
    InputError,
    MissingModelError,
)
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, RepositoryId
from tests.hub.worlds import ALICES, write_model


def small(text: bytes = b"W") -> ModelFolder:
    return ModelFolder({"model.safetensors": text, "config.json": b"{}"})


def test_a_commit_id_is_pinned_by_content_parent_message_author_and_time(tmp_path: Path) -> None:
    hub = FolderHub(tmp_path, "alice", clock=lambda: 1_700_000_000.0)
    first = hub.publish(small(), ALICES, "first")
    second = hub.publish(small(b"X"), ALICES, "second")
    assert first.id == "b5cbe3ff93e1e43ee109dfd33c36a53cae16ef7a"
    assert second.id == "2eabd6e0362d86c176c610d9ce614f080db092a6"


def test_a_commit_that_was_changed_on_the_disk_is_noticed(tmp_path: Path) -> None:
    hub = FolderHub(tmp_path, "alice")
    commit = hub.publish(small(), ALICES, "first")
    path = tmp_path / "repositories" / "alice" / "model" / "commits" / f"{commit.id}.json"
    path.write_bytes(path.read_bytes().replace(b'"size":1', b'"size":2'))
    with pytest.raises(CorruptModelError, match="was changed"):
        hub.listing(commit)


def test_many_writers_make_one_line_of_commits(tmp_path: Path) -> None:
    published: list[Commit] = []

    def write(number: int) -> None:
        hub = FolderHub(tmp_path, "alice")
        for step in range(5):
            folder = small(f"{number}-{step}".encode())
            published.append(hub.publish(folder, ALICES, "one of many"))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    hub = FolderHub(tmp_path, "alice")
    line, at = [], hub.resolve(ALICES).id
    while at:
        line.append(at)
        at = hub._stored(Commit(ALICES, at)).parent or ""
    assert sorted(line) == sorted(commit.id for commit in published)
    assert len(set(line)) == 20


def test_equal_contents_are_stored_once(tmp_path: Path) -> None:
    hub = FolderHub(tmp_path, "alice")
    hub.publish(small(), ALICES, "first")
    hub.publish(ModelFolder({"a.safetensors": b"W", "b.safetensors": b"W"}), ALICES, "second")
    blobs = tmp_path / "repositories" / "alice" / "model" / "blobs"
    assert len(list(blobs.iterdir())) == 2


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    hub = FolderHub(tmp_path / "typo", "alice")
    with pytest.raises(MissingModelError):
        hub.resolve(ALICES)
    assert not (tmp_path / "typo").exists()


def test_others_on_the_machine_can_read_what_is_public(tmp_path: Path) -> None:
    hub = FolderHub(tmp_path, "alice")
    hub.publish(small(), ALICES, "first")
    hub.set_visibility(ALICES, "public")
    for path in (tmp_path / "repositories").rglob("*"):
        if path.is_file():
            assert os.stat(path).st_mode & 0o444 == 0o444


def test_a_disk_that_cannot_be_written_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HubError, match=r"folder:.*file"):
        FolderHub(tmp_path / "file" / "hub", "alice").publish(small(), ALICES, "first")


def test_nobody_writes_without_a_name(tmp_path: Path) -> None:
    with pytest.raises(HubRightsError, match=r"open folder:.* as alice"):
        FolderHub(tmp_path).publish(small(), ALICES, "first")


def test_scanning_takes_model_files_and_names_the_rest(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    (folder / ".git").mkdir()
    (folder / ".git" / "config.json").write_text("{}")
    (folder / "sub").mkdir()
    (folder / "sub" / "README.md").write_text("not the card")
    (folder / "README.md").write_text("# card")
    scanned = ModelFolder.scan(folder)
    assert sorted(scanned.files) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    assert sorted(scanned.left_out) == ["optimizer.pt", "sub/README.md"]


def test_a_link_is_never_published(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    (folder / "secrets.json").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="only plain files"):
        ModelFolder.scan(folder)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"config.json": b""}, "no \\*.safetensors"),
        ({"model.safetensors": b"", "run.py": b""}, "no file of a model"),
        ({f"{n}.safetensors": b"" for n in range(1001)}, "too many"),
    ],
)
def test_folders_that_are_no_model(files: dict[str, Path | bytes], why: str) -> None:
    with pytest.raises(InputError, match=why):
        ModelFolder(files)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        ModelFolder.scan(tmp_path / "absent")


def test_a_repository_of_another_namespace_is_another(tmp_path: Path) -> None:
    for owner in ("alice", "bob"):
        FolderHub(tmp_path, owner).publish(small(), RepositoryId(owner, "model"), "first")
    FolderHub(tmp_path, "alice").delete(ALICES)
    assert FolderHub(tmp_path, "bob").resolve(RepositoryId("bob", "model"))
