"""What a worker does with a stranger's open files: plain data in, plain data out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import torch

from iotapretrain.models.claims import Limits, read_claims
from iotapretrain.models.files import OpenFile, OpenFolder
from iotapretrain.models.layout import check_layout
from iotapretrain.models.loading import load
from iotapretrain.models.losses import token_losses
from iotapretrain.models.sanity import check_sanity
from iotapretrain.models.values import Fingerprint, examine_values


def examine(
    files: dict[str, int], limits: dict[str, Any], all_bytes: int, salt: int
) -> dict[str, Any]:
    """Digest, findings about layout and values, and the fingerprint if there are none."""
    folder = _folder(files, all_bytes)
    claims = read_claims(folder, msgspec.convert(limits, Limits))
    fingerprint: Fingerprint = {}
    if not (findings := list(check_layout(claims.config, claims.tensors))):
        fingerprint, findings = examine_values(claims.tensors, salt)
    return {
        "digest": folder.digest(),
        "findings": findings,
        "fingerprint": {} if findings else fingerprint,
    }


def score(
    files: dict[str, int], limits: dict[str, Any], all_bytes: int, ids: list[list[int]], sane: bool
) -> dict[str, Any]:
    """Mean loss of each sequence in the competition's dtype, and what is wrong with the output.

    Losses that are no numbers come back as null.
    """
    given = msgspec.convert(limits, Limits)
    claims = read_claims(_folder(files, all_bytes), given)
    dtype = getattr(torch, given.constraints.dtype)
    model = load(claims.config, claims.tensors, dtype)
    rows = torch.tensor(ids)
    finding = check_sanity(model, rows) if sane else None
    means = token_losses(model, rows).mean(1, dtype=torch.float64)
    return {"losses": means.tolist(), "finding": finding}


def _folder(files: dict[str, int], all_bytes: int) -> OpenFolder:
    opened = tuple(OpenFile.of(path, descriptor) for path, descriptor in files.items())
    return OpenFolder(Path("model"), opened, all_bytes)
