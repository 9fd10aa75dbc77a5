"""Events as they are written: what is new in a file since the last look."""

from __future__ import annotations

from pathlib import Path

import msgspec

from iotapretrain.observe.events import AnyEvent

MOST_BYTES = 16 * 2**20
"""Read at one look; the rest is there at the next."""


class Tail:
    """Follows one file from a position; a line counts once it is whole."""

    def __init__(self, path: Path, position: int = 0) -> None:
        self.path, self.position = path, position
        self._decoder = msgspec.json.Decoder(AnyEvent)

    def new(self) -> list[AnyEvent]:
        """The events that were completed since the last look; none while there is no file."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.position)
                read = file.read(MOST_BYTES)
        except FileNotFoundError:
            return []
        whole, _, _ = read.rpartition(b"\n")
        self.position += len(whole) + 1 if whole else 0
        return [event for line in whole.split(b"\n") if (event := self._event(line)) is not None]

    def _event(self, line: bytes) -> AnyEvent | None:
        try:
            event: AnyEvent = self._decoder.decode(line)
            return event
        except msgspec.DecodeError:  # cut short by a kill, or of a newer kind
            return None
