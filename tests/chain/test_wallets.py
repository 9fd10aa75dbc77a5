"""Signatures of hotkeys, checked without their keys."""

from __future__ import annotations

import pytest

from iotapretrain.chain.wallets import is_signature
from tests.chain.worlds import hotkey, keys

MESSAGE = b"round 1"


def test_only_the_signer_and_the_message_fit() -> None:
    signature = bytes(keys("miner-1").hotkey.sign(MESSAGE))
    assert is_signature(hotkey("miner-1"), MESSAGE, signature)
    assert not is_signature(hotkey("miner-2"), MESSAGE, signature)
    assert not is_signature(hotkey("miner-1"), b"round 2", signature)


@pytest.mark.parametrize(("address", "signature"), [("nobody", bytes(64)), (None, b"short")])
def test_what_is_no_signature_is_not_one(address: str | None, signature: bytes) -> None:
    assert not is_signature(address or hotkey("miner-1"), MESSAGE, signature)
