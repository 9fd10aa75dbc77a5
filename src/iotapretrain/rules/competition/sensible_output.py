"""Does a model answer different prompts differently, and without stuttering? (competition, 7.1)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from iotapretrain.errors import InputError

PROMPT_TOKENS = 100
CONTINUATION_TOKENS = 20


def reasonable(first: Sequence[int], second: Sequence[int]) -> bool:
    """Judge two greedy continuations of exactly 20 tokens.

    Unreasonable if half of the positions agree between the two, or if in both one token takes more
    than half of the places.
    """
    if not len(first) == len(second) == CONTINUATION_TOKENS:
        raise InputError(
            f"continuations of {len(first)} and {len(second)} tokens;"
            f" both need exactly {CONTINUATION_TOKENS}"
        )
    half = CONTINUATION_TOKENS / 2
    agreeing = sum(left == right for left, right in zip(first, second, strict=True))
    return agreeing < half and min(_most_frequent(first), _most_frequent(second)) <= half


def _most_frequent(tokens: Sequence[int]) -> int:
    return max(Counter(tokens).values())
