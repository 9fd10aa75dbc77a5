"""python -m bench.merge_codes [--json]: codes of a merge, MB of float32 a second on one core.

Beside each code stands its square error by that of sending nothing, for a normal distribution, and
what a number takes. There is no peer: what else packs so does it on a GPU.
"""

from __future__ import annotations

import time

import numpy as np

from bench.measure import Figure, alternate, arguments, report
from iotapretrain.rules.swarm.merge_codes import CODES, MergeCode

NUMBERS = 1 << 22
LEAST_MB = 100
HELD = ("2bit", "int8")


def of(code: MergeCode, values: np.ndarray) -> list[Figure]:
    """Both ways, bytes and error of one code."""
    content = code.encode(values)
    calls = (lambda: code.encode(values), lambda: code.decode(content, NUMBERS))
    error = np.square(values - code.decode(content, NUMBERS), dtype=np.float64).mean()
    held = code.name in HELD
    figures = []
    for name, seconds in zip(
        ("encode", "decode"), alternate(*calls, clock=time.thread_time), strict=True
    ):
        speed = values.nbytes / seconds / 1e6
        met, target = (speed >= LEAST_MB, f">= {LEAST_MB} MB/s") if held else (None, None)
        figures.append(Figure(f"{code.name}: {name}", "MB/s", speed, None, None, target, met))
    return [
        *figures,
        Figure(f"{code.name}: a number", "bytes", len(content) / NUMBERS, None, None, None, None),
        Figure(f"{code.name}: square error", "share", float(error), None, None, None, None),
    ]


def main() -> None:
    options = arguments(__doc__)
    values = np.random.default_rng(0).standard_normal(NUMBERS, np.float32)
    report(
        "merge_codes", [each for code in CODES.values() for each in of(code, values)], options.json
    )


if __name__ == "__main__":
    main()
