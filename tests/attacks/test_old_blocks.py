"""Old blocks are asked for, which must be replayed: nobody waits for that but who asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotapretrain.chain import old_blocks
from iotapretrain.chain.embedded_chain import EmbeddedChain, journal_path
from iotapretrain.chain.entries import step_draft
from iotapretrain.errors import UnfinishedError
from iotapretrain.store.open_journal import open_journal
from tests.chain.rpc.networks import make_network

BLOCKS = 1200
OLD = 700


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A chain with a record in each of many blocks, and without a kept state."""
    make_network(tmp_path)
    with open_journal(journal_path(tmp_path)) as journal, journal.writing() as writer:
        writer.append(step_draft(block) for block in range(2, BLOCKS))
    return tmp_path


def turns(chain: EmbeddedChain, block: int) -> int:
    """After how many turns that are over at once a block's state is known."""
    for number in range(1, 5000):
        try:
            with chain.turn(0):
                chain.state(block)
        except UnfinishedError:
            assert chain.state(chain.head()).block == BLOCKS - 1  # others are answered meanwhile
        else:
            return number
    raise AssertionError("it is never finished")


def test_an_old_block_takes_turns_and_goes_on_from_where_it_was(network: Path) -> None:
    with EmbeddedChain(network) as chain:
        assert turns(chain, OLD) > OLD / 2
        sliced = chain.state(OLD)
        with EmbeddedChain(network) as other:
            assert other.state(OLD) == sliced


def test_a_batch_of_neighbours_costs_what_lies_between(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replayed = 0

    def counted(*arguments: object) -> object:
        nonlocal replayed
        for each in original(*arguments):  # type: ignore[arg-type] # whatever they are
            replayed += 1
            yield each

    with EmbeddedChain(network) as chain:
        replay = chain._history._old._replay
        original = replay.behind
        monkeypatch.setattr(replay, "behind", counted)
        for block in range(OLD, OLD + 64):
            assert chain.state(block).block == block
    assert replayed < OLD + 64


def test_many_searched_hashes_take_turns_too(network: Path) -> None:
    with EmbeddedChain(network) as chain:
        with pytest.raises(UnfinishedError), chain.turn(0):
            chain.block_hash(OLD)
        assert chain.block_hash(OLD) is not None
        with chain.turn(0):
            assert chain.block_hash(OLD) is not None


def test_what_old_states_take_is_bounded_by_their_size(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_blocks, "footprint", lambda _: old_blocks.OLD_STATE_BYTES // 3)
    with EmbeddedChain(network) as chain:
        for block in range(OLD, OLD + 10):
            chain.state(block)
        old = chain._history._old
        held = [len(old._states.held()), len(old._tips.held())]
    assert held == [3, 3]
