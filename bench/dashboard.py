"""The dashboard under load: `python -m bench.dashboard [--json] [--minutes 10]`.

A network of 1,000 miners and 1,000 rounds, looked at by 200 live viewers: each holds the stream of
what is new open and, as the page does, asks for its page again within 0.7 s of every change. Every
five seconds a round arrives. The viewers share the cores with the server that they measure. Memory
is that of the server's process: once everything is read and the viewers have warmed it up, and at
the end. Making the network takes minutes; `--miners`, `--rounds`, `--viewers` make it smaller.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.measure import Figure, report
from tests.dashboard.running import started, wait_for
from tests.dashboard.synthetic import Synthetic

ROUND_SECONDS = 5.0
JITTER_SECONDS = 0.7
WARM_UP_SECONDS = 10.0
READING_SECONDS = 1_800.0
PAGES = (
    "/api/overview",
    "/api/competitions/1",
    "/api/competitions/0",
    "/api/competitions/1/duels",
    "/api/validators",
    "/api/chain",
    "/api/miners",
)
GROWTH = "growth of memory in {:g} minutes"
MINER_VIEWERS = 4  # one viewer in so many looks at a miner of its own


@dataclass
class Viewer:
    """One browser tab: its own connections, its own page."""

    host: str
    port: int
    path: str
    rng: random.Random
    latencies: list[float] = field(default_factory=list)
    _tag: str = ""

    async def watch(self) -> None:
        """For ever: wait for news, ask for the page."""
        news, writer = await self._connected()
        writer.write(self._request("/api/live"))
        asking = await self._connected()
        try:
            while line := await news.readline():
                if line.startswith(b"data: "):
                    await asyncio.sleep(self.rng.random() * JITTER_SECONDS)
                    try:
                        await self._ask(*asking)
                    except (ConnectionError, asyncio.IncompleteReadError):
                        asking = await self._connected()  # the server ends those that rest
                        await self._ask(*asking)
        finally:
            writer.close()
            asking[1].close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began = time.perf_counter()
        writer.write(self._request(self.path))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        await reader.readexactly(int(fields.get("content-length", "0")))
        self.latencies.append(time.perf_counter() - began)
        self._tag = fields["etag"]
        if head[0].split()[1] not in ("200", "304"):
            raise RuntimeError(f"{self.path}: {head[0]}")

    def _request(self, path: str) -> bytes:
        known = f"If-None-Match: {self._tag}\r\n" if self._tag and path == self.path else ""
        return (
            f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nAccept-Encoding: gzip\r\n{known}\r\n"
        ).encode()


def resident(process: int) -> float:
    """Bytes of memory of a process."""
    text = Path(f"/proc/{process}/status").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("VmRSS:"))
    return float(line.split()[1]) * 1024


def put_aside(synthetic: Synthetic, rounds: int, place: Path) -> list[tuple[Path, Path]]:
    """Rounds that are to arrive later: where they wait, and where they belong."""
    place.mkdir()
    synthetic.play(rounds)
    folder = synthetic.folder / "validators" / "validator-1" / "rounds"
    moves = []
    for path in sorted(folder.iterdir())[-rounds:]:
        path.rename(place / path.name)
        moves.append((place / path.name, path))
    return moves


async def load(
    process: int, viewers: list[Viewer], arriving: list[tuple[Path, Path]]
) -> tuple[float, float]:
    """All viewers at once while rounds arrive; memory after the warm-up, and at the end."""
    tasks = [asyncio.create_task(viewer.watch()) for viewer in viewers]
    await asyncio.sleep(WARM_UP_SECONDS)
    for viewer in viewers:
        viewer.latencies.clear()
    warm = resident(process)
    for source, target in arriving:
        source.rename(target)
        await asyncio.sleep(ROUND_SECONDS)
        broken = [task for task in tasks if task.done()]
        if broken:
            await broken[0]
    end = resident(process)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return warm, end


def measured(options: argparse.Namespace, folder: Path) -> list[Figure]:
    arrivals = max(int(options.minutes * 60 / ROUND_SECONDS), 1)
    synthetic = Synthetic(folder / "net", miners=options.miners, validators=1)
    synthetic.play(options.rounds)
    arriving = put_aside(synthetic, arrivals, folder / "aside")
    began = time.perf_counter()
    streams = ("--streams-per-address", str(options.viewers))
    with started(synthetic.folder, 0, *streams) as (address, process):
        wait_for(address, "/api/overview", "rounds", options.rounds, READING_SECONDS)
        reading = time.perf_counter() - began
        parts = urlsplit(address)
        hotkeys = [actor.hotkey for actor in synthetic.competitors]
        viewers = [
            Viewer(
                parts.hostname or "",
                parts.port or 0,
                f"/api/miners/{hotkeys[number % len(hotkeys)]}"
                if number % MINER_VIEWERS == 0
                else PAGES[number % len(PAGES)],
                random.Random(number),
            )
            for number in range(options.viewers)
        ]
        warm, end = asyncio.run(load(process, viewers, arriving))
    latencies = [1e3 * seconds for viewer in viewers for seconds in viewer.latencies]
    centiles = statistics.quantiles(latencies, n=100)
    size = f"{options.viewers} viewers, {options.miners:,} miners x {options.rounds:,} rounds"
    growth, p95 = end / warm - 1, centiles[94]
    return [
        Figure(f"p95 of an API call, {size}", "ms", p95, None, None, "<= 100", p95 <= 100),
        seen("median of an API call", "ms", centiles[49]),
        seen("API calls", "1", len(latencies)),
        seen("memory after the warm-up", "MB", warm / 1e6),
        Figure(
            f"growth in {options.minutes:g} min", "1", growth, None, None, "<= 0.1", growth <= 0.1
        ),
        seen("reading rounds at a start", "rounds/s", options.rounds / reading),
    ]


def seen(name: str, unit: str, value: float) -> Figure:
    """A figure without a target."""
    return Figure(name, unit, value, None, None, None, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long the viewers look")
    parser.add_argument("--miners", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=1_000)
    parser.add_argument("--viewers", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="iota-bench-dashboard-") as folder:
        figures = measured(options, Path(folder))
    report("dashboard", figures, options.json)


if __name__ == "__main__":
    main()
