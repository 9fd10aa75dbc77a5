"""Who comes in: connections are counted from their first byte, by address and in all.

So nobody keeps others out by opening many and saying nothing.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import ClassVar

from websockets.asyncio.server import ServerConnection
from websockets.frames import CTRL_OPCODES, Frame
from websockets.http11 import Request, Response
from websockets.protocol import Event

from iotapretrain.chain.allowances import Recent
from iotapretrain.chain.rpc.limits import Address, ClientLimits
from iotapretrain.net.site import site_of

TOO_MANY = "too many connections; come back later"
TOO_MANY_FROM = "too many connections from your address; close some"


class Door:
    def __init__(self, limits: ClientLimits) -> None:
        self._limits = limits
        self._addresses: Recent[str, Address] = Recent(limits.addresses)  # here, or lately
        self._inside = 0

    def enter(self, host: str) -> Address | None:
        """The address of a new connection; None where even a refusal would be too much."""
        site = site_of(host)
        address = self._addresses.get(site)
        address = address or self._addresses.put(site, Address(self._limits))
        most = self._limits.connections + self._limits.waiting_at_the_door
        if self._inside >= most or not address.arrive():
            return None
        address.sit(1)
        self._inside += 1
        return address

    def leave(self, address: Address) -> None:
        address.sit(-1)
        self._inside -= 1

    def refusal(self, address: Address) -> str | None:
        """Why somebody who has said what he wants cannot stay."""
        if address.over:
            return TOO_MANY_FROM
        return TOO_MANY if self._inside > self._limits.connections else None


class Visitor(ServerConnection):
    """A connection that comes in through a door, which a subclass names."""

    door: ClassVar[Door]
    address: Address | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.address = self.door.enter(str(transport.get_extra_info("peername")[0]))
        if self.address is not None:
            super().connection_made(transport)
        elif isinstance(transport, asyncio.WriteTransport):
            transport.abort()  # before anything is set up for it

    def process_event(self, event: Event) -> None:
        """Pings are answered as they come, so whoever sends nothing else is dropped for it."""
        control = isinstance(event, Frame) and event.opcode in CTRL_OPCODES
        if control and self.address is not None and not self.address.signal():
            self.transport.abort()
        else:
            super().process_event(event)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.address is not None:
            self.door.leave(self.address)
            super().connection_lost(exc)


def admit(socket: ServerConnection, _: Request) -> Response | None:
    """What answers the first request of a connection, if it is refused."""
    if not isinstance(socket, Visitor) or socket.address is None:
        return socket.respond(HTTPStatus.TOO_MANY_REQUESTS, f"{TOO_MANY}\n")
    refusal = socket.door.refusal(socket.address)
    return socket.respond(HTTPStatus.TOO_MANY_REQUESTS, f"{refusal}\n") if refusal else None
