"""The hash of a fetched model, and whether its owner committed to these bytes (competition, 2)."""

from __future__ import annotations

import base64
from typing import Literal

from iotapretrain.hub.fetched_model import Model, ModelFile
from iotapretrain.hub.model_files import CARD
from iotapretrain.rules.competition.commitment import Commitment
from iotapretrain.rules.digest import ManifestEntry, folder_hash, manifest_digest

HashForm = Literal["manifest", "original"]
"""Ours, which covers names and sizes; or the public network's, which covers contents alone."""


def model_hash(model: Model, form: HashForm = "manifest") -> str:
    """44 characters for the bytes of a model.

    The manifest covers what a score depends on, weights and `config.json`, so that another card or
    tokenizer makes no other model. The original covered what its libraries happened to fetch, here
    everything but the card.
    """
    if form == "manifest":
        used = filter(_is_used, model.files)
        return manifest_digest(
            ManifestEntry(file.path, file.size, bytes.fromhex(file.sha256)) for file in used
        )
    return folder_hash(
        {file.path: _base64(file.sha256) for file in model.files if file.path != CARD}
    )


def is_bound(
    model: Model, commitment: Commitment, hotkey: str, form: HashForm = "manifest"
) -> bool:
    """Whether this hotkey committed to this repository, this commit and these bytes."""
    named = (commitment.namespace, commitment.name, commitment.commit)
    repository = model.commit.repository
    if named != (repository.namespace, repository.name, model.commit.id):
        return False
    return commitment.binds(model_hash(model, form), hotkey)


def _is_used(file: ModelFile) -> bool:
    return file.path == "config.json" or file.path.endswith(
        (".safetensors", ".safetensors.index.json")
    )


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode("ascii")
