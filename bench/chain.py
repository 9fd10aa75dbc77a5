"""`python -m bench.chain`: how fast the embedded chain takes extrinsics, answers, and catches up.

Four processes write through the SDK's client into one chain; nothing may be lost and the whole must
verify. A metagraph of 256 neurons is read through the SDK. A chain that nobody touched for 100,000
blocks is caught up with, once with a few neurons and once with a full subnet at work.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median
from typing import Any

import bittensor as bt
from bittensor import calls
from bittensor.keyfiles import Keypair

from bench.measure import RUNS, Figure, arguments, report
from iotapretrain.chain.embedded_chain import JOURNAL, EmbeddedChain, now_ms
from iotapretrain.chain.entries import Beginning, BlockClock, ClockSettings
from iotapretrain.chain.make_network import begin
from iotapretrain.chain.runtime.extrinsic import Extrinsic
from iotapretrain.chain.substrate import EmbeddedSubstrate
from iotapretrain.chain.verify_chain import verify_chain
from iotapretrain.rules.chain.ledger.genesis import Genesis, GenesisStake, GenesisSubnet
from iotapretrain.rules.chain.ledger.parameters import NetworkParameters, SubnetParameters

PROCESSES, ACCOUNTS, SENT = 4, 32, 1024
"""Writers, accounts of each, and extrinsics of each writer."""
NEURONS, VALIDATORS = 256, 16
EMPTY_BLOCKS = 100_000
RAO = 10**9
BLOCK_MS = 12_000
READS = 40


@dataclass(frozen=True)
class Keys:
    """A wallet in memory."""

    coldkey: Keypair
    hotkey: Keypair

    @property
    def coldkeypub(self) -> Keypair:
        return self.coldkey


def keys(number: int) -> Keys:
    return Keys(*(Keypair.create_from_uri(f"//bench//{number}//{part}") for part in ("c", "h")))


def make_chain(
    folder: Path, wallets: list[Keys], parameters: SubnetParameters, start_ms: int
) -> None:
    """A chain by the wall clock; everybody has coins, the first few have stake on themselves."""
    cold = [wallet.coldkey.ss58_address for wallet in wallets]
    hot = [wallet.hotkey.ss58_address for wallet in wallets]
    stakes = tuple(GenesisStake(hot[n], cold[n], 1000 * RAO) for n in range(VALIDATORS))
    subnet = GenesisSubnet(1, "bench", cold[0], hot[0], parameters=parameters, stakes=stakes)
    genesis = Genesis(NetworkParameters(), dict.fromkeys(cold, 1000 * RAO), (subnet,))
    clock = BlockClock(ClockSettings("wall", BLOCK_MS), start_ms)
    begin(folder / JOURNAL, Beginning(clock, genesis))


def write(folder: str, writer: int, ready: Event, go: Event) -> None:
    """One process that sends transfers from its own accounts, each after the one before."""

    async def run() -> None:
        async with bt.Client("local", substrate=EmbeddedSubstrate(Path(folder))) as client:
            own = [keys(writer * ACCOUNTS + number) for number in range(ACCOUNTS)]
            call = calls.Balances.transfer_keep_alive(dest=own[0].hotkey.ss58_address, value=RAO)
            ready.set()
            go.wait()

            async def send(wallet: Keys) -> None:
                for _ in range(SENT // ACCOUNTS):
                    result = await client.submit_call(
                        call, wallet, wait_for_inclusion=False, wait_for_finalization=False
                    )
                    result.raise_for_failure()

            await asyncio.gather(*map(send, own))

    asyncio.run(run())


def writing(scratch: Path, wallets: list[Keys]) -> tuple[float, int]:
    """Extrinsics a second from all writers, and how many were lost or doubled."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    make_chain(folder, wallets, SubnetParameters(), now_ms())
    spawn = multiprocessing.get_context("spawn")
    go, ready = spawn.Event(), [spawn.Event() for _ in range(PROCESSES)]
    writers = [
        spawn.Process(target=write, args=(str(folder), number, ready[number], go))
        for number in range(PROCESSES)
    ]
    for process in writers:
        process.start()
    for event in ready:
        event.wait()
    started = time.perf_counter()
    go.set()
    for process in writers:
        process.join()
    seconds = time.perf_counter() - started
    sent = PROCESSES * SENT
    failed = [process.exitcode for process in writers if process.exitcode]
    assert not failed, f"writers failed: {failed}"
    return sent / seconds, abs(verify_chain(folder).extrinsics - sent)


class HandClock:
    """A wall clock that stands still until it is set."""

    def __init__(self, start_ms: int) -> None:
        self.start_ms = start_ms
        self.block = 0

    def __call__(self) -> int:
        """Milliseconds after the epoch, in the middle of the block after the newest."""
        return self.start_ms + self.block * BLOCK_MS + BLOCK_MS // 2


