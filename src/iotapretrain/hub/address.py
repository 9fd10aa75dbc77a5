"""From the name of a hub to the hub: `folder:PATH`, `hf`, or `hf:ENDPOINT`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from iotapretrain.errors import InputError
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import Hub


def open_hub(address: str, owner: str | None = None) -> Hub:
    """The hub at `address`. `owner` says who we are on a folder hub; elsewhere the login does."""
    kind, _, place = address.partition(":")
    if kind == "folder" and place:
        return FolderHub(Path(place).expanduser(), owner)
    if kind != "hf" or address == "hf:":
        raise InputError(f"hub {address!r}: write folder:PATH, hf or hf:ENDPOINT")
    if owner is not None:
        raise InputError(f"hub {address!r}: its login says who you are; leave out {owner!r}")
    if place and (urlsplit(place).scheme not in ("http", "https") or not urlsplit(place).netloc):
        raise InputError(f"hub {address!r}: an endpoint looks like https://huggingface.co")
    # The client takes half a second to import, which a folder hub need not wait for.
    from iotapretrain.hub.huggingface import HuggingFaceHub

    return HuggingFaceHub(place or None)
