"""Learning rate and batch from the size of the undertaking: one dial instead of three.

Training a model of N parameters on D tokens takes C = 6ND operations. The best learning rate and
batch follow power laws of C, which DeepSeek fitted over runs of 1e17 to 2e19 operations and checked
at 1e20 (arXiv 2401.02954, section 3.1). Below, both are bounded: the laws were not fitted there.
"""

from __future__ import annotations

from types import MappingProxyType

TOKENS_A_PARAMETER = 20
"""Where compute is best spent (Hoffmann et al. 2022), and so the default length of a run."""
HIGHEST_RATE = MappingProxyType({"adamw": 2e-3, "muon": 1e-2})
"""Beyond, a model of 650,000 parameters learned less with AdamW and hardly more with Muon."""
FEWEST_SEQUENCES = 16
MOST_BATCH_SHARE = 1 / 400
"""Of all tokens, so that even a short run takes some hundred steps."""


def operations(parameters: int, tokens: int) -> float:
    """C = 6ND: two a parameter and token forward, four backward."""
    return 6.0 * parameters * tokens


def learning_rate(compute: float, optimiser: str) -> float:
    """0.3118 C^-0.125, at most the `HIGHEST_RATE` of the optimiser."""
    return float(min(0.3118 * compute**-0.125, HIGHEST_RATE[optimiser]))


def batch_sequences(compute: float, tokens: int, length: int) -> int:
    """0.292 C^0.3271 tokens as whole sequences, a multiple of 8 from 16 on."""
    wanted: float = min(0.292 * compute**0.3271, tokens * MOST_BATCH_SHARE) / length
    return max(FEWEST_SEQUENCES, round(wanted / 8) * 8)
