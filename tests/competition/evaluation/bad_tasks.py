"""Tasks of a worker in which a job's seed says how its model misbehaves."""

from __future__ import annotations

import os
import time
from typing import Any

HONEST, HANG, EAT, DIE, NONSENSE, FEWER = range(6)


def score_pages(_files: dict[str, int], pages: list[Any], seed: int, **_: Any) -> Any:
    if seed == HANG:
        time.sleep(600)
    if seed == EAT:
        bytearray(2**40)
    if seed == DIE:
        os._exit(3)
    if seed == NONSENSE:
        return {"losses": "low"}
    return {"losses": [2.5] * (len(pages) - (seed == FEWER))}


def reference(_files: dict[str, int]) -> float:
    return 0.01
