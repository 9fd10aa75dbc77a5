"""Strangers fill the journal of a served chain with extrinsics that fail and cost nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotapretrain.chain.embedded import EmbeddedChain
from iotapretrain.errors import RefusedError
from tests.chain.rpc.networks import make_network
from tests.chain.signing import signed
from tests.chain.worlds import keys


def test_a_stranger_stores_nothing_and_closes_no_block(tmp_path: Path) -> None:
    make_network(tmp_path)
    with EmbeddedChain(tmp_path) as chain:
        stranger = keys("stranger").coldkey
        carrier = ("MevShield", "submit_encrypted", {"ciphertext": b"\0" * 60_000})
        before = chain.head()
        with pytest.raises(RefusedError, match="neither balance nor stake nor a uid") as refused:
            chain.submit(signed(chain, stranger, carrier, nonce=0))
        assert refused.value.reason == "Payment"
        assert chain.head() == before
