"""A small real network: the embedded chain that the example describes, with its wallets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.make_network import create_network
from iotapretrain.chain.runtime.extrinsic import Extrinsic

EXAMPLE = Path(__file__).parents[3] / "examples" / "networks" / "manual.toml"


def make_network(folder: Path) -> Path:
    """Make the network in a folder; the folder of its wallets."""
    create_network(EXAMPLE, folder)
    return folder / "wallets"


def act(chain: EmbeddedChain, signer: Any, pallet: str, call: str, **arguments: object) -> None:
    """Submit a signed call, which must succeed."""
    composed = chain.codec.compose(pallet, call, arguments)
    unsigned = Extrinsic(b"", 0, b"", None, chain.nonce(signer.ss58_address), 0, composed)
    signed = unsigned.signed_by(signer, chain.genesis_hash, chain.genesis_hash)
    place = chain.submit(signed.encode())
    events = [event for event in chain.events(place.block) if event.extrinsic == place.index]
    assert events[-1].name == "ExtrinsicSuccess", events
