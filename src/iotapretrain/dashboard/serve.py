"""The dashboard as a process: a socket, a server, and its end."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn

from iotapretrain.dashboard.app import make_app
from iotapretrain.dashboard.live import Seats
from iotapretrain.dashboard.service import Desk, ShownNetwork
from iotapretrain.errors import InputError

BACKLOG = 2_048
LAST_SECONDS = 1
"""For answers that are under way when the process is to end; streams never end by themselves."""


@dataclass(frozen=True)
class Entrance:
    """Where viewers come in. Who they are is the address of their connection, or, if it is that of
    `proxy`, what the proxy's X-Forwarded-For says."""

    host: str
    port: int
    streams_of_address: int
    proxy: str | None = None


async def serve(place: ShownNetwork, entrance: Entrance, announce: Callable[[str], None]) -> None:
    """Serve until interrupted; `announce` is told the address once it answers."""
    listener = _listening(entrance.host, entrance.port)
    address, bound = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    async with Desk(place) as desk:
        app = make_app(
            desk, _names(entrance.host), Seats(most_of_address=entrance.streams_of_address)
        )
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            proxy_headers=entrance.proxy is not None,
            forwarded_allow_ips=entrance.proxy,
            backlog=BACKLOG,
            timeout_graceful_shutdown=LAST_SECONDS,
        )
        announce(f"http://{shown}:{bound}/")
        await uvicorn.Server(config).serve(sockets=[listener])


def _names(host: str) -> frozenset[str] | None:
    """By which names a page may call us: any where the address is nobody's own."""
    try:
        if ipaddress.ip_address(host).is_unspecified:
            return None
    except ValueError:
        pass
    return frozenset({host, "localhost", "127.0.0.1", "::1"})


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InputError(f"{host}:{port}: cannot listen there: {error.strerror}") from error
    return listener
