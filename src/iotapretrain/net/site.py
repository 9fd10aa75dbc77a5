"""Names of places: what counts as one address, for quotas that each has once; what is a chain's."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from iotapretrain.errors import InputError

SITE_BITS = 64
"""Of an IPv6 address: who has one has all that share its first half."""
EMBEDDED = "embedded:"
NETWORKS = ("finney", "test", "local")


def site_of(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), SITE_BITS), strict=False))


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
