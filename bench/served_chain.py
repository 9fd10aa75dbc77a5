"""`python -m bench.served_chain`: what a served chain's honest client notices of an attacker.

For each attack a copy of one chain is served by a process of its own. An honest client at one
address reads a subnet's neurons again and again, first alone (the peer), then beside an attacker at
another address (ours). Its delays, the server's memory and the folder's growth are measured.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import quantiles
from typing import Any

from bittensor.keyfiles import Keypair
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from bench.chain import Keys, busy_chain, keys, size, submit
from bench.measure import Figure, arguments, report
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.runtime.extrinsic import Extrinsic

SECONDS = 8.0
RAMP = 1.0
"""Seconds until an attack is at its full rate; the honest client is timed from then on."""
PAUSE = 0.02
"""Between two questions of the honest client."""
NEURONS, OLD_BLOCKS = 64, 2000
BATCH, MANY, MIB = 64, 300, 2**20
CARRIED = 60_000
ATTACKER_ADDRESS = ("127.0.0.2", 0)
SERVE = "from iotapretrain.cli.main import main; main()"
Ask = dict[str, object]


@dataclass(frozen=True)
class Target:
    """What an attacker knows."""

    url: str
    folder: Path


def request(method: str, *params: object, identity: int = 1) -> Ask:
    return {"jsonrpc": "2.0", "id": identity, "method": method, "params": params}


async def flood(socket: ClientConnection, messages: Iterator[str]) -> None:
    """Send without end, and read whatever comes back."""

    async def read() -> None:
        async for _ in socket:
            pass

    reading = asyncio.create_task(read())
    try:
        for message in messages:
            await socket.send(message)
            await asyncio.sleep(0)
    finally:
        reading.cancel()


def carriers(target: Target, signer: Keypair) -> Iterator[str]:
    """Envelopes of 60 KB that hold nothing, with one nonce after another."""
    with EmbeddedChain(target.folder) as chain:
        codec, genesis = chain.codec, chain.genesis_hash
    call = codec.compose("MevShield", "submit_encrypted", {"ciphertext": b"\0" * CARRIED})
    for nonce in range(1_000_000):
        unsigned = Extrinsic(b"", 0, b"", None, nonce, 0, call)
        data = unsigned.signed_by(signer, genesis, genesis).encode()
        yield json.dumps(request("author_submitExtrinsic", "0x" + data.hex()))


def old_blocks(target: Target) -> tuple[str, list[str]]:
    """A storage key, and the hashes of blocks that are no longer at hand."""
    with EmbeddedChain(target.folder) as chain:
        newest = chain.head()
        numbers = range(newest - OLD_BLOCKS - 1000, newest - 1000)
        hashes = ["0x" + (chain.block_hash(number) or b"").hex() for number in numbers]
        return "0x" + chain.codec.storage_key("Balances", "TotalIssuance", ()).hex(), hashes


def old_reads(target: Target) -> Iterator[str]:
    """Batches of questions about old blocks."""
    key, hashes = old_blocks(target)
    drawn = random.Random(1)
    while True:
        asked = drawn.sample(hashes, BATCH)
        yield json.dumps([request("state_getStorage", key, each) for each in asked])


def large(target: Target) -> Iterator[str]:
    """Messages of 1 MiB that wait for an old block, and are many times that once parsed."""
    key, hashes = old_blocks(target)
    body = ",".join(["[]"] * (MIB // 3 - 200))
    while True:
        asked = json.dumps(request("state_getStorage", key, random.choice(hashes), "junk"))
        yield asked.replace('"junk"', f"[{body}]")


def metadata(_: Target) -> Iterator[str]:
    while True:
        yield json.dumps(request("state_getMetadata"))


async def attacking(target: Target, messages: Iterator[str]) -> None:
    """One connection, and another when it has been closed."""
    while True:
        with suppress(WebSocketException, OSError):
            async with connect(target.url, local_addr=ATTACKER_ADDRESS, max_size=None) as socket:
                await flood(socket, messages)
        await asyncio.sleep(0.1)


@dataclass(frozen=True)
class Attack:
    """What is sent, and by how many connections."""

    messages: Callable[[Target], Iterator[str]]
    connections: int = 1


ATTACKS = {
    "64 KB extrinsics of a stranger": Attack(
        lambda target: carriers(target, Keypair.create_from_uri("//bench//stranger"))
    ),
    "64 KB extrinsics of an account with coins": Attack(
        lambda target: carriers(target, keys(NEURONS + 1).coldkey)
    ),
    "batches of 64 old reads": Attack(old_reads),
    "pipelined messages of 1 MiB": Attack(large),
    "300 connections that ask for the metadata": Attack(metadata, MANY),
}


def run_attack(name: str, target: Target, ready: Event) -> None:
    attack = ATTACKS[name]
    messages = attack.messages(target)
    prepared = itertools.chain([next(messages)], messages)
    ready.set()

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(attack.connections):
                tasks.create_task(attacking(target, prepared))

    asyncio.run(run())


@contextmanager
def attacked(name: str, target: Target) -> Iterator[None]:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    attacker = spawn.Process(target=run_attack, args=(name, target, ready))
    attacker.start()
    ready.wait()
    try:
        yield
    finally:
        attacker.kill()
        attacker.join()


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The chain in a process of its own, and its address."""
    words = [sys.executable, "-c", SERVE, "chain", "serve", str(folder), "--port", "0"]
    wide = {**os.environ, "COLUMNS": "1000"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=wide) as server:
        assert server.stdout is not None
        try:
            yield server, server.stdout.readline().split()[-1]
        finally:
            server.kill()


