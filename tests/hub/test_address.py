"""Names of hubs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from iotapretrain.errors import InputError
from iotapretrain.hub.address import open_hub
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.huggingface import HuggingFaceHub


def test_a_folder(tmp_path: Path) -> None:
    hub = open_hub(f"folder:{tmp_path}", "alice")
    assert isinstance(hub, FolderHub)
    assert hub.name == f"folder:{tmp_path}"


def test_hugging_face_and_servers_like_it() -> None:
    assert isinstance(open_hub("hf"), HuggingFaceHub)
    assert open_hub("hf:https://hub.example.org/").name == "https://hub.example.org"


@pytest.mark.parametrize(
    "address", ["", "folder:", "hf:", "s3:bucket", "/srv/hub", "hf:hub.example.org", "hf:ftp://x/"]
)
def test_what_names_no_hub(address: str) -> None:
    with pytest.raises(InputError, match="hub"):
        open_hub(address)


def test_who_you_are_on_hugging_face_is_not_said_twice() -> None:
    with pytest.raises(InputError, match="leave out 'alice'"):
        open_hub("hf", "alice")


def test_a_folder_hub_needs_no_client() -> None:
    code = (
        "import sys\nfrom iotapretrain.hub.address import open_hub\n"
        "import iotapretrain.hub.fetch, iotapretrain.hub.fetched_model, iotapretrain.hub.card\n"
        "open_hub('folder:/nowhere', 'alice')\n"
        "heavy = {'huggingface_hub', 'bittensor', 'wandb', 'sqlalchemy', 'torch'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout == "[]\n"
