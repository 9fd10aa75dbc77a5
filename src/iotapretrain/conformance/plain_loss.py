"""Cross-entropy of the next token, from logits that are given (competition, 7.2): the reference in
float64 that every faster way of scoring is held to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from iotapretrain.errors import InputError

Tokens = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]


def counted_labels(tokens: Tokens, end_token: int) -> Mask:
    """Which labels of unpacked sequences count: not those behind an end token, which are padding.

    `tokens` is [batch, position]; the result is [batch, position - 1]. A document's own end counts.
    """
    labels = tokens[:, 1:]
    counted = np.ones(labels.shape, dtype=np.bool_)
    counted[:, 1:] = labels[:, :-1] != end_token
    return counted


def batch_loss(tokens: Tokens, logits: npt.ArrayLike, counted: Mask | None = None) -> float:
    """Mean of -ln p(next token) over the labels that count, or over all of them.

    `tokens` is [batch, position], `logits` [batch, position, vocabulary].
    """
    scores = np.asarray(logits, dtype=np.float64)[:, :-1]
    labels = tokens[:, 1:]
    if scores.shape[:2] != labels.shape or labels.size == 0:
        raise InputError(
            f"logits {np.shape(logits)} do not fit tokens {tokens.shape}: expected"
            " [batch, position, vocabulary] for [batch, position] with two positions or more"
        )
    if labels.min() < 0 or labels.max() >= scores.shape[2]:
        raise InputError(f"tokens: an id is outside the vocabulary of {scores.shape[2]}")
    chosen = np.take_along_axis(scores, labels[..., np.newaxis], axis=2)[..., 0]
    if counted is not None and not counted.any():
        raise InputError("labels: none of them counts; a batch needs one that does")
    losses = _log_sum_exp(scores) - chosen
    return float(np.mean(losses if counted is None else losses[counted]))


def task_score(batch_losses: Iterable[float]) -> float:
    """Mean over batches of the batch means, whatever the batches' sizes."""
    losses = list(batch_losses)
    if not losses:
        raise InputError("losses: no batches; a task without text has no score")
    return math.fsum(losses) / len(losses)


def _log_sum_exp(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    largest = scores.max(axis=2)
    with np.errstate(invalid="ignore"):  # infinite logits give NaN, a failure for who scores
        return np.asarray(largest + np.log(np.exp(scores - largest[..., np.newaxis]).sum(axis=2)))
