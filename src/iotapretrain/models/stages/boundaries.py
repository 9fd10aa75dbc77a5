"""What stands between two stages: an encoder at the sender, a decoder at the receiver.

`encode(x, tokens) -> y` makes the rows that travel of the residual stream, `decode(y, tokens) -> x`
a residual stream of them. Every narrow kind carries the first channels beside what it encodes (`y =
… + P x`, `x = … + P' y`), the same ones at every boundary: a path of the full rank of `y` runs from
the last stage to the first. docs/boundaries.md says what each kind is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import nn
from torch.nn import functional
from transformers.cache_utils import Cache
from transformers.models.llama.modeling_llama import LlamaMLP, LlamaRMSNorm

from iotapretrain.models.stages.staged_config import StagedConfig, attention, rotary

LEAST_MIDDLE = 64
NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Past:
    """Positions before these, when a text is continued token by token."""

    cache: Cache
    start: int


def positions(x: torch.Tensor, past: Past | None) -> torch.Tensor:
    """Where the rows of x stand in their text."""
    start = 0 if past is None else past.start
    return torch.arange(start, start + x.shape[1], device=x.device)[None]


class Boundary(nn.Module):
    """Two halves, of which each stage holds one; as it stands, all channels travel."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__()
        self.width = config.width
        self.encoder: nn.Module = nn.Identity()
        self.decoder: nn.Module = nn.Identity()

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """The rows that travel."""
        return x

    def decode(
        self, y: torch.Tensor, tokens: torch.Tensor, past: Past | None = None
    ) -> torch.Tensor:
        """The residual stream with which the next stage goes on."""
        return y


class ResidualBoundary(Boundary):
    """Two small networks beside the first channels (ResBM, arXiv 2604.11947).

    The stream is normed before it is encoded: it grows in training, and what travels would drown
    what the receiver knows by itself.
    """

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        wide, narrow = config.hidden_size, config.width
        middle = max(4 * narrow, LEAST_MIDDLE)
        self.encoder = _projection(wide, middle, narrow)
        self.decoder = _projection(narrow, middle, wide)

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        x = functional.rms_norm(x, x.shape[-1:], eps=NORM_EPSILON)
        y: torch.Tensor = self.encoder(x) + x[..., : self.width]
        return y

    def decode(
        self, y: torch.Tensor, tokens: torch.Tensor, past: Past | None = None
    ) -> torch.Tensor:
        return _widened(y, self.decoder(y))


class AnchoredBoundary(ResidualBoundary):
    """What the token alone says stands in a table of the receiver's, beside the channels."""

    decoder: nn.ModuleDict

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        table = nn.Embedding(config.vocab_size, config.hidden_size)
        self.decoder = nn.ModuleDict({"project": self.decoder, "anchors": table})

    def decode(
        self, y: torch.Tensor, tokens: torch.Tensor, past: Past | None = None
    ) -> torch.Tensor:
        parts = self.decoder
        return _widened(y, parts["project"](y) + parts["anchors"](tokens))


class PartialBoundary(Boundary):
    """A block across the cut (IOTA, arXiv 2507.17766): its feed-forward half stands at the sender
    and ends narrow, its attention at the receiver; only what travels passes by both.
    """

    encoder: nn.ModuleDict
    decoder: nn.ModuleDict

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        wide = config.hidden_size
        self.encoder = nn.ModuleDict(
            {
                "norm": LlamaRMSNorm(wide, config.rms_norm_eps),
                "mlp": LlamaMLP(config),
                "narrow": nn.Linear(wide, self.width, bias=False),
            }
        )
        self.decoder = nn.ModuleDict(
            {
                "widen": nn.Linear(self.width, wide, bias=False),
                "norm": LlamaRMSNorm(wide, config.rms_norm_eps),
                "attention": attention(config, number),
            }
        )
        self.rotary = rotary(config)

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        parts = self.encoder
        inner = functional.silu(parts["mlp"](parts["norm"](x)))
        y: torch.Tensor = parts["narrow"](inner) + x[..., : self.width]
        return y

    def decode(
        self, y: torch.Tensor, tokens: torch.Tensor, past: Past | None = None
    ) -> torch.Tensor:
        parts = self.decoder
        opened = functional.relu(parts["widen"](y))
        places = self.rotary(opened, positions(y, past))
        cache = None if past is None else past.cache
        attended, _ = parts["attention"](parts["norm"](opened), places, None, cache)
        return _widened(y, attended)


BOUNDARIES: Mapping[str, type[Boundary]] = MappingProxyType(
    {
        "plain": Boundary,
        "quantised": Boundary,  # and the wire is int8
        "partial": PartialBoundary,
        "residual": ResidualBoundary,
        "anchored": AnchoredBoundary,
    }
)
"""By the name that a run's file gives."""


def _projection(given: int, middle: int, result: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(given, middle, bias=False), nn.SiLU(), nn.Linear(middle, result, bias=False)
    )


def _widened(y: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
    """`rest`, and the channels that travelled added to its first ones."""
    return rest + functional.pad(y, (0, rest.shape[-1] - y.shape[-1]))
