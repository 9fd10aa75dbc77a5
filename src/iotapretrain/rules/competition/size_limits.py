"""Which models may take part, from figures that others measured (competition, section 4)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from iotapretrain.errors import ConfigError, InputError

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class NormRule:
    """Frobenius norms of the projections: none above `hard`, and few layers above `soft`."""

    hard: float = 1000.0
    soft: float = 200.0
    share: float = 0.15

    def __post_init__(self) -> None:
        if not 0 < self.soft <= self.hard < math.inf:
            raise ConfigError("norms", "soft", f"{self.soft}", f"above 0, to hard = {self.hard}")
        if not 0 <= self.share <= 1:
            raise ConfigError("norms", "share", f"{self.share}", "a number from 0 to 1")


def refuse(
    parameters: int, smallest: int, largest: int, architecture: str, allowed: Collection[str]
) -> str | None:
    """Why a model of this size and architecture may not take part, or None; both bounds are in.

    `parameters` counts each shared tensor once.
    """
    if parameters < smallest:
        return f"{parameters:,} parameters; at least {smallest:,} needed"
    if parameters > largest:
        return f"{parameters:,} parameters; at most {largest:,} allowed"
    if architecture not in allowed:
        return f"architecture {architecture}; allowed: {', '.join(sorted(allowed))}"
    return None


def refuse_norms(norms: Mapping[str, Sequence[float]], rule: NormRule) -> str | None:
    """Why the norms, layer by layer for each projection, are out of bounds, or None.

    The mean over the projections of the share of layers above `soft` must not exceed `share`. A
    norm that is no number is above every bound.
    """
    if not norms or not all(norms.values()):
        raise InputError("norms: no layers; give each projection at least one norm")
    for projection, layers in norms.items():
        for layer, norm in enumerate(layers):
            if not norm <= rule.hard:
                most = f"at most {rule.hard:g} allowed"
                return f"layer {layer}: {projection} has norm {norm:g}; {most}"
    shares = [sum(norm > rule.soft for norm in layers) / len(layers) for layers in norms.values()]
    mean = math.fsum(shares) / len(shares)
    if mean > rule.share:
        return f"{mean:.1%} of layers have norms above {rule.soft:g}; at most {rule.share:.1%} may"
    return None
