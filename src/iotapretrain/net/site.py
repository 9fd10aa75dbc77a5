"""What counts as one address, for quotas that each has once."""

from __future__ import annotations

import ipaddress

SITE_BITS = 64
"""Of an IPv6 address: who has one has all that share its first half."""


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
