"""Our models behind the interface of `lm-eval`. Only positions that are scored go through the head;
requests that differ in their last token alone, such as letters of a multiple choice, share a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM

from iotapretrain.benchmark.opened_model import Opened, continued
from iotapretrain.benchmark.results import Progress
from iotapretrain.benchmark.subject import Prompt
from iotapretrain.errors import InputError
from iotapretrain.models.losses import OutputHead

BATCH_TOKENS = {"cpu": 1_024, "cuda": 32_768}
"""Tokens in a batch, padding included: as much as the processor's cache holds, or keeps it busy."""
LONGEST_ANSWER = 256
"""Tokens that are generated where a task sets no limit."""

Request = tuple[tuple[str, str], list[int], list[int]]
"""Context and continuation as texts and as tokens."""
Answer = tuple[float, bool]
"""Log-likelihood of the continuation, and whether greedy decoding gives it."""
Row = tuple[int, ...]
"""Tokens that go through the model."""
Piece = tuple[int, list[int]]
"""The number of a request, and labels of the last positions of a row."""


class HarnessModel(TemplateLM):  # type: ignore[misc]  # it has no types
    """An opened model, as `lm-eval` talks to models."""

    def __init__(self, opened: Opened, progress: Progress) -> None:
        super().__init__()
        self._opened, self._progress = opened, progress

    @property
    def eot_token_id(self) -> int:
        return self._opened.end_id

    @property
    def prefix_token_id(self) -> int:
        """What stands before a text without context: the start token, or else the end token."""
        return (self._opened.start or [self.eot_token_id])[0]

    def tok_encode(
        self, string: str, add_special_tokens: bool | None = None, **_: object
    ) -> list[int]:
        """Token ids, by default framed as the tokenizer frames a text."""
        return self._opened.encode(string, framed=add_special_tokens is not False)

    def loglikelihood(self, requests: list[Instance], **_: object) -> list[Answer]:
        """The harness's own tokenisation, without its progress bar."""
        answers: list[Answer] = super().loglikelihood(requests, disable_tqdm=True)
        return answers

    def loglikelihood_rolling(self, _requests: list[Instance], **_: object) -> list[float]:
        """Not for us: perplexity has its own task."""
        raise InputError("perplexity over a text is measured by naming the text, not a task")

    def generate_until(self, requests: list[Instance], **_: object) -> list[str]:
        """Greedy continuations up to the first stop, which is left out."""
        return continued(self._opened, [_prompt(request) for request in requests], self._progress)

    def _loglikelihood_tokens(self, requests: list[Request], **_: object) -> list[Answer]:
        """One answer a request, in their order."""
        sharing: dict[Row, list[Piece]] = defaultdict(list)
        for number, (_texts, context, continuation) in enumerate(requests):
            for row, labels in _windows(context, continuation, self._opened.positions):
                sharing[row].append((number, labels))
        answers: list[Answer] = [(0.0, True)] * len(requests)
        done = 0
        for rows in _batches(list(sharing), BATCH_TOKENS[self._opened.device.type]):
            for number, (total, greedy) in _scored(self._opened, rows, [sharing[r] for r in rows]):
                answers[number] = (answers[number][0] + total, answers[number][1] and greedy)
            done += len(rows)
            self._progress(done, len(sharing))
        return answers


def _windows(
    context: list[int], continuation: list[int], positions: int
) -> Iterator[tuple[Row, list[int]]]:
    """What the model reads, and the labels of its last positions: a too long text loses its
    beginning. A continuation longer than the model takes several, each token before its own.
    """
    for first in range(0, len(continuation), positions):
        labels = continuation[first : first + positions]
        tokens = context + continuation[:first] + labels
        yield tuple(tokens[-positions - 1 : -1]), labels


def _batches(rows: list[Row], tokens: int) -> Iterator[list[Row]]:
    """Rows of similar length together, the longest first; no batch is padded beyond `tokens`."""
    batch: list[Row] = []
    for row in sorted(rows, key=lambda row: (-len(row), row)):
        if batch and len(batch[0]) * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


@torch.inference_mode()
def _scored(
    opened: Opened, rows: Sequence[Row], wanted: Sequence[list[Piece]]
) -> list[tuple[int, Answer]]:
    """The answers for the labels that are wanted of each row, by number of the request.

    Padding stands behind the text, where no position of a causal model looks.
    """
    longest = max(map(len, rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
    hidden = opened.model.base_model(ids.to(opened.device), use_cache=False)[0]
    head = OutputHead.of(opened.model)
    answers: list[tuple[int, Answer]] = []
    for place, row in enumerate(rows):
        count = max(len(labels) for _, labels in wanted[place])
        logs = head.logits(hidden[place, len(row) - count : len(row)]).log_softmax(1)
        for number, given in wanted[place]:
            labels = torch.tensor(given, device=logs.device)
            own = logs[count - len(given) :]
            total = own.gather(1, labels[:, None]).sum()
            answers.append((number, (float(total), bool((own.argmax(1) == labels).all()))))
    return answers


def _prompt(request: Instance) -> Prompt:
    text, settings = request.args
    stops: Any = settings.get("until", [])
    return Prompt(
        text,
        tuple([stops] if isinstance(stops, str) else stops),
        int(settings.get("max_gen_toks", LONGEST_ANSWER)),
    )
