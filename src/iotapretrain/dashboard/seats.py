"""Who may hold a stream open: so many in all, and so many by one address."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import final

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from iotapretrain.net.site import site_of

MOST_VIEWERS = 1_000
MOST_OF_ADDRESS = 20
LATER_SECONDS = "30"


@final
@dataclass
class Seats:
    """Places for viewers; one without an address counts as the address `unknown`."""

    most: int = MOST_VIEWERS
    most_of_address: int = MOST_OF_ADDRESS
    taken: Counter[str] = field(default_factory=Counter)

    def refusal(self, address: str) -> tuple[int, str] | None:
        """Status and sentence for whom there is no place; None where there is one."""
        if self.taken[site_of(address)] >= self.most_of_address:
            return 429, f"{self.most_of_address} streams are open to this address: close one"
        if self.taken.total() >= self.most:
            return 503, "too many viewers"
        return None

    @contextmanager
    def taking(self, address: str) -> Iterator[None]:
        """One place, for as long as this lasts."""
        site = site_of(address)
        self.taken[site] += 1
        try:
            yield
        finally:
            self.taken[site] -= 1
            self.taken += Counter()  # forgets who has none


@final
class SeatedStream(StreamingResponse):
    """A stream of events that has a seat while it is sent, or a refusal."""

    def __init__(
        self, seats: Seats, content: AsyncIterator[bytes], headers: Mapping[str, str]
    ) -> None:
        super().__init__(content, headers=headers, media_type="text/event-stream")
        self._seats, self._told = seats, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Asked and seated without a pause between, so that none slips in."""
        client = scope.get("client")
        address = client[0] if client else "unknown"
        refusal = self._seats.refusal(address)
        if refusal is None:
            with self._seats.taking(address):
                await super().__call__(scope, receive, send)
            return
        status, sentence = refusal
        headers = {**self._told, "Retry-After": LATER_SECONDS}
        await Response(sentence, status, headers)(scope, receive, send)
