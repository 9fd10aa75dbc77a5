"""`iota validate` as a process: killed, stopped, and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iotapretrain.chain.client import connect
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.make_network import create_network
from iotapretrain.chain.wallets import existing_wallet
from iotapretrain.competition.records.public_rounds import PublicRounds
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import model_hash
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.rules.competition.commitment import Commitment, secure_hash
from tests.models import zoo

GENESIS = Path(__file__).parents[3] / "examples" / "networks" / "manual.toml"
SCHEDULE = (Path(__file__).parents[3] / "examples" / "competitions" / "tiny.toml").read_text()
MINERS = ("miner-1", "miner-2")
PROGRAM = "from iotapretrain.cli.main import main; main()"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """The network of the tutorial, with two models past their delay."""
    net = tmp_path / "net"
    create_network(GENESIS, net)
    asyncio.run(_settled(net, tmp_path))
    with EmbeddedChain(net) as chain:
        chain.advance(50)
    (tmp_path / "small.toml").write_text(SCHEDULE.replace("[300_000,", "[10_000,"))
    return net


async def _settled(net: Path, scratch: Path) -> None:
    async with await connect(f"embedded:{net}") as client:
        await client.register(existing_wallet("validator-1", net / "wallets"), 1)
        for seed, name in enumerate(MINERS):
            wallet = existing_wallet(name, net / "wallets")
            await client.register(wallet, 1)
            hub, repository = FolderHub(net / "hub", name), RepositoryId(name, "model")
            model = zoo.save(zoo.network("GPT2LMHeadModel", seed), scratch / name)
            commit = hub.publish(ModelFolder.scan(model), repository, "A model")
            hub.set_visibility(repository, "public")
            found = fetch(hub, commit, ModelCache(scratch / "models"), max_bytes=10**6)
            bound = secure_hash(model_hash(found), wallet.hotkeypub.ss58_address)
            text = Commitment(repository.namespace, repository.name, commit.id, bound, 0).text
            await client.commit(wallet, 1, text.encode())


def start(network: Path, *more: str) -> subprocess.Popen[str]:
    command = (sys.executable, "-c", PROGRAM, "validate", "--wallet", "validator-1")
    where = ("--network", str(network), "--competitions", str(network.parent / "small.toml"))
    caches = {"HOME": str(network.parent), "XDG_CACHE_HOME": str(network.parent / "cache")}
    return subprocess.Popen(
        [*command, *where, "--poll", "0.1", "--workers", "1", *more],
        env={**os.environ, **caches, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers_of(process: int) -> list[str]:
    """The workers that this process has started and that are alive."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"iotapretrain.models.worker_loop" in words and str(process).encode() in words:
            found.append(entry.parent.name)
    return found


def gone(process: int) -> bool:
    """Whether its workers are, within some seconds."""
    until = time.monotonic() + 10
    while workers_of(process) and time.monotonic() < until:
        time.sleep(0.1)
    return not workers_of(process)


def events(network: Path) -> list[str]:
    path = network / "validators" / "validator-1" / "records.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["kind"] for line in lines if line.endswith("}")]


def wait_for(process: subprocess.Popen[str], network: Path, kind: str, count: int) -> None:
    until = time.monotonic() + 120
    while events(network).count(kind) < count and time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_killed_and_stopped_it_ends_where_it_should(network: Path) -> None:
    for kind, number in (
        ("round-started", signal.SIGKILL),
        ("validator-started", signal.SIGTERM),
    ):
        process = start(network, "--rounds", "9")
        wait_for(process, network, kind, events(network).count(kind) + 1)
        told = time.monotonic()
        process.send_signal(number)
        output, said = process.communicate(timeout=30)
        assert gone(process.pid)
        if number == signal.SIGTERM:
            assert process.returncode == 0, said
            assert time.monotonic() - told < 15
    final = start(network, "--once", "--json")
    output, said = final.communicate(timeout=200)
    assert final.returncode == 0, said
    assert gone(final.pid)
    assert json.loads(output)["rounds"] == 1
    public = PublicRounds(FolderHub(network / "hub"), RepositoryId("validator-1", "rounds"))
    assert public.numbers() == [1]
    assert len(public.read(1).record.models) == len(MINERS)
