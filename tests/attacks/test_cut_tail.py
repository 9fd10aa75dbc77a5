"""The newest records of a journal are cut off: what is left holds, but not before witnesses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.make_network import create_network
from iotapretrain.chain.verify_chain import BlockWitness, verify_chain
from iotapretrain.errors import BrokenError
from tests.chain.rpc.networks import EXAMPLE


def test_a_witness_notices_a_tail_that_was_cut_off(tmp_path: Path) -> None:
    settings = tmp_path / "genesis.toml"
    settings.write_text(EXAMPLE.read_text().replace('"wall"', '"manual"'))
    create_network(settings, tmp_path / "net")
    shutil.copytree(tmp_path / "net", tmp_path / "cut")
    with EmbeddedChain(tmp_path / "net") as chain:
        head = chain.advance(5)
        hashed = chain.block_hash(head)
    assert hashed is not None
    witness = BlockWitness("validator-1", head, hashed)
    assert verify_chain(tmp_path / "net", [witness]).block == head
    verify_chain(tmp_path / "cut")
    with pytest.raises(BrokenError, match=r"validator-1 saw .* were cut off"):
        verify_chain(tmp_path / "cut", [witness])
