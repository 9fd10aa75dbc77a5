"""Which texts name a network, told without opening one."""

from __future__ import annotations

from pathlib import Path

from iotapretrain.errors import InputError

EMBEDDED = "embedded:"
NETWORKS = ("finney", "test", "local")


def known_network(network: str) -> str:
    """The same text; refused is what names neither a chain elsewhere nor a folder that is here."""
    if network in NETWORKS or network.startswith(("ws://", "wss://")):
        return network
    if not network.startswith(EMBEDDED):
        known = ", ".join((*NETWORKS, "ws://…", "wss://…", f"{EMBEDDED}PATH"))
        raise InputError(f"network {network!r}: unknown; allowed: {known}, or a folder")
    if not Path(network.removeprefix(EMBEDDED)).exists():
        raise InputError(f"network {network!r}: there is no such folder")
    return network
