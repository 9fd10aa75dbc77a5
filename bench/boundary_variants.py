"""Boundaries that were tried beside the kinds that stand, and peers of them (`boundaries.py`)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from iotapretrain.models.stages.boundaries import (
    NORM_EPSILON,
    AnchoredBoundary,
    Boundary,
    ResidualBoundary,
)
from iotapretrain.models.stages.staged_config import StagedConfig


class Tables(Boundary):
    """All channels, and the token tables of an anchored boundary."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        self.anchors = nn.Embedding(config.vocab_size, config.hidden_size)

    def decode(self, y: torch.Tensor, tokens: torch.Tensor, past: object = None) -> torch.Tensor:
        return y + self.anchors(tokens)


class UnnormedResidual(ResidualBoundary):
    """The stream is encoded as it is."""

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.encoder(x) + x[..., : self.width]
        return y


class Unnormed(UnnormedResidual, AnchoredBoundary):
    """The same, with the token tables."""


class NormedRows(AnchoredBoundary):
    """What travels is normed too."""

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        y = super().encode(x, tokens)
        return functional.rms_norm(y, y.shape[-1:], eps=NORM_EPSILON)


class Blank(AnchoredBoundary):
    """Nothing travels: what the tables alone are worth."""

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return super().encode(x, tokens) * 0


class Subtracted(AnchoredBoundary):
    """The token's part is taken off before encoding, by a table of the sender's."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        self.anchors = nn.Embedding(config.vocab_size, config.hidden_size)

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return super().encode(x - self.anchors(tokens), tokens)


class LowRank(ResidualBoundary):
    """A table of narrow rows, widened."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        self.narrow_anchors = nn.Embedding(config.vocab_size, config.hidden_size // 8)
        self.widen = nn.Linear(config.hidden_size // 8, config.hidden_size, bias=False)

    def decode(self, y: torch.Tensor, tokens: torch.Tensor, past: object = None) -> torch.Tensor:
        return super().decode(y, tokens) + self.widen(self.narrow_anchors(tokens))


class Pairs(AnchoredBoundary):
    """A second table by the last two tokens, hashed into four times the vocabulary."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        self.places = 4 * config.vocab_size
        self.anchors = nn.Embedding(self.places, config.hidden_size)

    def decode(self, y: torch.Tensor, tokens: torch.Tensor, past: object = None) -> torch.Tensor:
        before = torch.cat([tokens[:, :1], tokens[:, :-1]], 1)
        return super().decode(y, tokens) + self.anchors((before * 7919 + tokens) % self.places)


class Linear(AnchoredBoundary):
    """One matrix either way, no channels beside them."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        wide, narrow = config.hidden_size, config.width
        self.encoder = nn.Linear(wide, narrow, bias=False)
        self.decoder["project"] = nn.Linear(narrow, wide, bias=False)

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return self.encoder(functional.rms_norm(x, x.shape[-1:], eps=NORM_EPSILON))

    def decode(self, y: torch.Tensor, tokens: torch.Tensor, past: object = None) -> torch.Tensor:
        return self.decoder["project"](y) + self.decoder["anchors"](tokens)


class Wide(AnchoredBoundary):
    """The small networks are as wide in the middle as the stream."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        wide, narrow = config.hidden_size, config.width
        ends = ((self.encoder, wide, narrow), (self.decoder["project"], narrow, wide))
        for end, first, last in ends:
            end[0], end[2] = nn.Linear(first, wide, bias=False), nn.Linear(wide, last, bias=False)


VARIANTS: dict[str, type[Boundary]] = {
    "tables": Tables,
    "blank": Blank,
    "unnormed": Unnormed,
    "unnormed-residual": UnnormedResidual,
    "normed-rows": NormedRows,
    "subtracted": Subtracted,
    "low-rank": LowRank,
    "pairs": Pairs,
    "linear": Linear,
    "wide": Wide,
}
