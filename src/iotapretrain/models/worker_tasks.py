"""What a worker does with a stranger's open files: plain data in, plain data out."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import torch

from iotapretrain.models.causality import check_causality
from iotapretrain.models.exact import check_exact, check_possible, exact_losses
from iotapretrain.models.header_checks import Limits, read_claims
from iotapretrain.models.layout import Model, check_layout
from iotapretrain.models.loading import load
from iotapretrain.models.losses import token_losses
from iotapretrain.models.open_files import OpenFolder
from iotapretrain.models.sanity import check_sanity
from iotapretrain.models.trainable.probe import probe as probe_model
from iotapretrain.models.values import Fingerprint, examine_values
from iotapretrain.models.verdict import Rejection

REFERENCE_SIZE, REFERENCE_PRODUCTS = 512, 16
"""4.3 thousand million multiplications and additions."""


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
    means = _possible_losses(model, rows).mean(1, dtype=torch.float64)
    return {"losses": means.tolist(), "finding": finding}


def score_pages(
    files: dict[str, int],
    limits: dict[str, Any],
    all_bytes: int,
    pages: list[list[list[int]]],
    counted: list[list[list[bool]] | None],
    prompts: list[list[int]] | None,
    probe: list[list[int]] | None,
    exact: list[list[int]] | None,
    causality: list[list[int]] | None,
    seed: int,
    behaviour: list[list[int]] | None = None,
) -> dict[str, Any]:
    """Mean over its sequences of each page's mean losses; and what checks of the output, of
    continued training, of rounding and of foresight find, and what each token of `behaviour` costs
    in float64, where they are asked for.

    A page is scored by itself, so that its loss does not depend on the pages beside it.
    """
    given = msgspec.convert(limits, Limits)
    claims = read_claims(_folder(files, all_bytes), given)
    model = load(claims.config, claims.tensors, getattr(torch, given.constraints.dtype))
    foresight = None if causality is None else check_causality(model, _rows(causality), seed)
    rounding = None if exact is None else check_exact(model, _rows(exact))
    sanity = None if prompts is None else check_sanity(model, _rows(prompts))
    seen = None if probe is None else probe_model(model, _rows(probe), seed=seed)
    losses = [_page_loss(model, *page) for page in zip(pages, counted, strict=True)]
    return {
        "losses": losses,
        "sanity": [] if sanity is None else [sanity],
        "probe": [] if seen is None else seen.findings,
        "exact": [] if rounding is None else [rounding],
        "causality": [] if foresight is None else [foresight],
        "behaviour": [] if behaviour is None else _behaviour(model, _rows(behaviour)),
    }


def _behaviour(model: Model, rows: torch.Tensor) -> list[float]:
    """Whatever order its parts stand in and however they are scaled, rounding is out of it."""
    return torch.cat([exact_losses(model, row) for row in rows]).tolist()


def reference(_files: dict[str, int]) -> float:
    """Seconds that a known amount of work takes here and now."""
    left = torch.ones(REFERENCE_SIZE, REFERENCE_SIZE)
    started = time.perf_counter()
    for _ in range(REFERENCE_PRODUCTS):
        left = (left @ left) / REFERENCE_SIZE
    return time.perf_counter() - started


def _page_loss(model: Model, ids: list[list[int]], counted: list[list[bool]] | None) -> float:
    losses = _possible_losses(model, _rows(ids)).double()
    if counted is None:
        return float(losses.mean(1).mean())
    labels = torch.tensor(counted)[:, 1:]
    return float((losses.masked_fill(~labels, 0).sum(1) / labels.sum(1)).mean())


def _possible_losses(model: Model, rows: torch.Tensor) -> torch.Tensor:
    """Losses of tokens, or Rejection of a model that has one that cannot be."""
    losses = token_losses(model, rows)
    if (finding := check_possible(losses)) is not None:
        raise Rejection(finding.code, finding.sentence, finding.item)
    return losses


def _rows(ids: list[list[int]]) -> torch.Tensor:
    return torch.tensor(ids)


def _folder(files: dict[str, int], all_bytes: int) -> OpenFolder:
    return OpenFolder.of(files, all_bytes)
