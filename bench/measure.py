"""What every benchmark shares: alternating runs, medians, and one printed report.

A figure compares *ours* with a *peer* measured in the same run; machines are noisy, so runs
alternate and medians count.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

RUNS = 5


@dataclass(frozen=True)
class Figure:
    """One measured number, ours beside a peer's; `met` is None where there is no target."""

    name: str
    unit: str
    ours: float
    peer: float | None
    ratio: float | None
    target: str | None
    met: bool | None


def alternate(
    *calls: Callable[[], object], runs: int = RUNS, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Median seconds of each call; the calls take turns, and the order turns round every time."""
    seconds: list[list[float]] = [[] for _ in calls]
    order = list(range(len(calls)))
    for _ in range(runs):
        for index in order:
            started = clock()
            calls[index]()
            seconds[index].append(clock() - started)
        order.reverse()
    return [statistics.median(taken) for taken in seconds]


def arguments(description: str | None, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options that every benchmark takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--gpu", action="store_true", help="also measure on a GPU")
    return parser.parse_args(argv)


def machine() -> dict[str, object]:
    """Enough about the machine to judge a figure by."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            named = [line.partition(":")[2] for line in file if line.startswith("model name")]
    except OSError:
        named = []
    return named[0].strip() if named else platform.machine()


def report(bench: str, figures: Sequence[Figure], as_json: bool) -> None:
    """Print the one object of a benchmark, as JSON or as a line a figure."""
    if as_json:
        document = {"bench": bench, "machine": machine(), "figures": [asdict(f) for f in figures]}
        print(json.dumps(document, indent=2, allow_nan=False))
        return
    for figure in figures:
        peer = "" if figure.peer is None else f"  peer {figure.peer:.4g}"
        ratio = "" if figure.ratio is None else f"  ratio {figure.ratio:.4g}"
        print(f"{figure.name}: {figure.ours:.4g} {figure.unit}{peer}{ratio}{_verdict(figure)}")


def _verdict(figure: Figure) -> str:
    if figure.met is None:
        return ""
    return f"  ({figure.target}: {'met' if figure.met else 'MISSED'})"
