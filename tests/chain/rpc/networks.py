"""A small real network: the embedded chain that the example describes, with its wallets."""

from __future__ import annotations

from pathlib import Path

from iotapretrain.chain.network import create_network

EXAMPLE = Path(__file__).parents[3] / "examples" / "networks" / "tiny.toml"


def make_network(folder: Path) -> Path:
    """Make the network in a folder; the folder of its wallets."""
    create_network(EXAMPLE, folder)
    return folder / "wallets"
