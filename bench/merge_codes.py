"""python -m bench.merge_codes [--json]: codes of a merge, MB of float32 a second on one core.

Beside each code stands its square error by that of sending nothing, for a normal distribution, and
what a number takes. There is no peer: what else packs so does it on a GPU. Last a merge of ten
members as each of them computes it, from bytes to the digest of the new base.
"""

from __future__ import annotations

import time

import numpy as np

from bench.measure import Figure, alternate, arguments, report
from iotapretrain.rules.swarm.merge_codes import CODES, TWO_BIT, MergeCode
from iotapretrain.rules.swarm.reduction import (
    REDUCERS,
    Announcement,
    OuterRule,
    announced_digests,
    base_digest,
    received,
    reduced,
)

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


def merge(values: np.ndarray, reducer: str) -> Figure:
    """All of a gathered merge, in parameters of the stage a second."""
    sent = {name: TWO_BIT.encode(np.roll(values, i)) for i, name in enumerate("abcdefghij")}
    log = [
        Announcement(name, 100, announced_digests(name, content, TWO_BIT))
        for name, content in sent.items()
    ]

    def whole() -> bytes:
        found = {
            each.hotkey: received(each, [(0, sent[each.hotkey])], 0, TWO_BIT, len(values))
            for each in log
        }
        direction, _ = reduced(found, reducer, 10, dict.fromkeys(sent, True))
        assert direction is not None
        return base_digest(*OuterRule().step(values, np.zeros_like(values), direction, 0))

    [seconds] = alternate(whole, runs=3, clock=time.thread_time)
    speed = len(values) / seconds / 1e6
    name = f"merge of {len(sent)} members by {reducer}"
    return Figure(name, "M parameters/s", speed, None, None, None, None)


def main() -> None:
    options = arguments(__doc__)
    values = np.random.default_rng(0).standard_normal(NUMBERS, np.float32)
    figures = [each for code in CODES.values() for each in of(code, values)]
    figures += [merge(values, reducer) for reducer in REDUCERS]
    report("merge_codes", figures, options.json)


if __name__ == "__main__":
    main()
