"""How soon `iota` answers, beside another version of it: `--before PATH` is that one's `src/`.

    python -m bench.startup --before ../before/src

`iota --help`, and `iota leaderboard` on the small network of `tests/golden`. Each is a process of
its own; the versions take turns, and both see the same network. Without `--before` nothing is
compared. `--runs` is how often each is started.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.measure import Figure, alternate, report
from tests.golden.write import SCHEDULE, Place, unpack

OURS = Path(__file__).parents[1] / "src"
RUNS = 11
CODE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from iotapretrain.cli.main import main;"
CODE += "main()"
COMMANDS = {
    "iota --help": (("--help",), 0.35),
    "iota leaderboard": (("leaderboard", "--competition", f"{SCHEDULE}:mini"), 1.05),
}
"""Each with the most that it may take of the time before; 1.05 is as long, within the noise."""


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--before", type=Path, help="the src/ folder of another version")
    parser.add_argument("--runs", type=int, default=RUNS)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        place = unpack(Path(folder))
        figures = [
            _figure(name, place, given.before, given.runs, *COMMANDS[name]) for name in COMMANDS
        ]
    report("startup", figures, given.json)


def _figure(
    name: str, place: Place, before: Path | None, runs: int, line: Sequence[str], most: float
) -> Figure:
    trees = [OURS] if before is None else [OURS, before.resolve()]
    calls = [_call(place, tree, line) for tree in trees]
    for call in calls:
        call()  # the first one compiles
    taken = alternate(*calls, runs=runs)
    if before is None:
        return Figure(name, "s", taken[0], None, None, None, None)
    ratio = taken[0] / taken[1]
    return Figure(name, "s", taken[0], taken[1], ratio, f"at most {most}", ratio <= most)


def _call(place: Place, tree: Path, line: Sequence[str]) -> Callable[[], None]:
    assert (tree / "iotapretrain").is_dir(), f"{tree}: no src/ of iotapretrain"
    environment = {**os.environ, **place.environment}

    def call() -> None:
        subprocess.run(
            [sys.executable, "-c", CODE, str(tree), *line],
            cwd=place.folder,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    return call


if __name__ == "__main__":
    main()
