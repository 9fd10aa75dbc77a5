"""Strangers fill the journal of a served chain with extrinsics that do nothing and cost nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iotapretrain.chain.allowances import IDLE_BURST_BYTES
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.errors import RefusedError
from tests.chain.rpc.networks import make_network
from tests.chain.signing import signed, transfer
from tests.chain.worlds import Keys, changed, hotkey, keys, make_chain

CARRIER = ("MevShield", "submit_encrypted", {"ciphertext": b"\0" * 60_000})
FAILING = transfer("owner", 10**18)
Call = tuple[str, str, dict[str, Any]]


def stored(chain: EmbeddedChain, sender: Keys, call: Call, tries: int) -> int:
    """How many of somebody's tries get into a block."""
    for number in range(tries):
        extrinsic = signed(chain, sender.coldkey, call)
        try:
            chain.submit(extrinsic)
        except RefusedError:
            with pytest.raises(RefusedError, match=r"ExhaustsResources.* it would do nothing"):
                chain.submit(extrinsic)
            return number
    return tries


def test_a_stranger_stores_nothing_and_closes_no_block(tmp_path: Path) -> None:
    make_network(tmp_path)
    with EmbeddedChain(tmp_path) as chain:
        stranger = keys("stranger").coldkey
        before = chain.head()
        with pytest.raises(RefusedError, match="neither balance nor stake nor a uid") as refused:
            chain.submit(signed(chain, stranger, CARRIER, nonce=0))
        assert refused.value.reason == "Payment"
        assert chain.head() == before


def test_empty_envelopes_of_who_has_coins_are_kept_until_there_is_no_room(tmp_path: Path) -> None:
    with make_chain(tmp_path) as chain:
        before = chain.head()
        assert stored(chain, keys("miner-1"), CARRIER, 20) == 4
        assert chain.head() == before + 4


def test_accounts_without_a_place_share_one_room(tmp_path: Path) -> None:
    with make_chain(tmp_path) as chain:
        assert stored(chain, keys("miner-1"), CARRIER, 20) == 4
        assert stored(chain, keys("miner-2"), CARRIER, 20) == 0
        small = stored(chain, keys("miner-3"), FAILING, 100)
        assert small < IDLE_BURST_BYTES / 512 / 4


def test_what_succeeds_and_who_has_a_place_is_not_kept_out(tmp_path: Path) -> None:
    with make_chain(tmp_path, changed(min_burn=1)) as chain:
        register = ("SubtensorModule", "burned_register", {"netuid": 1, "hotkey": hotkey("m")})
        chain.submit(signed(chain, keys("miner-1").coldkey, register))
        assert stored(chain, keys("miner-2"), CARRIER, 20) == 4
        assert stored(chain, keys("miner-2"), transfer("owner", 1000), 3) == 3
        assert stored(chain, keys("miner-1"), FAILING, 3) == 3
        assert stored(chain, keys("miner-1"), CARRIER, 20) <= 4