async def delays(url: str, seconds: float) -> list[float]:
    """Milliseconds of an honest client's questions, one after another, being let in included."""
    ask = json.dumps(request("state_call", "NeuronInfoRuntimeApi_get_neurons_lite", "0x0100"))
    taken: list[float] = []
    started = time.perf_counter()
    until = started + seconds
    while time.perf_counter() < until:
        with suppress(InvalidStatus):
            async with connect(url, max_size=None, open_timeout=60, ping_timeout=None) as socket:
                while not taken or time.perf_counter() < until:
                    await socket.send(ask)
                    answer: dict[str, Any] = json.loads(await socket.recv())
                    assert "result" in answer, answer
                    taken.append((time.perf_counter() - started) * 1000)
                    await asyncio.sleep(PAUSE)
                    started = time.perf_counter()
        await asyncio.sleep(PAUSE)
    return taken or [seconds * 1000]


def p95(taken: list[float]) -> float:
    return quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else taken[0]


def memory(server: subprocess.Popen[str], which: str) -> int:
    """KiB of a process, by the kernel's name for them."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{which}:"))


def measured(name: str, original: Path, scratch: Path) -> list[Figure]:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    shutil.copytree(original, folder, dirs_exist_ok=True)
    with served(folder) as (server, url):
        alone = asyncio.run(delays(url, SECONDS / 2))
        stored, held = size(folder), memory(server, "VmRSS")
        with attacked(name, Target(url, folder)):
            time.sleep(RAMP)
            beside = asyncio.run(delays(url, SECONDS))
        grown, used = size(folder) - stored, max(memory(server, "VmHWM") - held, 0)
    ours, peer = p95(beside), p95(alone)
    return [
        Figure(f"{name}: p95 of an honest read", "ms", ours, peer, ours / peer, None, None),
        Figure(f"{name}: longest honest read", "ms", max(beside), max(alone), None, None, None),
        Figure(f"{name}: memory", "MiB", used / 1024, None, None, None, None),
        Figure(f"{name}: journal", "MiB", grown / MIB, None, None, None, None),
    ]


def old_chain(folder: Path) -> None:
    """A subnet at work with thousands of blocks of an extrinsic each behind it."""
    folder.mkdir()
    wallets = [keys(number) for number in range(NEURONS + 2)]
    clock = busy_chain(folder, wallets, NEURONS, OLD_BLOCKS)
    with EmbeddedChain(folder, clock) as chain:
        for number in range(OLD_BLOCKS):
            clock.block += 1
            submit(chain, [(wallets[number % NEURONS].coldkey, payment(wallets[0]))])


def payment(to: Keys) -> tuple[str, str, dict[str, Any]]:
    dest = to.coldkey.ss58_address
    return "Balances", "transfer_keep_alive", {"dest": dest, "value": 1000}


def main() -> None:
    options = arguments(__doc__)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        old_chain(scratch / "original")
        figures = [
            figure
            for attack in ATTACKS
            for figure in measured(attack, scratch / "original", scratch)
        ]
    report("served_chain", figures, options.json)


if __name__ == "__main__":
    main()
