"""What a worker does with a stranger's open files: plain data in, plain data out."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import torch

from iotapretrain.models import continuation
from iotapretrain.models.causality import check_causality
from iotapretrain.models.copies import Fingerprint, examine_values
from iotapretrain.models.exact import check_exact, check_possible, exact_losses
from iotapretrain.models.header_checks import Limits, read_claims
from iotapretrain.models.layout import Model, check_layout, load
from iotapretrain.models.losses import token_losses
from iotapretrain.models.open_files import OpenFolder
from iotapretrain.models.sanity import check_sanity
from iotapretrain.models.trainable.probe import probe as probe_model
from iotapretrain.models.verdict import Finding, Rejection

begin, go_on = continuation.begin, continuation.go_on
"""A text's next tokens, one a call."""

REFERENCE_SIZE, REFERENCE_PRODUCTS = 512, 16
"""4.3 thousand million multiplications and additions."""

Rows = list[list[int]]
"""Token ids, a sequence a row."""


def examine(
    files: dict[str, int], limits: dict[str, Any], all_bytes: int, salt: int
) -> dict[str, Any]:
    """Digest, findings about layout and values, and the fingerprint if there are none."""
    folder = OpenFolder.of(files, all_bytes)
    claims = read_claims(folder, msgspec.convert(limits, Limits))
    fingerprint: Fingerprint = {}
    if not (findings := list(check_layout(claims.config, claims.tensors))):
        fingerprint, findings = examine_values(claims.tensors, salt)
    return {
        "digest": folder.digest(),
        "findings": findings,
        "fingerprint": {} if findings else fingerprint,
    }


def score_pages(
    files: dict[str, int],
    limits: dict[str, Any],
    all_bytes: int,
    pages: list[Rows],
    counted: list[list[list[bool]] | None],
    prompts: Rows | None = None,
    probe: Rows | None = None,
    exact: Rows | None = None,
    causality: Rows | None = None,
    seed: int = 0,
    behaviour: Rows | None = None,
) -> dict[str, Any]:
    """Mean over its sequences of each page's mean losses, null for one that is no number; and what
    checks of the output, of continued training, of rounding and of foresight find, and what each
    token of `behaviour` costs in float64, where they are asked for.

    A page is scored by itself, so that its loss does not depend on the pages beside it.
    """
    given = msgspec.convert(limits, Limits)
    claims = read_claims(OpenFolder.of(files, all_bytes), given)
    model = load(claims.config, claims.tensors, getattr(torch, given.constraints.dtype))
    return {
        "causality": _findings(partial(check_causality, seed=seed), model, causality),
        "exact": _findings(check_exact, model, exact),
        "sanity": _findings(check_sanity, model, prompts),
        "probe": []
        if probe is None
        else probe_model(model, torch.tensor(probe), seed=seed).findings,
        "losses": [_page_loss(model, *page) for page in zip(pages, counted, strict=True)],
        "behaviour": [] if behaviour is None else _behaviour(model, torch.tensor(behaviour)),
    }


def _findings(
    check: Callable[[Model, torch.Tensor], Finding | None], model: Model, rows: Rows | None
) -> list[Finding]:
    """What a check finds on these rows, if it is asked for."""
    finding = None if rows is None else check(model, torch.tensor(rows))
    return [] if finding is None else [finding]


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


def _page_loss(model: Model, ids: Rows, counted: list[list[bool]] | None) -> float:
    losses = token_losses(model, torch.tensor(ids))
    if (finding := check_possible(losses)) is not None:
        raise Rejection.of(finding)
    losses = losses.double()
    if counted is None:
        return float(losses.mean(1).mean())
    labels = torch.tensor(counted)[:, 1:]
    return float((losses.masked_fill(~labels, 0).sum(1) / labels.sum(1)).mean())
