"""The sources by name: what every Python carries, and datasets described in TOML."""

from __future__ import annotations

from iotapretrain.data.cache import Cache
from iotapretrain.data.embedded import EmbeddedSource, code_texts, prose_texts
from iotapretrain.data.source import Source
from iotapretrain.errors import InputError

EMBEDDED = {"python-docs": prose_texts, "python-code": code_texts}


def open_source(name: str, cache: Cache) -> Source:
    """The source that `name` stands for."""
    if name in EMBEDDED:
        return EmbeddedSource(name, EMBEDDED[name], cache)
    raise InputError(f"source {name!r}: unknown; there are {', '.join(EMBEDDED)}")
