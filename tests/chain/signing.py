"""Extrinsics signed by hand, right and wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bittensor.keyfiles import Keypair

from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.runtime.extrinsic import Era, Extrinsic
from tests.chain.worlds import coldkey


def signed(
    chain: EmbeddedChain,
    signer: Keypair,
    call: tuple[str, str, dict[str, Any]],
    nonce: int | None = None,
    period: int | None = None,
) -> bytes:
    """A signed call; by default with the next nonce, and valid for ever."""
    chosen = chain.nonce(signer.ss58_address) if nonce is None else nonce
    head = chain.head()
    era = None if period is None else Era.starting(period, head)
    birth = chain.genesis_hash if era is None else chain.block_hash(era.birth(head))
    assert birth is not None
    unsigned = Extrinsic(b"", 0, b"", era, chosen, 0, chain.codec.compose(*call))
    return unsigned.signed_by(signer, chain.genesis_hash, birth).encode()


def transfer(to: str = "owner", rao: int = 1000) -> tuple[str, str, dict[str, Any]]:
    values = {"dest": coldkey(to), "value": rao}
    return "Balances", "transfer_keep_alive", values


def forged(data: bytes) -> bytes:
    """The same extrinsic with a signature that nobody made."""
    from iotapretrain.chain.runtime.extrinsic import parse

    extrinsic = parse(data)
    wrong = bytes([extrinsic.signature[0] ^ 1]) + extrinsic.signature[1:]
    return replace(extrinsic, signature=wrong).encode()
