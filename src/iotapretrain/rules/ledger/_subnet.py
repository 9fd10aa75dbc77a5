"""Temporary stand-in for the subnet rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

U16 = 65535


def activity_cutoff(factor_milli: int, tempo: int) -> int:
    return max(factor_milli * tempo // 1000, 1)


def _factor(half_life: int) -> int:
    one = 1 << 32

    def power(f: int) -> int:
        result, base, e = one, f, half_life
        while e:
            if e & 1:
                result = result * base >> 32
            base = base * base >> 32
            e >>= 1
        return result

    low, high = 0, one
    while low < high:
        mid = (low + high + 1) // 2
        if power(mid) <= one // 2:
            low = mid
        else:
            high = mid - 1
    return low


def decayed(burn: int, half_life: int, lowest: int, highest: int) -> int:
    return min(max(burn * _factor(half_life) >> 32, lowest), highest)


def raised(burn: int, multiplier_bits: int, lowest: int, highest: int) -> int:
    return min(max(burn * multiplier_bits >> 64, lowest), highest)


@dataclass(frozen=True)
class Candidate:
    emission: int
    registered: int
    owner_key: bool


def uid_to_replace(
    neurons: Sequence[Candidate],
    block: int,
    immunity: int,
    min_non_immune: int,
    owner_limit: int,
    owner_uid: int | None,
) -> int | None:
    owned = sorted((n.registered, uid) for uid, n in enumerate(neurons) if n.owner_key)
    immortal = [uid for _, uid in owned][:owner_limit]
    if owner_uid is not None and owner_uid not in immortal:
        immortal = [owner_uid, *immortal][:owner_limit]
    key = lambda uid: (neurons[uid].emission, neurons[uid].registered, uid)
    left = [uid for uid in range(len(neurons)) if uid not in immortal]
    free = sorted((u for u in left if block - neurons[u].registered >= immunity), key=key)
    immune = sorted((u for u in left if block - neurons[u].registered < immunity), key=key)
    if len(free) > min_non_immune:
        return free[0]
    return immune[0] if immune else None


def upscaled(values: Sequence[int]) -> list[int]:
    from iotapretrain.rules.fixed import max_upscaled

    return max_upscaled([v << 32 for v in values]) if False else _up(values)


def _up(values):
    m = max(values, default=0)
    if m == 0:
        return [0] * len(values)
    if m <= 32768:
        return [((v * U16 << 32) // m + (1 << 31)) >> 32 for v in values]
    f = (U16 << 32) // m
    return [(v * f + (1 << 31)) >> 32 for v in values]
