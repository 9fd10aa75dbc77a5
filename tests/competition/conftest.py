"""The hubs of `tests.hub`, for whoever publishes to one or reads from one."""

from __future__ import annotations

from tests.hub.conftest import hf_server, library_home, world, xet_server

__all__ = ["hf_server", "library_home", "world", "xet_server"]
