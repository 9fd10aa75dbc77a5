"""Many processes, sudden death, full and damaged disks: what was acknowledged is there, once."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from iotapretrain.chain.embedded_chain import JOURNAL, EmbeddedChain, now_ms
from iotapretrain.chain.entries import extrinsic_draft
from iotapretrain.chain.runtime.extrinsic import digest
from iotapretrain.chain.verify_chain import verify_chain
from iotapretrain.errors import BrokenError, StoreError
from iotapretrain.store.open_journal import open_journal
from tests.chain.signing import signed, transfer
from tests.chain.worlds import BALANCE, ClockSettings, coldkey, keys, make_chain
from tests.store.conftest import mounted
from tests.store.processes import Child

WRITERS, EACH = 8, 125
RAO = 1000


def write(pipe: Connection, folder: Path, name: str, count: int, at_once: int) -> None:
    """Send transfers, some at once, and say the hash of each when it is acknowledged."""
    signer = keys(name).coldkey
    with EmbeddedChain(folder) as chain:
        for first in range(0, count, at_once):
            nonces = range(first, min(first + at_once, count))
            sent = [signed(chain, signer, transfer(rao=RAO), nonce) for nonce in nonces]
            for data, future in [(data, chain.offer([data])) for data in sent]:
                future.result()
                pipe.send(digest(data))


def stored(folder: Path) -> Counter[bytes]:
    """The hashes of all extrinsics in closed blocks."""
    with EmbeddedChain(folder) as chain:
        time.sleep(chain.until_next_block())
        found = [data for number in range(chain.head() + 1) for data in chain.extrinsics(number)]
    return Counter(map(digest, found))


def test_eight_writers_lose_and_double_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    make_chain(folder, clock=ClockSettings("wall", 50), start_ms=now_ms()).close()
    writers = [
        Child(write, folder, f"miner-{number + 1}", EACH, 5 + number % 3 * 10)
        for number in range(WRITERS)
    ]
    acknowledged = [each for writer in writers for each in writer.received()]
    assert [writer.end() for writer in writers] == [0] * WRITERS
    assert len(acknowledged) == len(set(acknowledged)) == WRITERS * EACH
    assert verify_chain(folder).extrinsics == WRITERS * EACH
    assert stored(folder) == Counter(acknowledged)
    with EmbeddedChain(folder) as chain:
        for number in range(WRITERS):
            account = chain.state(chain.head()).account(coldkey(f"miner-{number + 1}"))
            assert (account.nonce, account.free) == (EACH, BALANCE - EACH * RAO)


def test_a_writer_killed_at_any_moment_takes_nothing_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    make_chain(folder).close()
    for round_number, after in enumerate((3, 17, 40)):
        name = f"miner-{round_number + 1}"
        writer = Child(write, folder, name, 10_000, 5)
        acknowledged = [writer.receive() for _ in range(after)]
        writer.kill()
        acknowledged += writer.received()
        assert writer.end() == -signal.SIGKILL
        found = stored(folder)
        assert set(acknowledged) <= set(found)
        assert set(found.values()) == {1}
        verify_chain(folder)


def die_committing(pipe: Connection, folder: Path, count: int) -> None:
    """Be killed after the records are written, and before their commit."""
    signer = keys("miner-1").coldkey
    chain = EmbeddedChain(folder)
    chain.submit(signed(chain, signer, transfer()))
    pipe.send(chain.head())
    with open_journal(folder / JOURNAL) as journal, journal.writing() as writer:
        data = signed(chain, signer, transfer())
        writer.append(extrinsic_draft(9, data, signer.ss58_address) for _ in range(count))
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_was_not_committed_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    make_chain(folder).close()
    writer = Child(die_committing, folder, 3)
    assert writer.received() == [1]
    assert writer.end() == -signal.SIGKILL
    assert verify_chain(folder).extrinsics == 1
    with EmbeddedChain(folder) as chain:
        assert chain.submit(signed(chain, keys("miner-1").coldkey, transfer())).block == 2


def until_refused(chain: EmbeddedChain) -> tuple[int, str]:
    """How many extrinsics the disk takes, and how it refuses the next."""
    signer = keys("miner-1").coldkey
    for sent in range(5000):
        try:
            chain.submit(signed(chain, signer, transfer(), sent))
        except StoreError as error:
            return sent, str(error)
    pytest.fail("the disk was never full")


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    with mounted(tmp_path / "small") as disk:
        folder = disk / "net"
        with make_chain(folder) as chain:
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(500_000))
            signer = keys("miner-1").coldkey
            sent, refusal = until_refused(chain)
            assert "the disk is full; nothing of this append is stored" in refusal
            assert sent > 5
            assert chain.nonce(signer.ss58_address) == sent
            ballast.unlink()
            chain.submit(signed(chain, signer, transfer(), sent))
        assert verify_chain(folder).extrinsics == sent + 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed chain of 40 extrinsics."""
    with make_chain(tmp_path / "net") as chain:
        signer = keys("miner-1").coldkey
        for nonce in range(40):
            chain.submit(signed(chain, signer, transfer(), nonce))
    return tmp_path / "net"


def test_a_flipped_byte_of_an_extrinsic_is_named(folder: Path) -> None:
    with EmbeddedChain(folder) as chain:
        extrinsic = chain.extrinsics(7)[0]
    path = folder / JOURNAL
    data = bytearray(path.read_bytes())
    place = data.index(extrinsic) + 60
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(BrokenError, match="record 8 does not hold") as broken:
        verify_chain(folder)
    assert broken.value.sequence == 8


def test_what_a_truncated_file_still_holds_is_read_and_the_rest_named(folder: Path) -> None:
    path = folder / JOURNAL
    whole = path.read_bytes()
    for share in (0.9, 0.5, 0.2):
        path.write_bytes(whole[: int(len(whole) * share) // 4096 * 4096])
        with pytest.raises(StoreError, match=r"record \d+ does not hold|damaged|chain\.sqlite"):
            verify_chain(folder)
    path.write_bytes(whole)
    assert verify_chain(folder).extrinsics == 40


def test_a_kept_state_that_was_changed_is_not_believed(folder: Path) -> None:
    with EmbeddedChain(folder) as chain:
        chain._history._replay.save(chain._history.tip, 1)
        expected = chain.state(chain.head())
    connection = sqlite3.connect(folder / JOURNAL)
    connection.execute("UPDATE snapshots SET state = replace(state, '1', '2')")
    connection.commit()
    connection.close()
    with EmbeddedChain(folder) as chain:
        assert chain.state(chain.head()) == expected