def submit(
    chain: EmbeddedChain, batch: list[tuple[Keypair, tuple[str, str, dict[str, Any]]]]
) -> None:
    """Sign calls and have them included, all at once."""
    waiting = []
    for signer, (pallet, name, values) in batch:
        call = chain.codec.compose(pallet, name, values)
        unsigned = Extrinsic(b"", 0, b"", None, chain.nonce(signer.ss58_address), 0, call)
        signed = unsigned.signed_by(signer, chain.genesis_hash, chain.genesis_hash)
        waiting.append(chain.offer([signed.encode()]))
    for future in waiting:
        future.result()


def busy_chain(folder: Path, wallets: list[Keys], neurons: int, further: int = 0) -> HandClock:
    """A subnet at work for some epochs: everybody registered, the validators weigh all others.

    So many further blocks are still to be filled before the clock is where the wall clock is.
    """
    parameters = SubnetParameters(
        min_burn=1, max_burn=1, weights_rate_limit=0, max_validators=VALIDATORS
    )
    clock = HandClock(now_ms() - (4 * parameters.tempo + further) * BLOCK_MS)
    make_chain(folder, wallets, parameters, clock.start_ms)
    with EmbeddedChain(folder, clock) as chain:
        register = ("SubtensorModule", "burned_register")
        joining = [
            (wallet.coldkey, (*register, {"netuid": 1, "hotkey": wallet.hotkey.ss58_address}))
            for wallet in wallets[:neurons]
        ]
        submit(chain, joining)
        clock.block = parameters.tempo
        uids = list(range(neurons))
        row = {"netuid": 1, "dests": uids, "weights": [uid + 1 for uid in uids], "version_key": 0}
        weighing = ("SubtensorModule", "set_weights", row)
        submit(chain, [(wallet.hotkey, weighing) for wallet in wallets[:VALIDATORS]])
        clock.block += 2 * parameters.tempo
        chain.state(chain.head())
    return clock


def catching_up(folder: Path, last: HandClock) -> tuple[float, int]:
    """Seconds to open a chain and know its state 100,000 blocks later; bytes it grew by."""
    clock = HandClock(last.start_ms)
    clock.block = last.block + EMPTY_BLOCKS
    before = size(folder)
    started = time.perf_counter()
    with EmbeddedChain(folder, clock) as chain:
        state = chain.state(chain.head())
    seconds = time.perf_counter() - started
    assert state.block == clock.block
    return seconds, size(folder) - before


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def reading(folder: Path) -> float:
    """Median milliseconds of reading a metagraph through the SDK's client."""
    async with bt.Client("local", substrate=EmbeddedSubstrate(folder)) as client:
        taken = []
        for _ in range(READS):
            started = time.perf_counter()
            graph = await client.subnets.metagraph(1)
            taken.append((time.perf_counter() - started) * 1000)
        assert graph is not None
        assert len(graph.neurons) == NEURONS
        return median(taken)


def figure(name: str, unit: str, ours: float, target: str, met: bool) -> Figure:
    return Figure(name, unit, ours, None, None, target, met)


def figures(scratch: Path) -> list[Figure]:
    wallets = [keys(number) for number in range(NEURONS)]
    rates, lost = zip(*(writing(scratch, wallets) for _ in range(RUNS)), strict=True)
    rate = median(rates)
    full, small = scratch / "full", scratch / "small"
    seconds: dict[Path, float] = {}
    growth = 0
    for folder, neurons in ((full, NEURONS), (small, VALIDATORS + 8)):
        folder.mkdir()
        clock = busy_chain(folder, wallets, neurons)
        runs = [catching_up(folder, clock) for _ in range(RUNS)]
        seconds[folder] = median(run[0] for run in runs)
        growth = max(growth, *(run[1] for run in runs))
    milliseconds = asyncio.run(reading(full))
    return [
        figure("extrinsics from 4 processes", "1/s", rate, ">= 500", rate >= 500),
        figure("extrinsics lost or doubled", "", max(lost), "0", max(lost) == 0),
        figure(
            "metagraph of 256 neurons through the SDK",
            "ms",
            milliseconds,
            "<= 20",
            milliseconds <= 20,
        ),
        figure(
            "100,000 empty blocks, 24 neurons", "s", seconds[small], "<= 2", seconds[small] <= 2
        ),
        figure("100,000 empty blocks, 256 neurons", "s", seconds[full], "<= 2", seconds[full] <= 2),
        figure("growth by 100,000 empty blocks", "bytes", growth, "0", growth == 0),
    ]


def main() -> None:
    options = arguments(__doc__)
    with tempfile.TemporaryDirectory() as scratch:
        measured = figures(Path(scratch))
    report("chain", measured, options.json)


if __name__ == "__main__":
    main()
